"""An answer that is in memory, with token, ownership and version checked, against a bare route of the same worker."""

from collections.abc import Iterator

import httpx

from benchmarks.bench import Bench, processor_seconds
from benchmarks.figure import Figure
from benchmarks.load import Stream, request
from benchmarks.measuring import median, quantile
from benchmarks.questions import BareRoute, load, requests, serving, valued
from local_stack.programs import Analytics, Program

RATE = 300.0
CONNECTIONS = 16


def measure(bench: Bench) -> Iterator[Figure]:
    with bench.database() as database:
        portfolios = valued(bench, database, 200)
        asked = requests(bench, portfolios, "overview")
        analytics = Analytics(lambda: bench.environment(database, "analytics"))
        with serving(analytics):
            length = _length(bench, analytics, portfolios[0])
            bare = BareRoute(lambda: bench.environment(database, "analytics"), [str(length)])
            with serving(bare):
                yield from _compared(bench, analytics, Stream("hit", asked), bare, Stream("bare", [request("/bare")]))


def _length(bench: Bench, analytics: Program, portfolio: tuple[object, str]) -> int:
    answer = httpx.get(
        f"{analytics.url}/api/v1/analytics/portfolio/{portfolio[0]}/overview",
        headers={"Authorization": f"Bearer {bench.issuer.token(portfolio[1])}"},
        trust_env=False,
    )
    return len(answer.raise_for_status().content)


def _compared(bench: Bench, analytics: Program, hit: Stream, bare: Program, nothing: Stream) -> Iterator[Figure]:
    seconds = bench.size(4, 1)
    rates: dict[str, list[float]] = {"hit": [], "bare": []}
    slowest: dict[str, list[float]] = {"hit": [], "bare": []}
    busy: list[float] = []
    worked: dict[str, list[float]] = {"hit": [], "bare": []}
    load(bench, analytics, 2, hit)  # once through everything, so that all are hits
    for run in range(bench.size(5, 2)):
        with bench.narrator.step("as fast as it goes, and at 300 a second"):
            # In turns, so that what else the machine does meets both.
            for program, stream in ((bare, nothing), (analytics, hit)):
                before = processor_seconds(program)
                result = load(bench, program, seconds, stream, connections=CONNECTIONS)
                used = processor_seconds(program) - before
                worked[stream.name].append(used / result["streams"][0]["answered"] * 1e6)
                rates[stream.name].append(result["streams"][0]["answered"] / result["seconds"])
                if stream is nothing:
                    busy.append(result["busy"])
                paced = Stream(stream.name, stream.requests, rate=RATE)
                result = load(bench, program, seconds, paced, connections=CONNECTIONS, seed=run)
                slowest[stream.name].append(quantile(result["streams"][0]["latencies"], 0.99) * 1000)
    yield Figure(
        name="hits",
        what=f"hits a second on one worker, {CONNECTIONS} connections",
        value=median(rates["hit"]),
        unit="/s",
        runs=tuple(rates["hit"]),
        reference="bare FastAPI route, /s",
        reference_value=median(rates["bare"]),
        ratio=median(rates["hit"]) / median(rates["bare"]),
        sense="at least",
        goal=0.4,
        goal_is_on="ratio",
        note=f"processor of the worker a request: hit {median(worked['hit']):.0f} µs, bare "
        f"{median(worked['bare']):.0f} µs; the client was {median(busy):.0%} busy with the bare route: not the limit",
    )
    yield Figure(
        name="hits",
        what=f"p99 of a hit at {RATE:.0f} requests a second, beyond the bare route's",
        value=median(slowest["hit"]) - median(slowest["bare"]),
        unit="ms",
        runs=tuple(hit - bare for hit, bare in zip(slowest["hit"], slowest["bare"], strict=True)),
        reference="bare FastAPI route, ms",
        reference_value=median(slowest["bare"]),
        sense="at most",
        goal=3,
        note=f"p99 of a hit: {median(slowest['hit']):.2f} ms",
    )
