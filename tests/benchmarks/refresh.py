"""A night of every portfolio by one worker process, from the published edition to the last folded portfolio."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.crowd import Crowd
from benchmarks.figure import Figure
from benchmarks.measuring import median
from benchmarks.refresh_runs import refresh, workers

POSITIONS = 20


def measure(bench: Bench) -> Iterator[Figure]:
    few, many = bench.size(10_000, 1_000), bench.size(40_000, 4_000)
    nights = iter(bench.market.nights)
    with bench.database() as database, workers(bench, database, 1) as processes:
        crowd = Crowd(database, bench.market, bench.servers.kafka.address)
        with bench.narrator.step(f"{few:,} portfolios and their first session"):
            crowd.add(few, POSITIONS)
            first = refresh(crowd, database, bench.market.first, processes)
        small = []
        for _ in range(bench.size(3, 1)):
            with bench.narrator.step(f"the next session of {few:,}"):
                small.append(refresh(crowd, database, next(nights), processes))
        # Those who come later begin at the first session: catching up is not what is measured.
        with bench.narrator.step(f"{many:,} portfolios"):
            crowd.add(many - few, POSITIONS)
            refresh(crowd, database, next(nights), processes)
        large = []
        for _ in range(bench.size(2, 1)):
            with bench.narrator.step(f"the next session of {many:,}"):
                large.append(refresh(crowd, database, next(nights), processes))
    seconds, more = [run.seconds for run in small], [run.seconds for run in large]
    yield Figure(
        name="refresh",
        what=f"{few:,} portfolios × {POSITIONS} positions, a second session, one worker",
        value=median(seconds),
        unit="s",
        runs=tuple(seconds),
        reference="their first session, s",
        reference_value=first.seconds,
        sense="at most",
        goal=10,
        note=f"{median([run.cpu_seconds for run in small]) / few * 1e6:.0f} µs of the worker's processor a portfolio",
    )
    yield Figure(
        name="refresh",
        what=f"{many:,} portfolios, over {few:,}",
        value=median(more),
        unit="s",
        runs=tuple(more),
        reference=f"{few:,}, s",
        reference_value=median(seconds),
        ratio=median(more) / median(seconds),
        sense="at most",
        goal=5,
        goal_is_on="ratio",
    )
