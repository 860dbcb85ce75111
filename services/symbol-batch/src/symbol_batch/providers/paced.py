"""A provider that is asked as fast as it allows, left alone when it refuses, and asked again about what it refused."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import date
from typing import TypeVar

from symbol_batch.providers.places import Places
from symbol_batch.providers.provider import (
    ActionsAnswer,
    Answer,
    BarsAnswer,
    FundamentalsAnswer,
    Outcome,
    ProfileAnswer,
    Provider,
)
from symbol_batch.providers.turns import Turns

TRIES = 5
"""Of one question, while it is refused and the provider may still be asked."""

Reply = TypeVar("Reply", bound=Answer)


class PacedProvider:
    """`provider`, whose requests wait for their `turns`.

    With `in_flight` a session of many symbols is asked symbol by symbol, so many questions at once: an urgent one need
    not wait behind the rest of a night's. Without, the provider is one that answers many symbols at once.
    """

    def __init__(self, provider: Provider, turns: Turns, *, in_flight: int | None = None) -> None:
        self.name = provider.name
        self.offers = provider.offers
        self._provider = provider
        self._turns = turns
        self._in_flight = in_flight
        self._places: AbstractAsyncContextManager[None] = nullcontext() if in_flight is None else Places(in_flight)

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        if self._in_flight is None:
            return await self._ask(symbols, BarsAnswer, lambda: self._provider.session_bars(symbols, sessions))
        answers = await asyncio.gather(*(self._session_of(symbol, sessions) for symbol in symbols))
        return [answer for of_symbol in answers for answer in of_symbol]

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        return await self._ask_one(symbol, BarsAnswer, lambda: self._provider.history(symbol, start))

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        return await self._ask_one(symbol, ActionsAnswer, lambda: self._provider.actions(symbol, start))

    async def profile(self, symbol: str) -> ProfileAnswer:
        return await self._ask_one(symbol, ProfileAnswer, lambda: self._provider.profile(symbol))

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        return await self._ask_one(symbol, FundamentalsAnswer, lambda: self._provider.fundamentals(symbol))

    async def aclose(self) -> None:
        self._turns.closing()
        await self._provider.aclose()
        await self._turns.aclose()

    async def _session_of(self, symbol: str, sessions: Sequence[date]) -> list[BarsAnswer]:
        return await self._ask([symbol], BarsAnswer, lambda: self._provider.session_bars([symbol], sessions))

    async def _ask_one(self, symbol: str, kind: type[Reply], ask: Callable[[], Awaitable[Reply]]) -> Reply:
        async def asked() -> list[Reply]:
            return [await ask()]

        [answer] = await self._ask([symbol], kind, asked)
        return answer

    async def _ask(
        self, symbols: Sequence[str], kind: type[Reply], ask: Callable[[], Awaitable[list[Reply]]]
    ) -> list[Reply]:
        """The answers; asked again where all were refused, for as long as the provider may be asked."""
        answers: list[Reply] = []
        for _ in range(TRIES):
            async with self._places:
                closed = await self._turns.closed()
                if closed is not None:
                    return [
                        kind(symbol=symbol, outcome=closed.outcome, source=self.name, detail=closed.detail)
                        for symbol in symbols
                    ]
                answers = await ask()
            if any(answer.outcome is not Outcome.RATE_LIMITED for answer in answers):
                break
        return answers
