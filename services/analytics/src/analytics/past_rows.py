"""The past as it is stored: a portfolio's snapshots, and returns of any symbols over any sessions."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg
import numpy as np

from analytics.book import Book
from analytics.edition_rows import read_returns
from analytics.past import Past, Returns, Snapshots, Wanted
from riskstream.market.arrays import Floats

_SNAPSHOTS = """
SELECT session, nav::float8, pnl::float8, flow::float8, daily_return FROM valuations.portfolio_snapshots
WHERE portfolio_id = $1 AND session <= $2 ORDER BY session
"""

_FIRST_SESSION = "SELECT min(session) FROM valuations.portfolio_snapshots WHERE portfolio_id = $1"

# The sessions wanted, and the one before, on whose close the first return stands.
_SESSIONS = """
SELECT session FROM symbols.trading_sessions
WHERE session <= $2 AND session >= coalesce((SELECT max(session) FROM symbols.trading_sessions WHERE session < $1), $1)
ORDER BY session
"""


async def read_past(connection: asyncpg.Connection, book: Book, wanted: Wanted) -> Past:
    """What is wanted of the time up to the book's session, inside the transaction that read the book."""
    return Past(
        snapshots=await _snapshots(connection, book.portfolio, book.session) if wanted.snapshots else None,
        returns=await _returns(connection, book, wanted),
    )


async def _snapshots(connection: asyncpg.Connection, portfolio: UUID, through: date) -> Snapshots:
    rows = await connection.fetch(_SNAPSHOTS, portfolio, through)
    return Snapshots(
        sessions=np.array([row["session"] for row in rows], dtype="datetime64[D]"),
        nav=_floats([row["nav"] for row in rows]),
        pnl=_floats([row["pnl"] for row in rows]),
        flow=_floats([row["flow"] for row in rows]),
        daily_return=_floats([row["daily_return"] for row in rows]),
    )


async def _returns(connection: asyncpg.Connection, book: Book, wanted: Wanted) -> Returns:
    symbols = tuple(sorted(wanted.returns_of))
    if not symbols:
        return Past().returns
    since = wanted.since or await connection.fetchval(_FIRST_SESSION, book.portfolio)
    until = min(wanted.until or book.session, book.session)
    sessions = [row["session"] for row in await connection.fetch(_SESSIONS, since, until)]
    _, returns = await read_returns(connection, symbols, sessions)
    return Returns(symbols, np.array(sessions[1:], dtype="datetime64[D]"), returns)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
