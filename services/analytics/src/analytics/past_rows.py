"""The past as it is stored: a portfolio's snapshots, and returns of any symbols over any sessions."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg
import numpy as np

from analytics.book import Book
from analytics.edition_rows import read_returns
from analytics.ledger import Ledger
from analytics.ledger_rows import read_ledger
from analytics.past import Past, Returns, Snapshots, Wanted
from riskstream.market.arrays import Floats

# Of several portfolios their sums. What one begins with, while others are there already, comes in like a deposit.
_SNAPSHOTS = """
WITH own AS (
    SELECT session, nav, pnl, flow, session = min(session) OVER (PARTITION BY portfolio_id) AS begins,
        min(session) OVER () AS first
    FROM valuations.portfolio_snapshots WHERE portfolio_id = ANY ($1) AND session <= $2
)
SELECT session, sum(nav)::float8 AS nav, sum(pnl)::float8 AS pnl,
    sum(CASE WHEN begins AND session > first THEN nav ELSE flow END)::float8 AS flow
FROM own GROUP BY session ORDER BY session
"""

_FIRST_SESSION = "SELECT min(session) FROM valuations.portfolio_snapshots WHERE portfolio_id = ANY ($1)"

# The sessions wanted, and the one before, on whose close the first return stands.
_SESSIONS = """
SELECT session FROM symbols.trading_sessions
WHERE session <= $2 AND session >= coalesce((SELECT max(session) FROM symbols.trading_sessions WHERE session < $1), $1)
ORDER BY session
"""


async def read_past(connection: asyncpg.Connection, book: Book, portfolios: Sequence[UUID], wanted: Wanted) -> Past:
    """What is wanted of the time up to the book's session, inside the transaction that read the book.

    `portfolios` are those that the book is made of.
    """
    return Past(
        snapshots=await _snapshots(connection, portfolios, book.session) if wanted.snapshots else None,
        returns=await _returns(connection, book, portfolios, wanted),
        ledger=await _ledger(connection, book, portfolios, wanted),
    )


async def _ledger(
    connection: asyncpg.Connection, book: Book, portfolios: Sequence[UUID], wanted: Wanted
) -> Ledger | None:
    if not wanted.ledger:
        return None
    since = wanted.since or await connection.fetchval(_FIRST_SESSION, portfolios)
    return await read_ledger(connection, book, portfolios, since, wanted.until or book.session)


async def _snapshots(connection: asyncpg.Connection, portfolios: Sequence[UUID], through: date) -> Snapshots:
    rows = await connection.fetch(_SNAPSHOTS, portfolios, through)
    nav, pnl = _floats(rows, "nav"), _floats(rows, "pnl")
    daily_return = np.full(len(rows), np.nan)
    grew = nav[:-1] > 0
    daily_return[1:][grew] = pnl[1:][grew] / nav[:-1][grew]
    return Snapshots(
        sessions=np.array([row["session"] for row in rows], dtype="datetime64[D]"),
        nav=nav,
        pnl=pnl,
        flow=_floats(rows, "flow"),
        daily_return=daily_return,
    )


async def _returns(connection: asyncpg.Connection, book: Book, portfolios: Sequence[UUID], wanted: Wanted) -> Returns:
    symbols = tuple(sorted(wanted.returns_of))
    if not symbols:
        return Past().returns
    since = wanted.since or await connection.fetchval(_FIRST_SESSION, portfolios)
    until = min(wanted.until or book.session, book.session)
    sessions = [row["session"] for row in await connection.fetch(_SESSIONS, since, until)]
    _, returns = await read_returns(connection, symbols, sessions)
    return Returns(symbols, np.array(sessions[1:], dtype="datetime64[D]"), returns)


def _floats(rows: Sequence[asyncpg.Record], column: str) -> Floats:
    return np.array([row[column] for row in rows], dtype=np.float64)
