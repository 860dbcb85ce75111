"""The rows behind the golden records: what the services' databases held when those events were said."""

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

FIRST, SECOND = date(2024, 12, 2), date(2024, 12, 3)
NIGHT = UUID(int=1)
CHUNKED_RUN = UUID("3f0a6f0e-2f6b-5d6e-8a67-5b2f3c9d1e01")
EDITED, WAITING, DELETED = (UUID(f"0b3c9d52-7a41-4c1e-9a60-00000000000{n}") for n in (1, 2, 3))
OWNERS = {EDITED: "alice", WAITING: "bob", DELETED: "alice"}
"""EDITED holds KO and was edited; WAITING holds NEW, which no edition knew; DELETED held KO."""


async def first_session(sql: asyncpg.Connection) -> None:
    """Edition 1 knows SPY and KO; three portfolios were created."""
    for session in (FIRST, SECOND):
        instant = datetime(session.year, session.month, session.day, 21, tzinfo=UTC)
        await sql.execute("INSERT INTO symbols.trading_sessions VALUES ($1, $2, $2, false)", session, instant)
    await _closes(sql, FIRST, SPY=600, KO=60, NEW=5)
    await _edition(sql, 1, FIRST, "night", "SPY", "KO")
    for portfolio, symbol in ((EDITED, "KO"), (WAITING, "NEW"), (DELETED, "KO")):
        await sql.execute(
            "INSERT INTO portfolios.portfolios VALUES ($1, $2, 'golden', 'USD', 1, $3, NULL, now(), now())",
            portfolio,
            OWNERS[portfolio],
            FIRST,
        )
        await _changed(sql, portfolio, 1)
        await _lot(sql, portfolio, symbol, 10)


async def second_session(sql: asyncpg.Connection) -> None:
    """Edition 2 knows NEW, edition 3 revised KO; an edit, a deletion, and a run of two chunks that is to be worked."""
    await _closes(sql, SECOND, SPY=606, KO=61, NEW=7)
    await _edition(sql, 2, SECOND, "night", "SPY", "KO", "NEW")
    await sql.execute("UPDATE symbols.market_data_cache SET close = 62 WHERE symbol = 'KO' AND session = $1", FIRST)
    await _edition(sql, 3, SECOND, "revision", "SPY", "KO", "NEW")
    await sql.execute("INSERT INTO symbols.revisions VALUES (3, 'KO', $1)", FIRST)
    await _lot(sql, EDITED, "KO", 5)
    await sql.execute("UPDATE portfolios.portfolios SET version = 2 WHERE portfolio_id = $1", EDITED)
    await sql.execute(
        "UPDATE portfolios.portfolios SET version = 2, deleted_at = now() WHERE portfolio_id = $1", DELETED
    )
    for portfolio in (EDITED, DELETED):
        await _changed(sql, portfolio, 2)
    await sql.execute(
        "INSERT INTO valuations.refresh_runs (run_id, cause, session, edition, chunks, remaining, portfolios)"
        " VALUES ($1, 'night', $2, 2, 2, 2, 2)",
        CHUNKED_RUN,
        SECOND,
    )
    await sql.execute(
        "INSERT INTO valuations.refresh_chunks (run_id, chunk, from_portfolio, to_portfolio, portfolios)"
        " VALUES ($1, 0, $2, $3, 1), ($1, 1, $3, NULL, 1)",
        CHUNKED_RUN,
        UUID(int=0),
        WAITING,
    )


async def _closes(sql: asyncpg.Connection, session: date, **closes: float) -> None:
    await sql.executemany(
        "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at)"
        " VALUES ($1, $2, $3, 'USD', 'golden', now())",
        [(symbol, session, float(close)) for symbol, close in closes.items()],
    )


async def _edition(sql: asyncpg.Connection, number: int, session: date, kind: str, *known: str) -> None:
    await sql.execute("INSERT INTO symbols.editions VALUES ($1, $2, $3, $4, now())", number, session, kind, NIGHT)
    await sql.execute(
        "INSERT INTO symbols.current_edition (edition, session) VALUES ($1, $2)"
        " ON CONFLICT (only_row) DO UPDATE SET edition = $1, session = $2",
        number,
        session,
    )
    await sql.executemany(
        "INSERT INTO symbols.symbol_daily_metrics (edition, symbol, session, data_quality, run_id)"
        " VALUES ($1, $2, $3, 1, $4)",
        [(number, symbol, session, NIGHT) for symbol in known],
    )


async def _changed(sql: asyncpg.Connection, portfolio: UUID, version: int) -> None:
    await sql.execute(
        "INSERT INTO portfolios.portfolio_changes VALUES ($1, $2, $3, $4, now())",
        portfolio,
        version,
        OWNERS[portfolio],
        FIRST,
    )


async def _lot(sql: asyncpg.Connection, portfolio: UUID, symbol: str, quantity: int) -> None:
    await sql.execute(
        "INSERT INTO portfolios.positions (position_id, portfolio_id, owner_id, symbol, quantity, entry_price,"
        " entry_date, investment_class) VALUES ($1, $2, $3, $4, $5, 50, $6, 'PUBLIC')",
        UUID(int=portfolio.int + quantity * 1_000),
        portfolio,
        OWNERS[portfolio],
        symbol,
        quantity,
        FIRST,
    )
