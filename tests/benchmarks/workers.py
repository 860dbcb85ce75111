"""Two worker processes against one: do they share the chunks, and what does sharing cost."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.crowd import Crowd
from benchmarks.figure import Figure
from benchmarks.measuring import median
from benchmarks.refresh import POSITIONS
from benchmarks.refresh_runs import Refreshed, refresh, workers


def measure(bench: Bench) -> Iterator[Figure]:
    portfolios = bench.size(20_000, 2_000)
    nights = iter(bench.market.nights)
    runs = bench.size(3, 1)
    with bench.database() as database:
        crowd = Crowd(database, bench.market, bench.servers.kafka.address)
        with workers(bench, database, 1) as processes:
            with bench.narrator.step(f"{portfolios:,} portfolios and their first session"):
                crowd.add(portfolios, POSITIONS)
                refresh(crowd, database, bench.market.first, processes)
            with bench.narrator.step(f"{runs} sessions with one worker"):
                alone = [refresh(crowd, database, next(nights), processes) for _ in range(runs)]
        with workers(bench, database, 2) as processes, bench.narrator.step(f"{runs} sessions with two workers"):
            together = [refresh(crowd, database, next(nights), processes) for _ in range(runs)]
    twice = [run.handled - sum(run.chunks) + run.lost + run.folded - run.portfolios for run in together]
    yield Figure(
        name="workers",
        what=f"two workers, {portfolios:,} portfolios: chunks or portfolios worked twice",
        value=max(twice),
        unit="",
        runs=tuple(twice),
        sense="at most",
        goal=0,
    )
    shares = [min(run.chunks) / sum(run.chunks) * 100 if len(run.chunks) == 2 else 0.0 for run in together]
    yield Figure(
        name="workers",
        what="the smaller share of the chunks, least of all runs (the other is what is left of 100)",
        value=min(shares),
        unit="%",
        runs=tuple(shares),
        sense="at least",
        goal=30,
    )
    yield Figure(
        name="workers",
        what="processor a portfolio, two workers over one",
        value=_cpu(together),
        unit="µs",
        runs=tuple(run.cpu_seconds / run.portfolios * 1e6 for run in together),
        reference="one worker, µs",
        reference_value=_cpu(alone),
        ratio=_cpu(together) / _cpu(alone),
        sense="at most",
        goal=1.15,
        goal_is_on="ratio",
        note=f"{_seconds(alone):.2f} s with one, {_seconds(together):.2f} s with two, Postgres on the same cores",
    )


def _cpu(runs: list[Refreshed]) -> float:
    return median([run.cpu_seconds / run.portfolios * 1e6 for run in runs])


def _seconds(runs: list[Refreshed]) -> float:
    return median([run.seconds for run in runs])
