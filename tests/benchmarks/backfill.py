"""Storing a year of prices through the intake, against the bare COPY of the same rows."""

import asyncio
import io
import time
from collections.abc import Iterator

import asyncpg

from benchmarks.bench import Bench
from benchmarks.exchange import stocked
from benchmarks.figure import Figure
from benchmarks.measuring import median
from local_stack.database import Database

_TABLE = "symbols.market_data_cache"


def measure(bench: Bench) -> Iterator[Figure]:
    stock = stocked(bench)
    with bench.narrator.step("the same rows by COPY"):
        rows, floors = asyncio.run(_floors(stock.database, bench.size(3, 2)))
    filled = stock.filled
    yield Figure(
        name="backfill",
        what=f"rows a second from the provider's answer to committed, {rows:,} rows",
        value=rows / filled["seconds"],
        unit="/s",
        reference="binary COPY of the same rows, /s",
        reference_value=rows / median(floors),
        ratio=median(floors) / filled["seconds"],
        sense="at least",
        goal=0.5,
        goal_is_on="ratio",
        note=f"{filled['seconds']:.1f} s, {filled['cpu_seconds']:.1f} s of it in Python",
    )
    yield Figure(
        name="backfill",
        what="peak memory of the process",
        value=filled["peak_bytes"] / 1e6,
        unit="MB",
        sense="at most",
        goal=500,
        note=f"{filled['peak_bytes_before'] / 1e6:.0f} MB before, the provider's answers included",
    )


async def _floors(database: Database, runs: int) -> tuple[int, list[float]]:
    """How many rows there are, and seconds to COPY them into a new table of the same form, its key included."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        rows = int(await connection.fetchval(f"SELECT count(*) FROM {_TABLE}"))
        taken = io.BytesIO()
        await connection.copy_from_query(f"SELECT * FROM {_TABLE}", output=taken, format="binary")
        floors = []
        for _ in range(runs):
            await connection.execute(f"CREATE TABLE floor (LIKE {_TABLE} INCLUDING ALL)")
            taken.seek(0)
            began = time.perf_counter()
            await connection.copy_to_table("floor", source=taken, format="binary")
            floors.append(time.perf_counter() - began)
            await connection.execute("DROP TABLE floor")
        return rows, floors
    finally:
        await connection.close()
