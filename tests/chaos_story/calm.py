"""The same portfolios folded once more in a copy of the database, from nothing, with nobody in the way."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import asyncpg

import portfolio_refresh.schema
from local_stack.database import Database, copy_database, drop_database
from observer.tables import Tables
from portfolio_refresh.folding import Folding
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock

ROLE = "portfolio_refresh"

FORGET = """
DROP TRIGGER note ON valuations.valuation_heads;
TRUNCATE valuations.valuation_heads, valuations.portfolio_snapshots, valuations.position_values;
"""

COMPARED = {
    "valuations.valuation_heads": ("portfolio_id",),
    "valuations.portfolio_snapshots": ("portfolio_id", "session"),
    "valuations.position_values": ("portfolio_id", "position_id"),
}
"""Table to its key."""

HOW_IT_CAME = {"valuation", "edition", "revision", "run_id", "folded_at"}
"""Columns that count folds and tell when they were; everything else must be the same to the last bit."""

KNOWN_LATER = {"sector"}
"""Columns that say what was known at the fold and are no part of an edition: null where it came only afterwards."""

Rows = Mapping[tuple[Any, ...], Mapping[str, Any]]


def differences(database: Database) -> tuple[int, list[str]]:
    """How many rows were compared, and what a calm recomputation would have stored otherwise.

    Nobody may be connected to the database: it is copied.
    """
    stormy = {table: _rows(database, table) for table in COMPARED}
    copied = asyncio.run(copy_database(database, "calm", urlsplit(database.dsns[ROLE]).password or ""))
    try:
        asyncio.run(_fold_anew(copied))
        calm = {table: _rows(copied, table) for table in COMPARED}
    finally:
        asyncio.run(drop_database(copied))
    found = [line for table in COMPARED for line in compared(table, stormy[table], calm[table])]
    return sum(map(len, stormy.values())), found


def compared(table: str, stormy: Rows, calm: Rows) -> list[str]:
    """The rows that are only in one, and those that differ, with the columns in which they do."""
    found = [f"{table} {_named(key)} is there only after the storm" for key in sorted(stormy.keys() - calm.keys())]
    found += [f"{table} {_named(key)} is missing after the storm" for key in sorted(calm.keys() - stormy.keys())]
    for key in sorted(stormy.keys() & calm.keys()):
        other = {
            column: (value, calm[key][column])
            for column, value in stormy[key].items()
            if column not in HOW_IT_CAME
            and repr(value) != repr(calm[key][column])
            and not (column in KNOWN_LATER and value is None)
        }
        if other:
            found.append(f"{table} {_named(key)} differs from the calm one: {other}")
    return found


def _named(key: tuple[Any, ...]) -> str:
    return " ".join(map(str, key))


def _rows(database: Database, table: str) -> Rows:
    rows = Tables(database).rows(f"SELECT * FROM {table}")
    return {tuple(row[column] for column in COMPARED[table]): dict(row) for row in rows}


async def _fold_anew(database: Database) -> None:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        await connection.execute(FORGET)
        portfolios = [row[0] for row in await connection.fetch("SELECT portfolio_id FROM portfolios.portfolios")]
    finally:
        await connection.close()
    engine = create_engine(database.dsns[ROLE], application="calm")
    try:
        result = await Folding(engine, Outbox(portfolio_refresh.schema.SCHEMA, "/chaos", clock=Clock())).fold(
            portfolios, "sweep"
        )
    finally:
        await engine.dispose()
    if result.failed or result.lost:
        raise AssertionError(f"the calm fold itself failed: {result.failed}, {result.lost}")
