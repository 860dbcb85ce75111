"""A night from prices in Postgres to the committed edition, against the bare COPY of the rows it reads and writes."""

import asyncio
import io
import time
from collections.abc import Iterator
from datetime import date

import asyncpg

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.measuring import median
from local_stack.database import Database
from symbol_batch.panel import SESSIONS as PANEL_SESSIONS

WRITTEN = {
    "symbol_factor_exposures": ("session", "edition", "symbol", "factor"),
    "symbol_daily_metrics": ("edition", "symbol"),
    "risk_loadings": ("edition", "symbol"),
    "outbox": ("lane", "seq"),
}
"""Tables that a night writes thousands of rows to, and their keys."""
READ = (
    "SELECT symbol, session, close FROM symbols.market_data_cache "
    "WHERE session BETWEEN '{first}' AND '{last}' AND symbol = ANY (SELECT symbol FROM symbols.symbol_universe)"
)


def measure(bench: Bench) -> Iterator[Figure]:
    sessions = bench.market.nights[: bench.size(5, 2)]
    nights: list[dict[str, float]] = []
    floors: list[float] = []
    with bench.database() as database:
        for session in sessions:
            with bench.narrator.step(f"night of {session} and its floor"):
                nights.append(
                    bench.run_program("benchmarks.night_process", database.dsns["symbol_batch"], str(session))
                )
                first = bench.market.sessions[bench.market.sessions.index(session) - PANEL_SESSIONS + 1]
                floors.append(asyncio.run(_floor(database, first, session)))
    seconds = [night["seconds"] for night in nights]
    peaks = [night["peak_bytes"] / 1e6 for night in nights]
    what = f"night of {len(bench.market.symbols):,} symbols, prices in Postgres → committed edition and events"
    common = {
        "name": "night",
        "value": median(seconds),
        "unit": "s",
        "runs": tuple(seconds),
        "reference": "binary COPY read + COPY and upsert of the same rows, s",
        "reference_value": median(floors),
        "ratio": median(seconds) / median(floors),
        "sense": "at most",
    }
    yield Figure(**common, what=what, goal=5.0, note=_steps(nights[-1]))  # type: ignore[arg-type]
    yield Figure(**common, what="the same, over its floor", goal=3.0, goal_is_on="ratio")  # type: ignore[arg-type]
    yield Figure(
        name="night",
        what="peak memory of the process",
        value=max(peaks),
        unit="MB",
        runs=tuple(peaks),
        sense="at most",
        goal=500,
    )


def _steps(night: dict[str, object]) -> str:
    steps: list[dict[str, object]] = night["steps"]  # type: ignore[assignment]
    shown = ", ".join(f"{step['name']} {step['seconds']:.2f}" for step in steps if step["seconds"] > 0.01)  # type: ignore[operator]
    return f"last run: {shown}; {night['cpu_seconds']:.2f} s of it in Python"


async def _floor(database: Database, first: date, last: date) -> float:
    """Seconds to read the panel's prices and write the night's rows, with nothing computed or converted in between.

    Written into new tables of the same form, keys included, as one transaction. Empties the outbox, as a relay would.
    """
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        rows = {table: await _as_binary(connection, table, last) for table in WRITTEN}
        for table in WRITTEN:
            await connection.execute(f"CREATE TABLE floor_{table} (LIKE symbols.{table} INCLUDING ALL)")
        began = time.perf_counter()
        await connection.copy_from_query(READ.format(first=first, last=last), output=_discard, format="binary")
        async with connection.transaction():
            for table, key in WRITTEN.items():
                await _upsert(connection, table, key, rows[table])
        seconds = time.perf_counter() - began
        await connection.execute(f"DROP TABLE {', '.join(f'floor_{table}' for table in WRITTEN)}")
        await connection.execute("DELETE FROM symbols.outbox")
        return seconds
    finally:
        await connection.close()


async def _as_binary(connection: asyncpg.Connection, table: str, session: date) -> bytes:
    rows = (
        "true" if table == "outbox" else f"edition = (SELECT edition FROM symbols.editions WHERE session = '{session}')"
    )
    taken = io.BytesIO()
    await connection.copy_from_query(f"SELECT * FROM symbols.{table} WHERE {rows}", output=taken, format="binary")
    return taken.getvalue()


async def _upsert(connection: asyncpg.Connection, table: str, key: tuple[str, ...], rows: bytes) -> None:
    await connection.execute(
        f"CREATE TEMPORARY TABLE incoming_{table} ON COMMIT DROP AS SELECT * FROM floor_{table} WITH NO DATA"
    )
    await connection.copy_to_table(f"incoming_{table}", source=io.BytesIO(rows), format="binary", schema_name="pg_temp")
    await connection.execute(
        f"INSERT INTO floor_{table} OVERRIDING SYSTEM VALUE SELECT * FROM incoming_{table} "
        f"ON CONFLICT ({', '.join(key)}) DO NOTHING"
    )


async def _discard(_: bytes) -> None:
    """Read and forgotten."""
