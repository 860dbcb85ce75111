"""The symbols that every night works on."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NOT_FOUND_LIMIT = 20
"""Consecutive sessions answered NOT_FOUND after which a symbol is dropped. A refusal never counts.

A month: longer than a vendor takes to follow a change of ticker.
"""


async def active_symbols(connection: AsyncConnection) -> list[str]:
    """The active symbols in alphabetical order."""
    rows = await connection.execute(
        text("SELECT symbol FROM symbols.symbol_universe WHERE status = 'active' ORDER BY symbol")
    )
    return list(rows.scalars())


async def list_universe(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Every symbol with its status."""
    rows = await connection.execute(text("SELECT symbol, status FROM symbols.symbol_universe ORDER BY symbol"))
    return [(row.symbol, row.status) for row in rows]


async def activate(connection: AsyncConnection, symbols: Sequence[str], now: datetime) -> int:
    """Make the symbols active; returns how many were not."""
    result = await connection.execute(
        text(
            "INSERT INTO symbols.symbol_universe AS u (symbol, status, added_at) "
            "SELECT symbol, 'active', :now FROM unnest(CAST(:symbols AS text[])) AS added(symbol) "
            "ON CONFLICT (symbol) DO UPDATE SET status = 'active', not_found_sessions = 0, deactivated_at = NULL, "
            "deactivation_reason = NULL WHERE u.status = 'inactive'"
        ),
        {"symbols": sorted(set(symbols)), "now": now},
    )
    return result.rowcount


async def count_not_found(
    connection: AsyncConnection, not_found: Sequence[str], known: Sequence[str], spared: Sequence[str], now: datetime
) -> list[str]:
    """Count a session for the symbols `not_found` and end the count of the `known`; returns those dropped by it.

    Symbols in neither list were not answered for: they keep their count. The `spared` are never dropped.
    """
    await connection.execute(
        text(
            "UPDATE symbols.symbol_universe SET not_found_sessions = 0 "
            "WHERE not_found_sessions > 0 AND symbol = ANY(CAST(:known AS text[]))"
        ),
        {"known": list(known)},
    )
    rows = await connection.execute(
        text(
            "UPDATE symbols.symbol_universe SET not_found_sessions = not_found_sessions + 1, "
            "status = CASE WHEN dropped THEN 'inactive' ELSE status END, "
            "deactivated_at = CASE WHEN dropped THEN CAST(:now AS timestamptz) END, "
            "deactivation_reason = CASE WHEN dropped THEN 'not found on ' || not_found_sessions + 1 || ' sessions' END "
            "FROM (SELECT symbol AS name, not_found_sessions + 1 >= :limit AND symbol <> ALL(CAST(:spared AS text[])) "
            "AS dropped FROM symbols.symbol_universe WHERE symbol = ANY(CAST(:not_found AS text[]))) AS counted "
            "WHERE symbol = name RETURNING symbol, dropped"
        ),
        {"not_found": list(not_found), "spared": list(spared), "limit": NOT_FOUND_LIMIT, "now": now},
    )
    return sorted(row.symbol for row in rows if row.dropped)
