"""More and more portfolios that are changed once, all at the same time: from the first event sent to the last fold."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg
from aiokafka import TopicPartition

from benchmarks.bench import Bench, processor_seconds
from benchmarks.crowd import Crowd
from benchmarks.measuring import peak_memory
from benchmarks.refresh_runs import refresh, workers
from benchmarks.scale.growth import Curve, Point
from benchmarks.scale.portfolios import AT_ONCE, PATIENCE, TABLES
from benchmarks.scale.weight import held, log_of
from local_stack.database import Database
from local_stack.programs import PortfolioRefresh
from observer.tables import Tables
from riskstream.database.engine import create_engine
from riskstream.events.portfolio import PortfolioChanged
from riskstream.messaging.cluster import connected
from riskstream.messaging.connection import new_consumer
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay

POSITIONS = 20
PORTFOLIOS = "portfolios"
"""The schema of onboarding, whose events these are."""
SAID_AT_ONCE = 5_000
GROUP = "portfolio-refresh.changes"

_BEHIND = """
SELECT count(*) FROM valuations.valuation_heads head
JOIN portfolios.portfolios portfolio USING (portfolio_id) WHERE head.portfolio_version < portfolio.version
"""
_HANDLED = f"SELECT count(*) FROM valuations.inbox WHERE consumer = '{GROUP}'"
_SWEPT = "SELECT coalesce(sum(portfolios), 0) FROM valuations.refresh_runs WHERE cause = 'sweep'"


def measure(bench: Bench, sizes: Sequence[int]) -> Curve:
    """Valued portfolios, each of which gets a new version, as by an edit of a lot of today: one session to fold."""
    there = 0
    points: list[Point] = []
    with bench.database() as database:
        crowd = Crowd(database, bench.market, bench.servers.kafka.address)
        for size in sizes:
            with workers(bench, database, 1) as [worker]:
                with bench.narrator.step(f"{size:,} portfolios of {POSITIONS} positions, valued"):
                    while there < size:
                        crowd.add(min(AT_ONCE, size - there), POSITIONS)
                        there = min(there + AT_ONCE, size)
                    refresh(crowd, database, bench.market.first, [worker], PATIENCE)
                with bench.narrator.step(f"each of {size:,} changed once"):
                    points.append(_changed_once(bench, database, worker, size))
            # Events whose portfolio the sweeper folded: they would enter whatever a worker is measured at next.
            asyncio.run(_skip_what_is_left(bench.servers.kafka.address))
    return Curve(
        name="changes",
        what=f"portfolios of {POSITIONS} positions, each changed once: from the first event sent to the last fold",
        unit="portfolios",
        points=tuple(points),
        note="an event each, one worker; after a minute the sweeper takes those that are still behind, in chunks",
    )


def _changed_once(bench: Bench, database: Database, worker: PortfolioRefresh, size: int) -> Point:
    asyncio.run(_change_each(database, bench.market.first))
    began, busy = log_of(database), processor_seconds(worker)
    changed = _fold(bench, database, size)
    busy = processor_seconds(worker) - busy
    log, now = log_of(database).since(began), held(database, TABLES)
    return Point(
        size=size,
        seconds=changed.folded,
        processor_seconds=busy,
        peak_bytes=peak_memory(worker.process_id),
        wal_bytes=log.bytes,
        stored_bytes=now.bytes,
        rows=now.rows,
        details={
            "until all are on the topic, s": changed.sent,
            "left to the sweeper": float(changed.swept),
            "events not yet dealt with": float(changed.unheard),
            **log.details,
        },
    )


@dataclass(frozen=True)
class _Changed:
    sent: float
    """Seconds until all events were on the topic."""
    folded: float
    """Seconds until all portfolios were folded."""
    swept: int
    """Portfolios that the sweeper found behind for longer than its grace, and planned for."""
    unheard: int
    """Events whose portfolio was folded before they were dealt with; they find nothing to do."""


async def _change_each(database: Database, session: date) -> None:
    """A new version of every portfolio, and its event in the outbox: what onboarding commits, once for all of them."""
    engine = create_engine(database.superuser_dsn, application="benchmark")
    outbox = Outbox(PORTFOLIOS, "/services/onboarding")
    try:
        async with engine.begin() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            await connection.exec_driver_sql("SELECT 1")
            changed = await _new_versions(raw, session)
            for begin in range(0, len(changed), SAID_AT_ONCE):
                await outbox.publish(connection, changed[begin : begin + SAID_AT_ONCE])
    finally:
        await engine.dispose()


async def _new_versions(connection: asyncpg.Connection, session: date) -> list[PortfolioChanged]:
    rows = await connection.fetch(
        "UPDATE portfolios.portfolios SET version = version + 1, changed_at = now()"
        " RETURNING portfolio_id, owner_id, version"
    )
    await connection.execute(
        "UPDATE portfolios.positions lot SET quantity = quantity + 1, changed_version = portfolio.version"
        " FROM portfolios.portfolios portfolio,"
        " (SELECT DISTINCT ON (portfolio_id) position_id FROM portfolios.positions ORDER BY portfolio_id) AS first"
        " WHERE lot.position_id = first.position_id AND portfolio.portfolio_id = lot.portfolio_id"
    )
    await connection.execute(
        "INSERT INTO portfolios.portfolio_changes (portfolio_id, version, owner_id, first_affected_session, changed_at)"
        " SELECT portfolio_id, version, owner_id, $1, changed_at FROM portfolios.portfolios",
        session,
    )
    return [
        PortfolioChanged(
            portfolio=row["portfolio_id"], owner=row["owner_id"], version=row["version"], first_affected_session=session
        )
        for row in rows
    ]


def _fold(bench: Bench, database: Database, size: int) -> _Changed:
    tables = Tables(database)
    heard, swept = tables.value(_HANDLED), tables.value(_SWEPT)
    began = time.perf_counter()
    asyncio.run(_send(database, bench.servers.kafka.address))
    sent = time.perf_counter() - began
    tables.wait("every change is folded", f"SELECT ({_BEHIND}) = 0", seconds=PATIENCE)
    folded = time.perf_counter() - began
    return _Changed(sent, folded, tables.value(_SWEPT) - swept, size - (tables.value(_HANDLED) - heard))


async def _send(database: Database, kafka: str) -> None:
    engine = create_engine(database.superuser_dsn, application="benchmark")
    try:
        await Relay(engine, PORTFOLIOS, kafka, "benchmark-relay").drain()
    finally:
        await engine.dispose()


async def _skip_what_is_left(kafka: str) -> None:
    """Let the workers' group, which nobody is in now, stand at the topic's end."""
    topic = PortfolioChanged.topic
    async with connected(kafka) as cluster:
        ends = (await cluster.bounds([topic]))[topic].end
    consumer = new_consumer(kafka, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        places = {TopicPartition(topic, partition): end for partition, end in ends.items()}
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()
