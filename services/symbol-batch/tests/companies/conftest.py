"""A provider that says what a test wants, and the two steps against it."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from symbol_batch.calendar import due_at
from symbol_batch.companies.fundamentals import refresh_fundamentals
from symbol_batch.companies.profiles import refresh_profiles
from symbol_batch.companies.storing import Destination
from symbol_batch.providers.provider import (
    FundamentalsAnswer,
    LimitedProvider,
    Offer,
    Outcome,
    Profile,
    ProfileAnswer,
    StatementLine,
)

DAY = date(2025, 7, 7)
COMPANY = Profile("EQUITY", "A Company", "Technology", "Software", "United States", "USD", 1_000.0, 2.5)
FUND = Profile("ETF", "A Fund")
REVENUE = StatementLine("income", "annual", date(2024, 12, 31), "TotalRevenue", 1e9, "amount", "USD")


class Registrar(LimitedProvider):
    """Knows every company; `profiles`, `lines` and `outcomes` are exceptions, `asked` what it was asked for."""

    name = "registrar"
    offers = frozenset({Offer.PROFILE, Offer.FUNDAMENTALS})

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        self.lines: dict[str, tuple[Any, ...]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.raises: dict[str, Exception] = {}
        self.seconds = 0.0
        self.asked: list[str] = []

    async def profile(self, symbol: str) -> ProfileAnswer:
        outcome = await self._outcome(symbol)
        profile = self.profiles.get(symbol, COMPANY) if outcome is Outcome.OK else None
        return ProfileAnswer(symbol=symbol, outcome=outcome, source=self.name, detail=outcome.lower(), profile=profile)

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        outcome = await self._outcome(symbol)
        lines = self.lines.get(symbol, (REVENUE,)) if outcome is Outcome.OK else ()
        return FundamentalsAnswer(symbol=symbol, outcome=outcome, source=self.name, detail=outcome.lower(), lines=lines)

    def take_asked(self) -> list[str]:
        """What was asked for since the last time, in alphabetical order."""
        asked, self.asked = sorted(self.asked), []
        return asked

    async def _outcome(self, symbol: str) -> Outcome:
        self.asked.append(symbol)
        await asyncio.sleep(self.seconds)
        if symbol in self.raises:
            raise self.raises[symbol]
        return self.outcomes.get(symbol, Outcome.OK)


class Steps:
    """The two steps on a day's evening, as a night without a fence runs them."""

    def __init__(self, batch: Any, registrar: Registrar) -> None:
        self.batch = batch
        self.registrar = registrar

    def earnings(self, symbol: str, day: date | None) -> None:
        self.registrar.profiles[symbol] = replace(COMPANY, next_earnings=day)

    async def profiles(self, symbols: list[str], days_later: int = 0, **limits: Any) -> dict[str, Any]:
        """The step's record."""
        options: dict[str, Any] = {"days": 30, "seconds": 30.0, "chunk": 100, **limits}
        return await refresh_profiles(self._on(days_later), self.registrar, symbols, **options)

    async def fundamentals(self, symbols: list[str], days_later: int = 0, **limits: Any) -> dict[str, Any]:
        """The step's record."""
        options: dict[str, Any] = {"seconds": 30.0, "chunk": 100, **limits}
        return await refresh_fundamentals(self._on(days_later), self.registrar, symbols, **options)

    def _on(self, days_later: int) -> Destination:
        day = DAY + timedelta(days=days_later)
        self.batch.clock.move_to(due_at(day))
        return Destination(self.batch.engine, self.batch.clock, day, None)


@pytest.fixture
def registrar() -> Registrar:
    return Registrar()


@pytest.fixture
def steps(replica: Any, registrar: Registrar) -> Steps:
    return Steps(replica(), registrar)
