"""The ledger as it is stored: lots, snapshots, prices, and the loadings that each evening's edition published."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np

from analytics.book import Book
from analytics.edition_rows import read_returns
from analytics.evenings import STALE_SESSIONS
from analytics.ledger import Ledger, Lots, Splits
from analytics.risk_model import RISK_FACTOR_NAMES
from riskstream.database.tracing import copying
from riskstream.market.arrays import Bools, Days, Floats
from riskstream.market.risk_factors import BENCHMARKS, risk_factor_returns

# The evenings from the last one before the first day on: what was paid in fees on each, and what was held after it.
_EVENINGS = """
SELECT session, sum(fees)::float8 AS fees, sum(gross_value)::float8 AS gross
FROM valuations.portfolio_snapshots
WHERE portfolio_id = ANY ($1) AND session <= $3 AND session >= coalesce(
    (SELECT max(session) FROM valuations.portfolio_snapshots WHERE portfolio_id = ANY ($1) AND session < $2), $2)
GROUP BY session ORDER BY session
"""

# What was held after any of them, as of the version that was valued. A lot that was changed since cannot be had back.
_LOTS = """
SELECT l.symbol, l.investment_class = 'PUBLIC' AS listed, (l.quantity * l.multiplier)::float8 AS quantity,
    l.entry_date, l.entry_price::float8, l.exit_date, l.exit_price::float8, b.begins,
    l.changed_version > h.portfolio_version AS newer
FROM portfolios.positions l
JOIN valuations.valuation_heads h USING (portfolio_id)
JOIN LATERAL (
    SELECT min(session) AS begins FROM valuations.portfolio_snapshots s WHERE s.portfolio_id = l.portfolio_id
) b ON true
WHERE l.portfolio_id = ANY ($1) AND l.created_version <= h.portfolio_version
    AND (l.deleted_version IS NULL OR l.deleted_version > h.portfolio_version)
    AND l.entry_date <= $3 AND (l.exit_date IS NULL OR l.exit_date >= $2)
ORDER BY l.position_id
"""

# Five sessions before the first evening, then all up to the last.
_CALENDAR = """
SELECT session FROM symbols.trading_sessions
WHERE session <= $2 AND session >= coalesce(
    (SELECT session FROM symbols.trading_sessions WHERE session <= $1 ORDER BY session DESC OFFSET $3 LIMIT 1), $1)
ORDER BY session
"""

_SPLITS = """
SELECT symbol, ex_date, ratio FROM symbols.corporate_actions
WHERE symbol = ANY ($1) AND kind = 'split' AND ex_date <= $2
"""

# Each session's last edition with a risk model of these factors, none newer than the book's.
_EDITIONS = """
SELECT DISTINCT ON (e.session) e.session, e.edition
FROM symbols.editions e JOIN symbols.risk_models m USING (edition)
WHERE e.session BETWEEN $1 AND $2 AND e.edition <= $3 AND m.reason IS NULL AND m.factors = $4
ORDER BY e.session, e.edition DESC
"""

# Rows of one length, betas as the array that they are: Postgres takes longer to take it apart than to find it.
_LOADINGS = """
SELECT CAST(held.number - 1 AS integer), CAST(asked.number - 1 AS integer), CAST(l.status = 'assumed' AS integer),
    l.betas
FROM symbols.risk_loadings l
JOIN unnest($1::text[]) WITH ORDINALITY AS held (symbol, number) ON held.symbol = l.symbol
JOIN unnest($2::bigint[]) WITH ORDINALITY AS asked (edition, number) ON asked.edition = l.edition
WHERE l.edition = ANY ($2) AND l.symbol = ANY ($1) AND array_position(l.betas, NULL) IS NULL
"""
_LOADINGS_HEADER, _LOADINGS_TRAILER = 19, 2
_LOADINGS_ROW = np.dtype(
    [
        ("fields", ">i2"), ("", ">i4"), ("symbol", ">i4"), ("", ">i4"), ("edition", ">i4"), ("", ">i4"),
        ("assumed", ">i4"), ("", ">i4"), ("array", ">i4", 5),
        ("betas", [("", ">i4"), ("beta", ">f8")], len(RISK_FACTOR_NAMES)),
    ]
)  # fmt: skip
"""Of binary COPY: before each field its length; of an array dimensions, nulls, type, length and first index, then each
element after its length. https://www.postgresql.org/docs/current/sql-copy.html"""


async def read_ledger(
    connection: asyncpg.Connection, book: Book, portfolios: Sequence[UUID], since: date, until: date
) -> Ledger | None:
    """The days from `since` to `until`, inside the transaction that read the book; None where there is none.

    There is none where no snapshot is between them that has another before it.
    """
    evenings = await connection.fetch(_EVENINGS, portfolios, since, min(until, book.session))
    if len(evenings) < 2:
        return None
    days = _days([row["session"] for row in evenings])
    first, last = evenings[0]["session"], evenings[-1]["session"]
    rows = await connection.fetch(_LOTS, portfolios, first, last)
    listed = [row for row in rows if row["listed"] and row["symbol"] not in book.unknown_symbols]
    symbols = tuple(sorted({row["symbol"] for row in listed}))
    calendar = [row["session"] for row in await connection.fetch(_CALENDAR, first, last, STALE_SESSIONS)]
    sessions = _days(calendar)
    asked = (*symbols, *(fund for fund in BENCHMARKS if fund not in symbols))
    closes, returns = await read_returns(connection, asked, calendar)
    places = np.searchsorted(sessions, days)
    of_days = _of_days(returns.T, places)
    funds = of_days[:, [asked.index(fund) for fund in BENCHMARKS]]
    betas, assumed, published = await _loadings(connection, book, symbols, sessions, places[:-1])
    return Ledger(
        sessions=sessions,
        evenings=places,
        symbols=symbols,
        lots=_lots(listed, symbols),
        splits=_splits(await connection.fetch(_SPLITS, list(symbols), last), symbols),
        closes=closes[:, : len(symbols)],
        returns=of_days[:, : len(symbols)],
        factor_returns=risk_factor_returns(funds),
        betas=betas,
        assumed=assumed,
        loadings_session=published,
        fees=_floats(evenings[1:], "fees"),
        gross=_floats(evenings[:-1], "gross"),
        by_hand=tuple(sorted({row["symbol"] for row in rows if not row["listed"]})),
        newer=any(row["newer"] for row in rows),
    )


def _of_days(returns: Floats, places: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Floats:
    """(T, S) of the days: `returns` (N − 1, S) are those of all sessions but the first."""
    whole = np.diff(places) == 1
    found: Floats = np.where(whole[:, None], returns[places[1:] - 1], np.nan)
    return found


async def _loadings(
    connection: asyncpg.Connection,
    book: Book,
    symbols: Sequence[str],
    sessions: Days,
    evenings: "np.ndarray[tuple[int], np.dtype[np.intp]]",
) -> tuple[Floats, Bools, Days]:
    """(T, S, 8), (T, S) and (T,): what was published last on each evening or up to five sessions before."""
    first = sessions[max(evenings[0] - STALE_SESSIONS, 0)].item()
    last = sessions[evenings[-1]].item()
    editions = await connection.fetch(_EDITIONS, first, last, book.edition, list(RISK_FACTOR_NAMES))
    days, width = len(evenings), len(RISK_FACTOR_NAMES)
    betas = np.full((len(editions) + 1, len(symbols), width), np.nan)
    assumed = np.zeros((len(editions) + 1, len(symbols)), dtype=bool)
    if not editions:
        return betas[np.zeros(days, dtype=np.intp)], assumed[np.zeros(days, dtype=np.intp)], _days([None] * days)
    published = _days([row["session"] for row in editions])
    newest = np.searchsorted(published, sessions[evenings], side="right") - 1
    age = evenings - np.searchsorted(sessions, published[np.maximum(newest, 0)])
    # The row beyond the last edition's stays NaN: that of no edition.
    used = np.where((newest >= 0) & (age <= STALE_SESSIONS), newest, len(editions))
    asked = np.unique(used[used < len(editions)])
    rows = await _read_loadings(connection, symbols, [editions[n]["edition"] for n in asked])
    edition = asked[rows["edition"]] if len(asked) else rows["edition"]
    betas[edition, rows["symbol"]] = rows["betas"]["beta"]
    assumed[edition, rows["symbol"]] = rows["assumed"] != 0
    known = np.concatenate([published, _days([None])])
    return betas[used], assumed[used], known[used]


async def _read_loadings(connection: asyncpg.Connection, symbols: Sequence[str], editions: Sequence[int]) -> Any:
    incoming = bytearray()

    async def keep(piece: bytes) -> None:
        incoming.extend(piece)

    with copying(_LOADINGS):
        await connection.copy_from_query(_LOADINGS, list(symbols), list(editions), output=keep, format="binary")
    count = (len(incoming) - _LOADINGS_HEADER - _LOADINGS_TRAILER) // _LOADINGS_ROW.itemsize
    return np.frombuffer(incoming, dtype=_LOADINGS_ROW, count=count, offset=_LOADINGS_HEADER)


def _lots(rows: Sequence[asyncpg.Record], symbols: Sequence[str]) -> Lots:
    place = {symbol: n for n, symbol in enumerate(symbols)}
    return Lots(
        symbol=np.array([place[row["symbol"]] for row in rows], dtype=np.intp),
        quantity=_floats(rows, "quantity"),
        entry_date=_days([row["entry_date"] for row in rows]),
        entry_price=_floats(rows, "entry_price"),
        exit_date=_days([row["exit_date"] for row in rows]),
        exit_price=_floats(rows, "exit_price"),
        begins=_days([row["begins"] for row in rows]),
    )


def _splits(rows: Sequence[asyncpg.Record], symbols: Sequence[str]) -> Splits:
    place = {symbol: n for n, symbol in enumerate(symbols)}
    return Splits(
        symbol=np.array([place[row["symbol"]] for row in rows], dtype=np.intp),
        ex_date=_days([row["ex_date"] for row in rows]),
        ratio=_floats(rows, "ratio"),
    )


def _days(days: Sequence[date | None]) -> Days:
    return np.array([np.datetime64("NaT") if day is None else day for day in days], dtype="datetime64[D]")


def _floats(rows: Sequence[asyncpg.Record], column: str) -> Floats:
    return np.array([np.nan if row[column] is None else row[column] for row in rows], dtype=np.float64)
