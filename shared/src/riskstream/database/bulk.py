"""Thousands of rows at once: COPY into a temporary table, then one statement into the real one.

COPY straight into a table is refused by Postgres where row-level security applies, and cannot upsert; both reasons
lead to the same two steps.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.engine import driver
from riskstream.database.tracing import copying

Rows: TypeAlias = Iterable[Sequence[Any]] | bytes
"""Sequences in the order of the columns, or rows that are in the form of binary COPY already, without its header and
trailer: those must be of exactly the columns' types."""

_BINARY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_BINARY_TRAILER = b"\xff\xff"
_PIECE = 1 << 20


async def copy_rows(connection: AsyncConnection, table: str, columns: Sequence[str], rows: Rows) -> None:
    """COPY `rows` into `table` (schema-qualified), inside the transaction of the connection."""
    schema, _, name = table.partition(".")
    raw = await driver(connection)
    with copying(f"COPY {table}"):
        if isinstance(rows, bytes):
            source = _pieces(rows)
            await raw.copy_to_table(name, source=source, columns=list(columns), schema_name=schema, format="binary")
        else:
            await raw.copy_records_to_table(name, records=rows, columns=list(columns), schema_name=schema)


async def copy_to_temporary(
    connection: AsyncConnection,
    like: str,
    columns: Sequence[str],
    rows: Rows,
    *,
    name: str = "incoming",
) -> str:
    """COPY `rows` into a temporary table with the named columns of `like` (schema-qualified); returns its name.

    The table lives to the end of the transaction.
    """
    listed = ", ".join(columns)
    await connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    await connection.execute(
        text(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT {listed} FROM {like} WITH NO DATA")  # noqa: S608  # names are our own
    )
    await copy_rows(connection, f"pg_temp.{name}", columns, rows)
    return f"pg_temp.{name}"


async def copy_upsert(
    connection: AsyncConnection,
    table: str,
    columns: Sequence[str],
    rows: Rows,
    *,
    key: Sequence[str],
    update: Sequence[str] = (),
    only_changed: bool = False,
) -> int:
    """Insert `rows` into `table`; where `key` exists already, set the `update` columns, or leave the row alone.

    With `only_changed` a row whose `update` columns are all equal already is not touched. Returns the number of rows
    inserted or updated.
    """
    incoming = await copy_to_temporary(connection, table, columns, rows)
    listed = ", ".join(columns)
    if update:
        action = "DO UPDATE SET " + ", ".join(f"{column} = excluded.{column}" for column in update)
        if only_changed:
            ours = ", ".join(f"target.{column}" for column in update)
            theirs = ", ".join(f"excluded.{column}" for column in update)
            action += f" WHERE ({ours}) IS DISTINCT FROM ({theirs})"
    else:
        action = "DO NOTHING"
    result = await connection.execute(
        text(
            f"INSERT INTO {table} AS target ({listed}) SELECT {listed} FROM {incoming} "  # noqa: S608  # names are our own
            f"ON CONFLICT ({', '.join(key)}) {action}"
        )
    )
    await connection.execute(text(f"DROP TABLE {incoming}"))
    return result.rowcount


async def _pieces(rows: bytes) -> AsyncIterator[bytes | memoryview]:
    yield _BINARY_HEADER
    whole = memoryview(rows)
    for begin in range(0, len(rows), _PIECE):
        yield whole[begin : begin + _PIECE]
    yield _BINARY_TRAILER
