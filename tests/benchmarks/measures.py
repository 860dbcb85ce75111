"""Every measure, asked for the first time, of books of 100 and of 1,000 positions among 10,000 portfolios."""

import json
from collections.abc import Iterator, Sequence
from uuid import UUID

import orjson

from analytics.measures import MEASURES
from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.load import Stream
from benchmarks.measuring import median, quantile
from benchmarks.questions import WatchedAnalytics, load, requests, serving, valued

FROM_THE_PAST = ("correlation-matrix", "performance", "historical-replay", "attribution")
"""Those that read or compare long series."""
SIZES = (100, 1_000)
ASKED = 200
"""Books of each size. Of fewer than a hundred answers the 99th percentile is the longest, which is the machine's."""
HOLED = 0.01
"""Of recorded prices, 392 symbols over six years, at most this share lacks a close of the last 252 sessions. The market
here is more ragged by far, which costs `diversification` most: beside it in a note."""


def measure(bench: Bench) -> Iterator[Figure]:
    asked = bench.size(ASKED, 8)
    with bench.database() as database:
        crowd = valued(bench, database, bench.size(9_880, 500), positions=2)
        books = {positions: valued(bench, database, asked, positions, HOLED) for positions in SIZES}
        ragged = valued(bench, database, bench.size(60, 8), SIZES[-1])
        watched = bench.folder / "measures.json"
        analytics = WatchedAnalytics(lambda: bench.environment(database, "analytics"), [str(watched)])
        with serving(analytics):
            first = Stream("first", requests(bench, crowd[:20], "overview"), repeat=False)
            load(bench, analytics, 30, first, connections=1)
            for positions, portfolios in books.items():
                with bench.narrator.step(f"every measure of {asked} books of {positions:,} positions"):
                    took = {name: _first_answers(bench, analytics, portfolios, name) for name in MEASURES}
                note = ""
                if positions == SIZES[-1]:
                    slow = _first_answers(bench, analytics, ragged, "diversification")
                    note = (
                        f"; diversification of books with {bench.market.holed.mean():.0%} of their symbols holed:"
                        f" median {median(slow):.1f}, p99 {quantile(slow, 0.99):.1f}"
                    )
                yield from _figures(took, positions, note)
            with bench.narrator.step(f"the risk of {len(crowd):,} portfolios, once each"):
                everybody = Stream("everybody", requests(bench, crowd, "risk"), repeat=False)
                once = load(bench, analytics, 60, everybody)["streams"][0]["latencies"]
            analytics.stop()
    yield Figure(
        name="measures",
        what=f"p99.9 of {len(crowd):,} portfolios asked once each",
        value=quantile(once, 0.999) * 1000,
        unit="ms",
        sense="at most",
        goal=250,
        note=f"risk, 16 connections; median {median(once) * 1000:.1f} ms, longest {max(once) * 1000:.0f} ms",
    )
    yield Figure(
        name="measures",
        what="peak memory of analytics, 5,000 symbols",
        value=json.loads(watched.read_text())["peak_bytes"] / 1e6,
        unit="MB",
        sense="at most",
        goal=400,
        note="one edition read whole, with a year of returns and residuals",
    )


def _first_answers(
    bench: Bench, analytics: WatchedAnalytics, portfolios: Sequence[tuple[UUID, str]], name: str
) -> list[float]:
    """Milliseconds of each portfolio's first answer, one after the other."""
    body = None
    if name == "what-if":
        body = orjson.dumps({"trades": [{"symbol": symbol, "quantity": 10} for symbol in ("SPY", "TLT")]}).decode()
    stream = Stream(name, requests(bench, portfolios, name, body), repeat=False)
    result = load(bench, analytics, 60, stream, connections=1)
    return [seconds * 1000 for seconds in result["streams"][0]["latencies"]]


def _figures(took: dict[str, list[float]], positions: int, holed: str) -> Iterator[Figure]:
    """The slowest measure of each kind, and what-if by itself; `holed` is what the first kind's note ends with."""
    kinds = {
        "any measure but those of the past": ([n for n in took if n not in (*FROM_THE_PAST, "what-if")], 25),
        "the measures of the past": ([n for n in took if n in FROM_THE_PAST], 60),
        "what-if": (["what-if"], 25),
    }
    for kind, (names, goal) in kinds.items():
        slowest = max(names, key=lambda name: quantile(took[name], 0.99), default=None)
        if slowest is None:
            continue
        yield Figure(
            name="measures",
            what=f"p99 of a miss, {positions:,} positions: {kind}",
            value=quantile(took[slowest], 0.99),
            unit="ms",
            runs=tuple(took[slowest]),
            sense="at most",
            goal=goal,
            note=f"the slowest, {slowest}; medians: "
            + ", ".join(f"{name} {median(took[name]):.1f}" for name in names)
            + (holed if "diversification" in names else ""),
        )
