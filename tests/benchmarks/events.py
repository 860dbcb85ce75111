"""The event kernel: from a committed outbox row to a committed effect, through real Kafka, one service pair."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import count

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.bench import Bench
from benchmarks.event_process import HEARING, SAYING, create_pair
from benchmarks.figure import Figure
from benchmarks.measuring import median, quantile
from local_stack.folders import PROJECT
from local_stack.process import Process
from riskstream.database.engine import create_engine
from riskstream.events.symbol import SymbolFactorsUpdated
from riskstream.messaging.outbox import Outbox

DATABASE = "bench_events"
BATCH = 5_000
"""Events said in one transaction: a night's."""

numbers = count()


def measure(bench: Bench) -> Iterator[Figure]:
    bench.servers.postgres.create_database(DATABASE)
    dsn = bench.servers.postgres.dsn(database=DATABASE)
    events = bench.size(60_000, 10_000)
    with ExitStack() as closing:
        asyncio.run(_with_engine(dsn, create_pair))
        for role in ("consumer", "relay"):
            closing.enter_context(_process(bench, role, dsn))
        with bench.narrator.step("the first events"):
            asyncio.run(_rate(dsn, 100))
        with bench.narrator.step(f"{events:,} events at once"):
            rates = [asyncio.run(_rate(dsn, events)) for _ in range(bench.size(3, 1))]
        with bench.narrator.step("one event at a time"):
            slow = [
                quantile(asyncio.run(_latencies(dsn, bench.size(150, 40))), 0.99) * 1000
                for _ in range(bench.size(3, 1))
            ]
    yield Figure(
        name="events",
        what=f"{events:,} events in the outbox → as many committed effects (a row each), one relay, one consumer",
        value=median(rates),
        unit="/s",
        runs=tuple(rates),
        sense="at least",
        goal=10_000,
        note="the handler takes a poll's events at once; relay, consumer, Postgres and Kafka share the cores",
    )
    yield Figure(
        name="events",
        what="p99 from commit to committed effect, when idle",
        value=median(slow),
        unit="ms",
        runs=tuple(slow),
        sense="at most",
        goal=250,
    )


async def _with_engine(dsn: str, work: object) -> None:
    engine = create_engine(dsn, application="benchmark")
    try:
        await work(engine)  # type: ignore[operator]
    finally:
        await engine.dispose()


@contextmanager
def _process(bench: Bench, role: str, dsn: str) -> Iterator[None]:
    process = Process(
        [sys.executable, "-m", "benchmarks.event_process", role, dsn, bench.servers.kafka.address],
        log=bench.folder / f"{role}.log",
        environment={"PYTHONPATH": str(PROJECT / "tests")},
    )
    try:
        yield
    finally:
        process.stop()


async def _say(engine: AsyncEngine, amount: int) -> None:
    """All in one transaction, so that they are there at one instant."""
    outbox = Outbox(SAYING, "/services/saying")
    async with engine.begin() as connection:
        for begin in range(0, amount, BATCH):
            edition = next(numbers)
            events = [
                SymbolFactorsUpdated(
                    symbol=f"X{number:05d}", reason="night", session=date(2024, 12, 13), edition=edition
                )
                for number in range(min(BATCH, amount - begin))
            ]
            await outbox.publish(connection, events)


async def _rate(dsn: str, amount: int) -> float:
    """Effects a second, from the commit of all events to the last effect."""
    engine = create_engine(dsn, application="benchmark")
    look = await asyncpg.connect(dsn)
    try:
        await look.execute(f"TRUNCATE {HEARING}.effect")
        await _say(engine, amount)
        began = time.perf_counter()
        while await look.fetchval(f"SELECT count(*) FROM {HEARING}.effect") < amount:
            if time.perf_counter() - began > 120:
                raise TimeoutError(f"{amount} events did not have their effects within two minutes")
            await asyncio.sleep(0.05)
        return amount / (time.perf_counter() - began)
    finally:
        await look.close()
        await engine.dispose()


async def _latencies(dsn: str, amount: int) -> list[float]:
    """Seconds from commit to commit, of events said one at a time; a trigger tells when an effect is there."""
    engine = create_engine(dsn, application="benchmark")
    look = await asyncpg.connect(dsn)
    heard: asyncio.Queue[float] = asyncio.Queue()
    latencies = []
    try:
        await look.execute(
            f"CREATE OR REPLACE FUNCTION {HEARING}.tell() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_notify(''effects'', ''''); RETURN NULL; END';"
            f"CREATE OR REPLACE TRIGGER tell AFTER INSERT ON {HEARING}.effect "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {HEARING}.tell()"
        )
        await look.add_listener("effects", lambda *_: heard.put_nowait(time.perf_counter()))
        for _ in range(amount):
            await _say(engine, 1)
            said = time.perf_counter()
            latencies.append(await asyncio.wait_for(heard.get(), 30) - said)
            await asyncio.sleep(0.05)
        await look.execute(f"DROP TRIGGER tell ON {HEARING}.effect")
    finally:
        await look.close()
        await engine.dispose()
    return latencies
