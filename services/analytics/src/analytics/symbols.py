"""The symbol layer as arrays: the two newest editions are kept, older ones are read for the symbols asked about."""

import asyncio
from collections.abc import Collection

import asyncpg
import numpy as np

from analytics.edition import Edition
from analytics.factors import FACTORS
from analytics.metrics import EDITION_SECONDS, EDITION_SYMBOLS

EDITIONS_KEPT = 2

# The symbols that an edition contains: all of them, or those named.
_SYMBOLS = """
SELECT symbol FROM symbols.symbol_daily_metrics
WHERE edition = $1 AND ($2::text[] IS NULL OR symbol = ANY ($2))
ORDER BY symbol
"""

# Their exposures, one row a factor: 60,000 values as a dozen arrays instead of as many rows.
_EXPOSURES = """
SELECT x.factor, min(x.method) AS method, min(x.window_sessions) AS window_sessions,
    array_agg(x.symbol) AS symbols, array_agg(x.beta) AS betas, array_agg(x.standard_error) AS standard_errors,
    array_agg(x.reason) AS reasons
FROM symbols.symbol_factor_exposures x
WHERE x.session = (SELECT session FROM symbols.editions WHERE edition = $1) AND x.edition = $1
    AND ($2::text[] IS NULL OR x.symbol = ANY ($2))
GROUP BY x.factor
"""


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
            return await self._read(number, symbols)
        async with self._lock(number):
            kept = self._kept.get(number)
            if kept is None:
                with EDITION_SECONDS.time():
                    kept = await self._read(number, None)
                self._keep(kept)
            missing = [symbol for symbol in symbols if symbol not in kept.index]
            if missing:
                kept = kept.with_more(await self._read(number, missing))
                self._keep(kept)
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

    def _keep(self, edition: Edition) -> None:
        self._kept[edition.edition] = edition
        for number in sorted(self._kept)[:-EDITIONS_KEPT]:
            del self._kept[number]
            self._locks.pop(number, None)
        EDITION_SYMBOLS.set(sum(len(kept.index) for kept in self._kept.values()))

    async def _read(self, number: int, symbols: Collection[str] | None) -> Edition:
        """One instant of the edition: all of it, or the rows of `symbols`. Symbols that it lacks are left out."""
        wanted = None if symbols is None else list(symbols)
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            known = [row["symbol"] for row in await connection.fetch(_SYMBOLS, number, wanted)]
            rows = await connection.fetch(_EXPOSURES, number, wanted)
        return await asyncio.to_thread(_as_arrays, number, known, rows)


def _as_arrays(number: int, known: list[str], rows: list[asyncpg.Record]) -> Edition:
    index = {symbol: row for row, symbol in enumerate(known)}
    betas = np.full((len(known), len(FACTORS)), np.nan)
    errors = np.full_like(betas, np.nan)
    reasons: dict[tuple[str, int], str] = {}
    methods: list[str | None] = [None] * len(FACTORS)
    windows: list[int | None] = [None] * len(FACTORS)
    columns = {slug: column for column, slug in enumerate(FACTORS)}
    for row in rows:
        column = columns.get(row["factor"])
        if column is None:
            continue  # A factor that a newer symbol layer publishes and this version does not show yet.
        methods[column], windows[column] = row["method"], row["window_sessions"]
        for symbol, beta, error, reason in zip(
            row["symbols"], row["betas"], row["standard_errors"], row["reasons"], strict=True
        ):
            place = index.get(symbol)
            if place is None:
                continue
            if beta is None:
                reasons[symbol, column] = reason
            else:
                betas[place, column] = beta
                errors[place, column] = np.nan if error is None else error
    return Edition(number, index, betas, errors, reasons, tuple(methods), tuple(windows))
