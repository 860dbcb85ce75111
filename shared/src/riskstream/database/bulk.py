"""Thousands of rows at once: COPY into a temporary table, then one statement into the real one.

COPY straight into a table is refused by Postgres where row-level security applies, and cannot upsert; both reasons
lead to the same two steps.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.engine import driver


async def copy_to_temporary(
    connection: AsyncConnection,
    like: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    name: str = "incoming",
) -> str:
    """COPY `rows` into a temporary table with the named columns of `like` (schema-qualified); returns its name.

    The table lives to the end of the transaction. Rows are sequences in the order of `columns`.
    """
    listed = ", ".join(columns)
    await connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    await connection.execute(
        text(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT {listed} FROM {like} WITH NO DATA")  # noqa: S608  # names are our own
    )
    asyncpg_connection = await driver(connection)
    await asyncpg_connection.copy_records_to_table(name, records=rows, columns=list(columns), schema_name="pg_temp")
    return f"pg_temp.{name}"


async def copy_upsert(
    connection: AsyncConnection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
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
