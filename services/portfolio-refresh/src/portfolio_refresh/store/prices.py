"""Prices and actions as arrays: what the symbol layer knows of the symbols a fold needs."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

import asyncpg
import numpy as np

from portfolio_refresh.valuation.arrays import DAY, Days, Ints
from portfolio_refresh.valuation.book import Market
from portfolio_refresh.valuation.pricing import STALE_SESSIONS
from portfolio_refresh.valuation.ratios import Ratios

KNOWN = "SELECT symbol FROM symbols.symbol_daily_metrics WHERE edition = $1 AND symbol = ANY($2)"

# One row a symbol: arrays decode several times faster than rows. Only a positive, finite USD close is a price.
CLOSES = """
SELECT symbol, array_agg(session - DATE '1970-01-01'), array_agg(close)
FROM symbols.traded_bars
WHERE symbol = ANY($1) AND session BETWEEN $2 AND $3 AND close > 0 AND close < 'Infinity' AND currency = 'USD'
GROUP BY symbol
"""

LAST_CLOSES_BEFORE = """
SELECT s.symbol, ARRAY[m.session - DATE '1970-01-01'], ARRAY[m.close]
FROM unnest($1::text[]) s (symbol) CROSS JOIN LATERAL (
    SELECT session, close FROM symbols.traded_bars
    WHERE symbol = s.symbol AND session < $2 AND close > 0 AND close < 'Infinity' AND currency = 'USD'
    ORDER BY session DESC LIMIT 1
) m
"""

# Every one of them: which is the last that counts, the calendar says.
CLOSES_BETWEEN = """
SELECT m.symbol, array_agg(m.session - DATE '1970-01-01'), array_agg(m.close)
FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::date[], $3::date[])) s (symbol, since, until)
JOIN symbols.traded_bars m ON m.symbol = s.symbol AND m.session BETWEEN s.since AND s.until
WHERE m.close > 0 AND m.close < 'Infinity' AND m.currency = 'USD'
GROUP BY m.symbol, s.since
"""

SECTORS = """
SELECT symbol, sector FROM symbols.company_profiles WHERE symbol = ANY($1) AND sector <> ''
"""

ACTIONS = """
SELECT symbol, ex_date - DATE '1970-01-01', kind, ratio, amount FROM symbols.corporate_actions
WHERE symbol = ANY($1) AND ex_date <= $3 AND (kind <> 'dividend' OR ex_date > $2)
"""


async def known_symbols(connection: asyncpg.Connection, edition: int, symbols: Sequence[str]) -> set[str]:
    """Those of `symbols` that the edition contains."""
    return {row["symbol"] for row in await connection.fetch(KNOWN, edition, symbols)}


async def known_sectors(connection: asyncpg.Connection, symbols: Sequence[str]) -> dict[str, str]:
    """The sector of each of `symbols` that has one: a GICS name, or ETF."""
    return {row["symbol"]: row["sector"] for row in await connection.fetch(SECTORS, symbols)}


async def load_market(
    connection: asyncpg.Connection,
    symbols: Sequence[str],
    calendar: Days,
    start: int,
    *,
    at_first_session: bool,
    expiries: Collection[tuple[str, int]],
) -> Market:
    """What a fold from the calendar's session `start` on needs to know of `symbols`, numbered in their order.

    That is the closes of these sessions and of the six before, and where a symbol has none of those, its last one
    before; of the underlyings in `expiries`, the closes of the session of expiry (a calendar index) and the five
    before; splits and distributions from the first on; dividends from `start` on.
    """
    before = start if at_first_session else start - 1
    window: date = calendar[max(before - STALE_SESSIONS, 0)].item()
    last: date = calendar[-1].item()
    rows = await connection.fetch(CLOSES, symbols, window, last)
    came_before = (calendar[before] - np.datetime64(0, "D")).astype(int)
    covered = {symbol for symbol, days, _ in rows if min(days) <= came_before}
    rows += await connection.fetch(LAST_CLOSES_BEFORE, [s for s in symbols if s not in covered], window)
    rows += await _closes_at_expiry(connection, calendar, window, expiries)
    number = {symbol: place for place, symbol in enumerate(symbols)}
    close_symbol = np.repeat([number[row[0]] for row in rows], [len(row[1]) for row in rows]).astype(np.int64)
    close_day = _days([day for row in rows for day in row[1]])
    close = np.array([price for row in rows for price in row[2]], dtype=np.float64)
    session = np.searchsorted(calendar, close_day)
    # A bar on a day that is no session with prices is no price of any session.
    real = calendar[np.minimum(session, len(calendar) - 1)] == close_day
    actions = await connection.fetch(ACTIONS, symbols, calendar[before].item(), last)
    dividends = [row for row in actions if row["kind"] == "dividend"]
    return Market(
        calendar=calendar,
        symbols=len(symbols),
        close_symbol=close_symbol[real],
        close_session=session[real].astype(np.int64),
        close=close[real],
        splits=_ratios([row for row in actions if row["kind"] == "split"], number),
        distributions=_ratios([row for row in actions if row["kind"] == "distribution"], number),
        dividend_symbol=_numbers(dividends, number),
        dividend_date=_days([row[1] for row in dividends]),
        dividend=np.array([row["amount"] for row in dividends], dtype=np.float64),
    )


async def _closes_at_expiry(
    connection: asyncpg.Connection, calendar: Days, window: date, expiries: Collection[tuple[str, int]]
) -> list[Any]:
    """Those before `window`: from there on every close is read anyway."""
    since = [calendar[max(session - STALE_SESSIONS, 0)].item() for _, session in expiries]
    asked = [
        (symbol, first, min(calendar[session].item(), window - timedelta(days=1)))
        for (symbol, session), first in zip(expiries, since, strict=True)
        if first < window
    ]
    if not asked:
        return []
    rows: list[Any] = await connection.fetch(CLOSES_BETWEEN, *(list(column) for column in zip(*asked, strict=True)))
    return rows


def _ratios(actions: Sequence[Any], number: dict[str, int]) -> Ratios:
    ratio = np.array([row["ratio"] for row in actions], dtype=np.float64)
    return Ratios(_numbers(actions, number), _days([row[1] for row in actions]), ratio)


def _numbers(actions: Sequence[Any], number: dict[str, int]) -> Ints:
    return np.array([number[row["symbol"]] for row in actions], dtype=np.int64)


def _days(days: Sequence[int]) -> Days:
    return np.array(days, dtype=np.int64).astype(DAY)
