"""A synthetic symbol layer: ragged prices of thousands of symbols in Postgres."""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property

import asyncpg
import numpy as np
from numpy.typing import NDArray

from local_stack.database import Database
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.runtime.clock import NEW_YORK, Clock
from symbol_batch.calendar import calendar_at
from symbol_batch.panel import SESSIONS as PANEL_SESSIONS

SEED = 20241213
LAST = date(2024, 12, 13)
NIGHTS = 12
"""Sessions after the first published one, whose prices are there already."""
YEAR = 252
AGO = 60.0
"""Seconds that the clock stands after the last session's 21:00."""


@dataclass(frozen=True)
class Market:
    """Closes (T, S), NaN where there is none: a tenth of the symbols begin late, a fifth have gaps."""

    symbols: tuple[str, ...]
    sessions: tuple[date, ...]
    closes: NDArray[np.float64]

    @classmethod
    def made(cls, count: int, sessions: int = PANEL_SESSIONS + NIGHTS) -> "Market":
        random = np.random.default_rng(SEED)
        days = tuple(calendar_at(LAST).window(LAST, sessions))
        symbols = (*BENCHMARKS, *(f"X{number:04d}" for number in range(count - len(BENCHMARKS))))
        return cls(symbols, days, _closes(random, len(days), count))

    @property
    def first(self) -> date:
        """The session of the first edition."""
        return self.sessions[PANEL_SESSIONS - 1]

    @property
    def nights(self) -> tuple[date, ...]:
        """The sessions after the first edition's."""
        return self.sessions[PANEL_SESSIONS:]

    @property
    def holed(self) -> NDArray[np.bool_]:
        """(S,) whether a symbol lacks a close in the year that ends with the first edition's session."""
        end = self.sessions.index(self.first) + 1
        found: NDArray[np.bool_] = np.isnan(self.closes[end - YEAR : end]).any(axis=0)
        return found

    @cached_property
    def _begins(self) -> Clock:
        return Clock(datetime.combine(self.sessions[-1], time(21, 1), NEW_YORK))

    def clock(self) -> Clock:
        """A minute past the run of the last session, running since it was first asked for."""
        return self._begins


def _closes(random: np.random.Generator, sessions: int, count: int) -> NDArray[np.float64]:
    market = random.normal(0.0004, 0.01, sessions)
    styles = random.normal(0.0, 0.004, (sessions, 4))
    beta = random.uniform(0.3, 1.8, count)
    loadings = random.normal(0.0, 0.6, (4, count))
    own = random.normal(0.0, random.uniform(0.005, 0.03, count), (sessions, count))
    returns = market[:, None] * beta + styles @ loadings + own
    closes = random.uniform(5, 400, count) * np.exp(np.cumsum(returns, axis=0))
    ordinary = np.arange(count) >= len(BENCHMARKS)
    late = ordinary & (random.random(count) < 0.1)
    starts = np.where(late, random.integers(1, sessions - 20, count), 0)
    closes[np.arange(sessions)[:, None] < starts] = np.nan
    gaps = (random.random((sessions, count)) < 0.02) & (ordinary & (random.random(count) < 0.2))
    gaps[-NIGHTS - 2 :] = False
    closes[gaps] = np.nan
    return np.round(closes, 4)


async def fill_symbol_layer(database: Database, market: Market) -> None:
    """Put universe, calendar and prices in, as a superuser; no edition yet."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        await connection.executemany(
            "INSERT INTO symbols.trading_sessions VALUES ($1, $2, $3, $4)",
            [(s.day, s.opens_at, s.closes_at, s.early_close) for s in calendar_at(LAST).sessions],
        )
        await connection.execute(
            "INSERT INTO symbols.symbol_universe (symbol, status, added_at) SELECT s, 'active', now() "
            "FROM unnest($1::text[]) s",
            market.symbols,
        )
        await connection.execute("CREATE TEMPORARY TABLE series (symbol text, closes float8[])")
        await connection.copy_records_to_table(
            "series",
            records=[(symbol, column.tolist()) for symbol, column in zip(market.symbols, market.closes.T, strict=True)],
        )
        await connection.execute(
            "INSERT INTO symbols.market_data_cache (symbol, session, open, high, low, close, volume, currency, "
            "source, fetched_at) SELECT symbol, session, close, close * 1.01, close * 0.99, close, 1000000, 'USD', "
            "'benchmark', now() FROM series CROSS JOIN unnest($1::date[], closes) AS bar (session, close) "
            "WHERE close <> 'NaN' ORDER BY session, symbol",
            market.sessions,
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
