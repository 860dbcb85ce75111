"""The trading sessions that the symbol layer publishes."""

import asyncio
import time
from collections.abc import Callable
from datetime import date

import asyncpg

# Ten years back and one ahead: about 2,800 dates.
_SESSIONS = "SELECT session FROM symbols.trading_sessions ORDER BY session"


class Calendar:
    """Read again every `refresh_seconds`: exchanges close at short notice."""

    def __init__(
        self, pool: asyncpg.Pool, refresh_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._refresh_seconds = refresh_seconds
        self._monotonic = monotonic
        self._sessions: tuple[date, ...] = ()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def sessions(self) -> tuple[date, ...]:
        """All known sessions, ascending; empty where none was published yet."""
        if self._due():
            async with self._reading:
                if self._due():
                    self._sessions = tuple(row["session"] for row in await self._pool.fetch(_SESSIONS))
                    self._read_at = self._monotonic()
        return self._sessions

    def _due(self) -> bool:
        """An empty calendar is asked for again at once: the symbol layer's first start is about to fill it."""
        return not self._sessions or self._monotonic() - self._read_at > self._refresh_seconds
