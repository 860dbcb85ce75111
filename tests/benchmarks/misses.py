"""An answer that nobody has asked for before: book, edition, measure, Redis; and what it does to others."""

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.load import Stream
from benchmarks.measuring import median, quantile
from benchmarks.questions import POSITIONS, WatchedAnalytics, load, requests, serving, valued

HITS = 300.0
MISSES = 10.0


def measure(bench: Bench) -> Iterator[Figure]:
    portfolio_count, runs, seconds = 400, bench.size(3, 1), bench.size(15, 4)
    lags_file = bench.folder / "lags.json"
    with bench.database() as database:
        portfolios = valued(bench, database, portfolio_count)
        analytics = WatchedAnalytics(lambda: bench.environment(database, "analytics"), [str(lags_file)])
        new = _new_questions(bench, portfolios)
        hits = requests(bench, portfolios[:200], "overview")
        windows: list[tuple[float, float]] = []
        alone, among, hit = [], [], []
        with serving(analytics):
            # The edition is loaded with the first question after a start: not a miss's time.
            load(bench, analytics, 5, Stream("first", list(itertools.islice(new, 20)), repeat=False), connections=1)
            load(bench, analytics, 5, Stream("hit", hits, repeat=False))
            for run in range(runs):
                with bench.narrator.step("misses alone, then misses among hits"):
                    stream = Stream("miss", list(itertools.islice(new, 300)), repeat=False)
                    result = load(bench, analytics, 30, stream, connections=1)
                    alone.append(quantile(result["streams"][0]["latencies"], 0.99) * 1000)
                    began = time.monotonic()
                    mixed = load(
                        bench,
                        analytics,
                        seconds,
                        Stream("hit", hits, rate=HITS),
                        Stream("miss", list(itertools.islice(new, int(MISSES * seconds))), rate=MISSES, repeat=False),
                        seed=run,
                    )
                    windows.append((began, time.monotonic()))
                    hit.append(quantile(mixed["streams"][0]["latencies"], 0.99) * 1000)
                    among.append(quantile(mixed["streams"][1]["latencies"], 0.99) * 1000)
            analytics.stop()
    lags = [_lag(lags_file, window) for window in windows]
    yield Figure(
        name="misses",
        what=f"p99 of a miss, {POSITIONS} positions",
        value=median(alone),
        unit="ms",
        runs=tuple(alone),
        sense="at most",
        goal=25,
        note="one after the other; every one reads its book and computes, none is asked twice",
    )
    yield Figure(
        name="misses",
        what=f"p99 of the loop's lag under {HITS:.0f} hits and {MISSES:.0f} misses a second",
        value=median(lags),
        unit="ms",
        runs=tuple(lags),
        sense="at most",
        goal=20,
        note=f"p99 meanwhile: hit {median(hit):.1f} ms, miss {median(among):.1f} ms",
    )


def _new_questions(bench: Bench, portfolios: Sequence[tuple[UUID, str]]) -> Iterator[str]:
    """Requests of which no two have the same answer: exposures once a portfolio, then ever longer overviews."""
    yield from requests(bench, portfolios, "factor-exposures")
    for top in itertools.chain(range(10), range(11, 100)):
        yield from requests(bench, portfolios, f"overview?top={top}")


def _lag(file: Path, window: tuple[float, float]) -> float:
    began, ended = window
    return quantile([lag for at, lag in json.loads(file.read_text())["lags"] if began <= at <= ended], 0.99) * 1000
