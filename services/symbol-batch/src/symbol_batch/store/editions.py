"""Editions: what readers see, and all that is in one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.engine import driver
from riskstream.database.tracing import copying

EXPOSURE_COLUMNS = (
    "session", "edition", "symbol", "factor", "beta", "standard_error", "standard_error_newey_west", "t_statistic",
    "t_statistic_newey_west", "r_squared", "observations", "window_sessions", "method", "status", "reason", "extreme",
    "run_id", "carried_from",
)  # fmt: skip
METRIC_COLUMNS = (
    "edition", "symbol", "session", "price", "price_session", "return_1d", "return_1m", "return_3m", "return_mtd",
    "return_ytd", "return_1y", "market_beta", "ir_beta", "value_beta", "growth_beta", "momentum_beta", "quality_beta",
    "size_beta", "low_volatility_beta", "growth_value_spread_beta", "momentum_spread_beta", "size_spread_beta",
    "quality_spread_beta", "data_quality", "market_cap", "price_earnings", "sector", "reasons", "run_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition and the session it is of."""

    number: int
    session: date


async def current_edition(connection: AsyncConnection, *, lock: bool = False) -> Edition | None:
    """The edition that readers use; None before the first night. With `lock` nobody else can publish or add to it."""
    reading = "SELECT edition, session FROM symbols.current_edition"
    statement = f"{reading} FOR UPDATE" if lock else reading
    row = (await connection.execute(text(statement))).first()
    return None if row is None else Edition(row.edition, row.session)


async def published_sessions(connection: AsyncConnection, symbols: Sequence[str]) -> dict[str, date]:
    """The current edition's session for each of the symbols that it contains."""
    rows = await connection.execute(
        text(
            "SELECT symbol, session FROM symbols.symbol_daily_metrics JOIN symbols.current_edition "
            "USING (edition, session) WHERE symbol = ANY(CAST(:symbols AS text[]))"
        ),
        {"symbols": list(symbols)},
    )
    return {row.symbol: row.session for row in rows}


async def begin_edition(connection: AsyncConnection, session: date, run_id: UUID, now: datetime) -> Edition:
    """Take the lock of the current edition and begin a night's, of a later session."""
    current = await current_edition(connection, lock=True)
    if current is not None and current.session >= session:
        raise ValueError(f"edition {current.number} is of {current.session} already; {session} cannot follow it")
    return await _insert_edition(connection, session, "night", run_id, now)


async def begin_revision(connection: AsyncConnection, of: Edition, run_id: UUID, now: datetime) -> Edition | None:
    """Take the lock of the current edition and begin a revision of it, of the same session.

    None, with nothing written, where `of` is not the current one now.
    """
    if await current_edition(connection, lock=True) != of:
        return None
    return await _insert_edition(connection, of.session, "revision", run_id, now)


async def _insert_edition(
    connection: AsyncConnection, session: date, kind: str, run_id: UUID, now: datetime
) -> Edition:
    row = await connection.execute(
        text(
            "INSERT INTO symbols.editions (edition, session, kind, run_id, published_at) "
            "SELECT coalesce(max(edition), 0) + 1, :session, :kind, :run_id, :now FROM symbols.editions "
            "RETURNING edition"
        ),
        {"session": session, "kind": kind, "run_id": run_id, "now": now},
    )
    return Edition(row.scalar_one(), session)


async def make_current(connection: AsyncConnection, edition: Edition) -> None:
    """Readers see the edition from the commit on."""
    await connection.execute(
        text(
            "INSERT INTO symbols.current_edition (edition, session) VALUES (:edition, :session) "
            "ON CONFLICT (only_row) DO UPDATE SET edition = excluded.edition, session = excluded.session"
        ),
        {"edition": edition.number, "session": edition.session},
    )


async def insert_revisions(connection: AsyncConnection, edition: Edition, revised_from: dict[str, date]) -> None:
    """Record which symbols' history changed with the edition."""
    if not revised_from:
        return
    await connection.execute(
        text(
            "INSERT INTO symbols.revisions (edition, symbol, prices_revised_from) "
            "SELECT :edition, * FROM unnest(CAST(:symbols AS text[]), CAST(:days AS date[]))"
        ),
        {"edition": edition.number, "symbols": list(revised_from), "days": list(revised_from.values())},
    )


async def exposures_of(
    connection: AsyncConnection, edition: Edition, symbols: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """The exposures that an edition has of the symbols, each row by column; symbols without are left out."""
    rows = await connection.execute(
        text(
            f"SELECT {', '.join(EXPOSURE_COLUMNS)} FROM symbols.symbol_factor_exposures "  # noqa: S608  # our own names
            "WHERE session = :session AND edition = :edition AND symbol = ANY(CAST(:symbols AS text[]))"
        ),
        {"session": edition.session, "edition": edition.number, "symbols": list(symbols)},
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.symbol, []).append(dict(row._mapping))
    return found


async def symbols_with_exposures(connection: AsyncConnection, edition: Edition) -> set[str]:
    """The symbols with exposures of the session in the edition, which may be of a later session."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT symbol FROM symbols.symbol_factor_exposures "
            "WHERE session = :session AND edition = :edition"
        ),
        {"session": edition.session, "edition": edition.number},
    )
    return set(rows.scalars())


async def copy_edition(
    connection: AsyncConnection, source: Edition, target: Edition, *, without: Collection[str]
) -> None:
    """Give `target`, a revision of the same session, the exposures and metrics of `source` but those of `without`."""
    values = {"source": source.number, "target": target.number, "session": source.session, "without": list(without)}
    for table, columns in (("symbol_factor_exposures", EXPOSURE_COLUMNS), ("symbol_daily_metrics", METRIC_COLUMNS)):
        listed = ", ".join(columns)
        copied = ", ".join("CAST(:target AS bigint)" if column == "edition" else column for column in columns)
        await connection.execute(
            text(
                f"INSERT INTO symbols.{table} ({listed}) SELECT {copied} FROM symbols.{table} "  # noqa: S608  # our own names
                "WHERE session = :session AND edition = :source AND symbol <> ALL(CAST(:without AS text[]))"
            ),
            values,
        )


async def edition_before(connection: AsyncConnection, session: date) -> Edition | None:
    """The newest edition of an earlier session."""
    rows = await connection.execute(
        text("SELECT edition, session FROM symbols.editions WHERE session < :session ORDER BY edition DESC LIMIT 1"),
        {"session": session},
    )
    row = rows.first()
    return None if row is None else Edition(row.edition, row.session)


async def symbols_of(connection: AsyncConnection, edition: Edition) -> list[str]:
    """The symbols that an edition contains."""
    rows = await connection.execute(
        text("SELECT symbol FROM symbols.symbol_daily_metrics WHERE edition = :edition ORDER BY symbol"),
        {"edition": edition.number},
    )
    return list(rows.scalars())


async def copy_exposures(connection: AsyncConnection, rows: Iterable[Sequence[Any]]) -> None:
    """Add exposures, in the order of `EXPOSURE_COLUMNS`."""
    await _copy(connection, "symbol_factor_exposures", EXPOSURE_COLUMNS, rows)


async def copy_metrics(connection: AsyncConnection, rows: Iterable[Sequence[Any]]) -> None:
    """Add daily metrics, in the order of `METRIC_COLUMNS`: from then on the edition contains their symbols."""
    await _copy(connection, "symbol_daily_metrics", METRIC_COLUMNS, rows)


async def _copy(connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    raw = await driver(connection)
    with copying(f"COPY symbols.{table}"):
        await raw.copy_records_to_table(table, schema_name="symbols", columns=list(columns), records=rows)
