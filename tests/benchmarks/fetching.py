"""A night with all its questions, against a provider that takes its time: by Yahoo's client, and by the bulk vendor."""

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.bench import Bench, processor_seconds
from benchmarks.exchange import Asked, Stocked, stocked
from benchmarks.figure import Figure, plain
from benchmarks.measuring import median
from benchmarks.tape import Tape

LATENCY = 50
"""Milliseconds for each answer."""
IN_FLIGHT = 10
SAMPLE = 300
"""Tickers that are asked for alone, to know what the client costs."""


def measure(bench: Bench) -> Iterator[Figure]:
    stock = stocked(bench)
    stock.exchange.slow_down(LATENCY)
    yield from _by_yahoo(bench, stock)
    yield from _by_massive(bench, stock)


def _by_yahoo(bench: Bench, stock: Stocked) -> Iterator[Figure]:
    seconds, bounds, afterwards, notes = [], [], [], []
    for _ in range(bench.size(2, 1)):
        alone = [_client(bench, stock)]
        busy = processor_seconds(stock.exchange)
        with bench.narrator.step("a night by Yahoo's client"):
            night, asked = _night(bench, stock, {"RISKSTREAM_PROVIDERS": "yahoo"})
        busy = processor_seconds(stock.exchange) - busy
        alone.append(_client(bench, stock))
        waiting, working = asked.total * LATENCY / 1000 / IN_FLIGHT, asked.total * median(alone)
        run = night["runs"][0]
        seconds.append(run["seconds"])
        bounds.append(max(waiting, working))
        afterwards.append(night["ended"] - asked.last_at - LATENCY / 1000)
        notes.append(
            f"last run: {asked.total:,} requests, {asked.most_in_flight} in flight; waiting {waiting:.1f} s, "
            f"the client's processor {working:.1f} s ({median(alone) * 1000:.1f} ms a ticker); "
            f"the night's {night['cpu_seconds']:.1f} s and {night['children_cpu_seconds']:.1f} s in "
            f"{len(night['children_peak_bytes'])} processes that ask, the exchange's {busy:.1f} s; "
            f"peak {night['peak_bytes'] / 1e6:.0f} MB and {sum(night['children_peak_bytes']) / 1e6:.0f} MB, "
            "what they share counted in each"
        )
    what = f"night of {run['counts']['active']:,} symbols by Yahoo's client, {LATENCY} ms an answer"
    yield Figure(
        name="fetching",
        what=what,
        value=median(seconds),
        unit="s",
        runs=tuple(seconds),
        reference=f"the longer of waiting {IN_FLIGHT} at a time and the client's own processor time, s",
        reference_value=median(bounds),
        ratio=median([night / bound for night, bound in zip(seconds, bounds, strict=True)]),
        sense="at most",
        goal=1.2,
        goal_is_on="ratio",
        note=notes[-1],
    )
    yield Figure(
        name="fetching",
        what="of it, after the last answer",
        value=median(afterwards),
        unit="s",
        runs=tuple(afterwards),
        sense="at most",
        goal=5,
        note=_steps(run),
    )


def _by_massive(bench: Bench, stock: Stocked) -> Iterator[Figure]:
    settings = {
        "RISKSTREAM_PROVIDERS": "massive",
        "RISKSTREAM_MASSIVE_URL": stock.exchange.url,
        "RISKSTREAM_MASSIVE_KEY": "benchmark",
    }
    with bench.narrator.step("a night by the bulk vendor alone"):
        night, asked = _night(bench, stock, settings)
    run = night["runs"][0]
    asked_for = ", ".join(f"{count} {endpoint}" for endpoint, count in sorted(asked.endpoints.items()))
    counts = run["counts"]
    yield Figure(
        name="fetching",
        what="requests for the day by the bulk vendor",
        value=asked.total,
        unit="",
        sense="at most",
        goal=200,
        note=f"{asked_for}; {counts['active'] - sum(counts['failures'].values()):,} of {counts['active']:,} priced, "
        f"{run['seconds']:.1f} s, {night['cpu_seconds']:.1f} s of it processor; {_steps(run)}",
    )


def _night(bench: Bench, stock: Stocked, settings: dict[str, str]) -> tuple[dict[str, Any], Asked]:
    with bench.database(stock.database) as database:
        environment = bench.environment(database, "symbol_batch") | {"RISKSTREAM_YAHOO_URL": stock.exchange.url}
        stock.exchange.forget()
        night = bench.run_program("benchmarks.fetching_process", environment=environment | settings)
        asked = stock.exchange.asked()
    [run] = night["runs"]
    if run["state"] != "completed":
        raise RuntimeError(f"the night ended {run['state']}: {run['reason']}; {run['counts']}")
    return night, asked


def _client(bench: Bench, stock: Stocked) -> float:
    symbols = Tape.read(stock.tape).symbols[:SAMPLE]
    with bench.narrator.step(f"the client alone, {len(symbols)} tickers"):
        alone = bench.run_program(
            "benchmarks.client_process",
            stock.exchange.url,
            str(stock.sessions[1]),
            given=json.dumps(symbols).encode(),
        )
    return float(alone["cpu_seconds"])


def _steps(run: dict[str, Any]) -> str:
    shown = [f"{step['name']} {plain(step['seconds'])}" for step in run["steps"] if step["seconds"] > 0.01]
    return f"steps: {', '.join(shown)}"
