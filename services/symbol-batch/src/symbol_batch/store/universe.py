"""The symbols that every night works on, and what became of those that it does not work on any more."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def active_symbols(connection: AsyncConnection) -> list[str]:
    """The active symbols in alphabetical order."""
    rows = await connection.execute(
        text("SELECT symbol FROM symbols.symbol_universe WHERE status = 'active' ORDER BY symbol")
    )
    return list(rows.scalars())


async def list_universe(
    connection: AsyncConnection, symbols: Sequence[str] | None = None, *, status: str | None = None
) -> list[dict[str, Any]]:
    """Symbols with their status, why they are inactive, and the name that a renamed one goes on under."""
    rows = await connection.execute(
        text(
            "SELECT u.symbol, u.status, u.added_at, u.not_found_sessions, u.deactivated_at, u.deactivation_reason, "
            "r.renamed_to FROM symbols.symbol_universe u LEFT JOIN symbols.symbol_renames r USING (symbol) "
            "WHERE (CAST(:symbols AS text[]) IS NULL OR u.symbol = ANY(CAST(:symbols AS text[]))) "
            "AND u.status = coalesce(CAST(:status AS text), u.status) ORDER BY u.symbol"
        ),
        {"symbols": None if symbols is None else list(symbols), "status": status},
    )
    return [dict(row._mapping) for row in rows]


async def activate(connection: AsyncConnection, symbols: Sequence[str], now: datetime) -> list[str]:
    """Make the symbols active; returns those that were not, in alphabetical order."""
    rows = await connection.execute(
        text(
            "INSERT INTO symbols.symbol_universe AS u (symbol, status, added_at) "
            "SELECT symbol, 'active', :now FROM unnest(CAST(:symbols AS text[])) AS added(symbol) "
            "ON CONFLICT (symbol) DO UPDATE SET status = 'active', not_found_sessions = 0, deactivated_at = NULL, "
            "deactivation_reason = NULL WHERE u.status = 'inactive' RETURNING symbol"
        ),
        {"symbols": sorted(set(symbols)), "now": now},
    )
    return sorted(rows.scalars())


async def deactivate(connection: AsyncConnection, symbols: Sequence[str], reason: str, now: datetime) -> list[str]:
    """Leave the symbols out of later nights; returns those that were active, in alphabetical order."""
    rows = await connection.execute(
        text(
            "UPDATE symbols.symbol_universe SET status = 'inactive', deactivated_at = :now, "
            "deactivation_reason = :reason WHERE status = 'active' AND symbol = ANY(CAST(:symbols AS text[])) "
            "RETURNING symbol"
        ),
        {"symbols": list(symbols), "reason": reason, "now": now},
    )
    return sorted(rows.scalars())


async def count_not_found(
    connection: AsyncConnection,
    not_found: Sequence[str],
    known: Sequence[str],
    spared: Sequence[str],
    *,
    limit: int,
    now: datetime,
) -> list[str]:
    """Count a session for the symbols `not_found` and end the count of the `known`; returns those dropped by it.

    Dropped are those not found on `limit` consecutive sessions. Symbols in neither list were not answered for: they
    keep their count. The `spared` are never dropped.
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
        {"not_found": list(not_found), "spared": list(spared), "limit": limit, "now": now},
    )
    return sorted(row.symbol for row in rows if row.dropped)


async def renamed(connection: AsyncConnection, symbols: Sequence[str]) -> dict[str, tuple[str, date]]:
    """The name that each renamed one of `symbols` goes on under, and since when."""
    rows = await connection.execute(
        text(
            "SELECT symbol, renamed_to, effective FROM symbols.symbol_renames "
            "WHERE symbol = ANY(CAST(:symbols AS text[]))"
        ),
        {"symbols": list(symbols)},
    )
    return {row.symbol: (row.renamed_to, row.effective) for row in rows}


async def record_rename(connection: AsyncConnection, old: str, new: str, effective: date, now: datetime) -> None:
    """Record that `old` goes on as `new`, and with it whatever went on as `old`.

    A name that was given up and is taken again is no old name any more.
    """
    values = {"old": old, "new": new, "effective": effective, "now": now}
    await connection.execute(text("DELETE FROM symbols.symbol_renames WHERE symbol = :new"), values)
    await connection.execute(
        text("UPDATE symbols.symbol_renames SET renamed_to = :new WHERE renamed_to = :old"), values
    )
    await connection.execute(
        text(
            "INSERT INTO symbols.symbol_renames (symbol, renamed_to, effective, recorded_at) "
            "VALUES (:old, :new, :effective, :now) ON CONFLICT (symbol) DO UPDATE SET "
            "renamed_to = excluded.renamed_to, effective = excluded.effective, recorded_at = excluded.recorded_at"
        ),
        values,
    )
