"""A symbol that nobody knew, from the request in the queue to its figures in the edition, by a real service process."""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from datetime import time as clock_time

import asyncpg

from benchmarks.bench import Bench
from benchmarks.exchange import stocked
from benchmarks.figure import Figure
from benchmarks.measuring import median
from benchmarks.questions import serving
from benchmarks.tape import Tape
from local_stack.database import Database
from local_stack.programs import SymbolBatch
from riskstream.database.engine import create_engine
from riskstream.runtime.clock import NEW_YORK, Clock
from symbol_batch.store import requests

LATENCY = 200
_PATIENCE = 60.0


def measure(bench: Bench) -> Iterator[Figure]:
    stock = stocked(bench)
    stock.exchange.slow_down(LATENCY)
    known = set(Tape.read(stock.tape).symbols)
    unknown = [symbol for symbol in stock.exchange.listed() if symbol not in known][: bench.size(5, 2)]
    # On the published session's evening no night is due, which the service would begin.
    clock = Clock(datetime.combine(stock.sessions[0], clock_time(21, 1), NEW_YORK))
    with bench.database(stock.database) as database:
        environment = bench.environment(database, "symbol_batch") | clock.environment()
        environment |= {"RISKSTREAM_YAHOO_URL": stock.exchange.url, "RISKSTREAM_PROVIDERS": "yahoo"}
        with serving(SymbolBatch(lambda: environment)), bench.narrator.step(f"{len(unknown)} unknown symbols"):
            seconds = [asyncio.run(_until_ready(database, symbol)) for symbol in unknown]
    yield Figure(
        name="newcomers",
        what=f"an unknown symbol from its request to ready, {LATENCY} ms an answer",
        value=median(seconds),
        unit="s",
        runs=tuple(seconds),
        sense="at most",
        goal=10,
        note=f"longest {max(seconds):.2f} s; workers look every 2 s",
    )


async def _until_ready(database: Database, symbol: str) -> float:
    """By the database's clock, from the committed request to the commit that added the symbol."""
    engine = create_engine(database.dsns["symbol_batch"], application="benchmark")
    async with engine.begin() as connection:
        await requests.enqueue(connection, [symbol])
    await engine.dispose()
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            row = await connection.fetchrow(
                "SELECT state, detail, extract(epoch FROM finished_at - requested_at) AS seconds "
                "FROM symbols.symbol_requests WHERE symbol = $1",
                symbol,
            )
            if row["state"] == "ready":
                return float(row["seconds"])
            if row["state"] == "failed":
                raise RuntimeError(f"{symbol} failed: {row['detail']}")
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{symbol} is {row['state']} after {_PATIENCE:.0f} s: {row['detail']}")
    finally:
        await connection.close()
