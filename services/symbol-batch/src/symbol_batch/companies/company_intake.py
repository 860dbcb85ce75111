"""Takes profiles and statements from a provider into the database: two steps of the night, which never fail it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.runtime.clock import Clock
from symbol_batch.companies.fundamentals import refresh_fundamentals
from symbol_batch.companies.profiles import refresh_profiles
from symbol_batch.companies.storing import Destination
from symbol_batch.providers.provider import Offer, Provider
from symbol_batch.store.fences import Fence, FencedError

NEW_SYMBOL_SECONDS = 60.0

log = structlog.get_logger(__name__)


class CompanyIntake:
    """What is known of companies is worth a night's time only up to a bound, and never the night: each step is limited
    in seconds, ends where the provider refuses, and whatever goes wrong in it is written down and left behind.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        provider: Provider,
        clock: Clock,
        *,
        enabled: bool = True,
        profile_days: int = 30,
        profile_seconds: float = 600.0,
        fundamentals_seconds: float = 600.0,
        chunk_symbols: int = 100,
    ) -> None:
        """`profile_days` is the age at which a profile is asked for again."""
        self._engine = engine
        self._provider = provider
        self._clock = clock
        self._enabled = enabled
        self._profile_days = profile_days
        self._profile_seconds = profile_seconds
        self._fundamentals_seconds = fundamentals_seconds
        self._chunk_symbols = chunk_symbols

    async def profiles(self, symbols: Sequence[str], session: date, fence: Fence) -> dict[str, Any]:
        """The night's step "profiles", and its record. FencedError where the lease is lost."""

        async def step() -> dict[str, Any]:
            return await refresh_profiles(
                self._destination(session, fence),
                self._provider,
                symbols,
                days=self._profile_days,
                seconds=self._profile_seconds,
                chunk=self._chunk_symbols,
            )

        return await self._contained(Offer.PROFILE, step)

    async def fundamentals(self, symbols: Sequence[str], session: date, fence: Fence) -> dict[str, Any]:
        """The night's step "fundamentals", and its record. FencedError where the lease is lost."""

        async def step() -> dict[str, Any]:
            return await refresh_fundamentals(
                self._destination(session, fence),
                self._provider,
                symbols,
                seconds=self._fundamentals_seconds,
                chunk=self._chunk_symbols,
            )

        return await self._contained(Offer.FUNDAMENTALS, step)

    async def profiles_of_new(self, symbols: Sequence[str]) -> dict[str, Any]:
        """Profiles of symbols that came in between nights: for the next edition, nobody waits for them."""

        async def step() -> dict[str, Any]:
            return await refresh_profiles(
                self._destination(None, None),
                self._provider,
                symbols,
                days=self._profile_days,
                seconds=NEW_SYMBOL_SECONDS,
                chunk=self._chunk_symbols,
            )

        return await self._contained(Offer.PROFILE, step)

    def _destination(self, session: date | None, fence: Fence | None) -> Destination:
        return Destination(self._engine, self._clock, session, fence)

    async def _contained(self, offer: Offer, step: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        if not self._enabled:
            return {"skipped": "switched off"}
        if offer not in self._provider.offers:
            return {"skipped": "not offered"}
        try:
            return await step()
        except FencedError:
            raise
        except Exception as error:
            log.exception("a step about companies broke off; the night goes on without it", step=offer)
            return {"error": f"{type(error).__name__}: {error}"}
