"""The symbol layer as arrays: the two newest editions are kept, older ones are read for the symbols asked about."""

import asyncio
from collections.abc import Collection

import asyncpg
import structlog

from analytics.edition import Edition
from analytics.edition_rows import read_edition
from analytics.metrics import EDITION_FAILURES, EDITION_SECONDS, EDITION_SYMBOLS
from riskstream.market.risk_factors import BENCHMARKS

EDITIONS_KEPT = 2

log = structlog.get_logger(__name__)


class Symbols:
    """Editions by number. Inside an edition rows are only added, so that what is kept is never wrong, only short."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._kept: dict[int, Edition] = {}
        self._locks: dict[int, asyncio.Lock] = {}

    async def edition(self, number: int, symbols: Collection[str]) -> Edition:
        """The edition, with every one of `symbols` that it contains at this moment.

        A newer edition than those kept is read whole. One that is kept is extended by the rows of symbols that were
        added to it since. One older than those kept is read for `symbols` only.
        """
        if self._too_old(number):
            # With the funds that the factors are made of, without which most numbers mean nothing.
            return await self._read(number, {*symbols, *BENCHMARKS})
        async with self._lock(number):
            kept = self._kept.get(number)
            if kept is None:
                with EDITION_SECONDS.time():
                    kept = await self._read(number, None)
                    await self._keep(kept)
            missing = set(symbols) - kept.index.keys()
            if missing:
                kept = kept.with_more(await self._read(number, sorted(missing)))
                await self._keep(kept)
            return kept

    async def preload(self, number: int) -> None:
        """Have the edition's arrays ready before the first question to it."""
        if not self._too_old(number):
            await self.edition(number, ())

    @property
    def kept(self) -> tuple[int, ...]:
        """The numbers of the editions in memory, oldest first."""
        return tuple(sorted(self._kept))

    def _too_old(self, number: int) -> bool:
        return number not in self._kept and len(self._kept) >= EDITIONS_KEPT and number < min(self._kept)

    def _lock(self, number: int) -> asyncio.Lock:
        return self._locks.setdefault(number, asyncio.Lock())

    async def _keep(self, edition: Edition) -> None:
        await asyncio.to_thread(edition.prepare)
        self._kept[edition.edition] = edition
        for number in sorted(self._kept)[:-EDITIONS_KEPT]:
            del self._kept[number]
            self._locks.pop(number, None)
        EDITION_SYMBOLS.set(sum(len(kept.index) for kept in self._kept.values()))

    async def _read(self, number: int, symbols: Collection[str] | None) -> Edition:
        """One instant of the edition: all of it, or the rows of `symbols`. Symbols that it lacks are left out."""
        try:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await read_edition(connection, number, symbols)
        except Exception as error:
            EDITION_FAILURES.inc()
            log.warning("edition_not_read", edition=number, error=repr(error))
            raise
