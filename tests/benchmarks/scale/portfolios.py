"""Nights of more and more portfolios, by one worker process on the machine that also runs Postgres and Kafka."""

from collections.abc import Sequence

from benchmarks.bench import Bench, processor_seconds
from benchmarks.crowd import Crowd
from benchmarks.measuring import peak_memory
from benchmarks.refresh_runs import refresh, workers
from benchmarks.scale.growth import Curve, Point
from benchmarks.scale.weight import held, log_of

TABLES = ("valuations.portfolio_snapshots", "valuations.position_values", "valuations.valuation_heads")
AT_ONCE = 20_000
"""Portfolios that are put in together: they are made in memory."""
PATIENCE = 1_800.0


def of_twenty(bench: Bench, sizes: Sequence[int]) -> Curve:
    """Portfolios of twenty positions."""
    return _measure(bench, "portfolios", 20, sizes)


def of_two(bench: Bench, sizes: Sequence[int]) -> Curve:
    """Portfolios of two positions: hardly any arithmetic, an event each."""
    return _measure(bench, "events", 2, sizes)


def _measure(bench: Bench, name: str, positions: int, sizes: Sequence[int]) -> Curve:
    nights, there = iter(bench.market.nights), 0
    points: list[Point] = []
    with bench.database() as database, workers(bench, database, 1) as processes:
        crowd = Crowd(database, bench.market, bench.servers.kafka.address)
        for size in sizes:
            with bench.narrator.step(f"{size:,} portfolios of {positions} positions, and their first session"):
                while there < size:
                    crowd.add(min(AT_ONCE, size - there), positions)
                    there = min(there + AT_ONCE, size)
                refresh(crowd, database, bench.market.first if not points else next(nights), processes, PATIENCE)
            with bench.narrator.step(f"the next session of {size:,}"):
                began = log_of(database)
                busy = processor_seconds(processes[0])
                run = refresh(crowd, database, next(nights), processes, PATIENCE)
                busy = processor_seconds(processes[0]) - busy
                log, now = log_of(database).since(began), held(database, TABLES)
            points.append(
                Point(
                    size=size,
                    seconds=run.seconds,
                    processor_seconds=busy,
                    peak_bytes=peak_memory(processes[0].process_id),
                    wal_bytes=log.bytes,
                    stored_bytes=now.bytes,
                    rows=now.rows,
                    details=log.details,
                )
            )
    return Curve(
        name=name,
        what=f"portfolios of {positions} positions: from the published edition to the last folded one",
        unit="portfolios",
        points=tuple(points),
        note="each fold says one event through outbox, relay and Kafka; rows: sessions, positions, heads",
    )
