"""Ask again for symbols whose request was lost: events make it fast, this makes it sure."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from onboarding import store
from onboarding.settings import OnboardingSettings
from riskstream.events.symbol import SymbolRequested
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock

log = structlog.get_logger(__name__)


class SymbolSweeper:
    """Says `symbol.requested` for symbols that are held, unknown, and in nobody's hands.

    A symbol is answered for again when its topic was wiped, its event dead-lettered, or it left the edition.
    Requests are deduplicated by their handler, so one too many does no harm.
    """

    def __init__(self, engine: AsyncEngine, outbox: Outbox, clock: Clock, settings: OnboardingSettings) -> None:
        self._engine = engine
        self._outbox = outbox
        self._clock = clock
        self._settings = settings

    async def sweep(self) -> list[str]:
        """Ask for at most the hard limit of symbols; returns them. Empty where another replica is sweeping."""
        before = self._clock.now() - timedelta(seconds=self._settings.sweep_seconds)
        async with self._engine.begin() as connection:
            if not await store.try_sweep(connection):
                return []
            limit = self._settings.pending_symbols_hard_limit
            symbols = await store.forgotten_symbols(connection, before, limit)
            await self._outbox.publish(connection, [SymbolRequested(symbol=symbol) for symbol in symbols])
        if symbols:
            log.warning("symbols requested again", symbols=len(symbols), first=symbols[:10])
        return symbols
