"""Writing what portfolios came to: heads by compare-and-set, and with them snapshots, position values and events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from portfolio_refresh.store.states import Edition, PortfolioState
from riskstream.database.tracing import copying


@dataclass(frozen=True, slots=True)
class PortfolioFold:
    """A portfolio's fold, ready to be written: rows in the order of `SNAPSHOT_COLUMNS` and `POSITION_COLUMNS`."""

    state: PortfolioState
    edition: Edition
    from_session: date
    unknown_symbols: Sequence[str]
    snapshots: Sequence[tuple[Any, ...]]
    positions: Sequence[tuple[Any, ...]]

    @property
    def valuation(self) -> int:
        """The number that the fold's valuation gets."""
        return 1 if self.state.head is None else self.state.head.valuation + 1


AMOUNTS = {
    "nav": "bigint",
    "cash": "bigint",
    "long_value": "bigint",
    "short_value": "bigint",
    "gross_value": "bigint",
    "net_value": "bigint",
    "pnl": "bigint",
    "pnl_price": "bigint",
    "pnl_dividend": "bigint",
    "pnl_in_kind": "bigint",
    "pnl_trading": "bigint",
    "fees": "bigint",
    "cumulative_pnl": "bigint",
    "flow": "bigint",
}
"""Ten-thousandths of USD on the way in, NUMERIC in the table."""

SNAPSHOT_COLUMNS = {
    "session": "date",
    **AMOUNTS,
    "positions": "integer",
    "stale": "integer",
    "unpriced": "integer",
    "daily_return": "float8",
    "coverage": "float8",
}

POSITION_COLUMNS = {
    "position_id": "uuid",
    "session": "date",
    "symbol": "text",
    "investment_class": "text",
    "quantity": "numeric",
    "multiplier": "numeric",
    "price": "float8",
    "price_session": "date",
    "price_status": "text",
    "sector": "text",
    "market_value": "bigint",
    "cost_basis": "bigint",
    "unrealised_pnl": "bigint",
    "pnl": "bigint",
}

_OWNER = {"portfolio_id": "uuid", "owner_id": "text"}
_HEAD = {
    **_OWNER,
    "valuation": "bigint",
    "portfolio_version": "bigint",
    "edition": "bigint",
    "session": "date",
    "unknown": "text",
}
_SNAPSHOT = {**_OWNER, "edition": "bigint", "valuation": "bigint", "run_id": "uuid", **SNAPSHOT_COLUMNS}
_POSITION = {**_OWNER, **POSITION_COLUMNS}

SEPARATOR = "\n"
"""Between unknown symbols: arrays of arrays do not unnest."""


def _arrays(columns: dict[str, str]) -> str:
    """`unnest` of one array parameter a column."""
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), start=1))
    return f"unnest({arrays}) AS i ({', '.join(columns)})"


def _incoming(name: str, columns: dict[str, str]) -> str:
    """A temporary table to COPY into: it lives as long as the connection, its rows as long as the transaction.

    COPY encodes thousands of rows several times faster than array parameters do, and is refused on the real table,
    which has row-level security.
    """
    listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({listed}) ON COMMIT DELETE ROWS"


def _upsert(  # noqa: PLR0917  # a statement's parts, in its order
    table: str, incoming: str, columns: Iterable[str], key: Sequence[str], content: Iterable[str], also: str = ""
) -> str:
    """Insert; where the key is there and the content differs, update. A row that is the same already is not touched."""
    listed = ", ".join(columns)
    amounts = {*AMOUNTS, "market_value", "cost_basis", "unrealised_pnl"}
    values = ", ".join(f"i.{column} * 0.0001" if column in amounts else f"i.{column}" for column in columns)
    compared = [column for column in content if column not in key]
    changed = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    ours = ", ".join(f"t.{column}" for column in compared)
    theirs = ", ".join(f"excluded.{column}" for column in compared)
    return (
        f"INSERT INTO {table} AS t ({listed}) SELECT {values} FROM pg_temp.{incoming} i "  # noqa: S608  # names are our own
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}{also} WHERE ({ours}) IS DISTINCT FROM ({theirs})"
    )


LOCK_HEADS = """
SELECT portfolio_id, valuation FROM valuations.valuation_heads WHERE portfolio_id = ANY($1)
ORDER BY portfolio_id FOR UPDATE
"""

VERSIONS = "SELECT portfolio_id, version FROM portfolios.portfolios WHERE portfolio_id = ANY($1) AND deleted_at IS NULL"

ADD_HEADS = f"""
INSERT INTO valuations.valuation_heads
    (portfolio_id, owner_id, valuation, portfolio_version, edition, session, unknown_symbols, folded_at)
SELECT i.portfolio_id, i.owner_id, i.valuation, i.portfolio_version, i.edition, i.session,
    string_to_array(i.unknown, E'\n'), now()
FROM {_arrays(_HEAD)}
ORDER BY i.portfolio_id
ON CONFLICT (portfolio_id) DO NOTHING
RETURNING portfolio_id
"""  # noqa: S608

RAISE_HEADS = f"""
UPDATE valuations.valuation_heads h
SET owner_id = i.owner_id, valuation = i.valuation, portfolio_version = i.portfolio_version, edition = i.edition,
    session = i.session, unknown_symbols = string_to_array(i.unknown, E'\n'), folded_at = now()
FROM {_arrays(_HEAD)}
WHERE h.portfolio_id = i.portfolio_id
"""  # noqa: S608

INCOMING_SNAPSHOTS = _incoming("incoming_snapshots", _SNAPSHOT)
INCOMING_POSITIONS = _incoming("incoming_positions", _POSITION)

WRITE_SNAPSHOTS = _upsert(
    "valuations.portfolio_snapshots",
    "incoming_snapshots",
    _SNAPSHOT,
    ("portfolio_id", "session"),
    ("owner_id", *SNAPSHOT_COLUMNS),
    also=", revision = t.revision + 1",
)

WRITE_POSITIONS = _upsert(
    "valuations.position_values", "incoming_positions", _POSITION, ("portfolio_id", "position_id"), _POSITION
)

DROP_OLD_POSITIONS = """
DELETE FROM valuations.position_values v
WHERE v.portfolio_id = ANY($1) AND NOT EXISTS (
    SELECT FROM pg_temp.incoming_positions i WHERE i.portfolio_id = v.portfolio_id AND i.position_id = v.position_id
)
"""

FORGET = (
    "DELETE FROM valuations.valuation_heads WHERE portfolio_id = ANY($1)",
    "DELETE FROM valuations.position_values WHERE portfolio_id = ANY($1)",
    "DELETE FROM valuations.portfolio_snapshots WHERE portfolio_id = ANY($1)",
)


async def write_folds(
    connection: asyncpg.Connection, folds: Sequence[PortfolioFold], run_id: UUID | None
) -> list[PortfolioFold]:
    """Write, inside the caller's transaction, the folds of portfolios that are still what was read; return those.

    A head that another fold has raised, or a version that a change has raised, loses: nothing of it is written. A
    version raised after this looked is harmless: the head then names the older version, and the change's own event,
    or the sweeper, folds again. Heads are locked in the order of their ids, so that two writers wait, never deadlock.
    """
    ids = sorted(fold.state.portfolio_id for fold in folds)
    heads = {row["portfolio_id"]: row["valuation"] for row in await connection.fetch(LOCK_HEADS, ids)}
    versions = {row["portfolio_id"]: row["version"] for row in await connection.fetch(VERSIONS, ids)}
    unmoved = [
        fold
        for fold in folds
        if versions.get(fold.state.portfolio_id) == fold.state.version
        and heads.get(fold.state.portfolio_id) == (fold.state.head and fold.state.head.valuation)
    ]
    new = [fold for fold in unmoved if fold.state.head is None]
    added = {row["portfolio_id"] for row in await connection.fetch(ADD_HEADS, *_head_arrays(new))} if new else set()
    won = [fold for fold in unmoved if fold.state.head is not None or fold.state.portfolio_id in added]
    raised = [fold for fold in won if fold.state.head is not None]
    if raised:
        await connection.execute(RAISE_HEADS, *_head_arrays(raised))
    if won:
        await _write_rows(connection, won, run_id)
    return won


async def forget_portfolios(connection: asyncpg.Connection, portfolio_ids: Sequence[UUID]) -> None:
    """Remove everything of deleted portfolios, inside the caller's transaction."""
    await connection.fetch(LOCK_HEADS, sorted(portfolio_ids))
    for statement in FORGET:
        await connection.execute(statement, portfolio_ids)


async def _write_rows(connection: asyncpg.Connection, won: Sequence[PortfolioFold], run_id: UUID | None) -> None:
    snapshots = [
        (fold.state.portfolio_id, fold.state.owner_id, fold.edition.number, fold.valuation, run_id, *row)
        for fold in won
        for row in fold.snapshots
    ]
    positions = [(fold.state.portfolio_id, fold.state.owner_id, *row) for fold in won for row in fold.positions]
    await connection.execute(INCOMING_SNAPSHOTS)
    await connection.execute(INCOMING_POSITIONS)
    await _copy(connection, "incoming_snapshots", _SNAPSHOT, snapshots)
    await _copy(connection, "incoming_positions", _POSITION, positions)
    await connection.execute(WRITE_SNAPSHOTS)
    await connection.execute(DROP_OLD_POSITIONS, [fold.state.portfolio_id for fold in won])
    await connection.execute(WRITE_POSITIONS)


async def _copy(
    connection: asyncpg.Connection, table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    with copying(f"COPY pg_temp.{table}"):
        await connection.copy_records_to_table(table, schema_name="pg_temp", columns=list(columns), records=rows)


def _head_arrays(folds: Sequence[PortfolioFold]) -> list[list[Any]]:
    return _columns(
        [
            (
                fold.state.portfolio_id,
                fold.state.owner_id,
                fold.valuation,
                fold.state.version,
                fold.edition.number,
                fold.edition.session,
                SEPARATOR.join(fold.unknown_symbols),
            )
            for fold in folds
        ]
    )


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
