"""Files of ten thousand rows checked by a real process: from the request to the whole report of a dry run."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import httpx

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.market import Market
from benchmarks.measuring import median, timed
from benchmarks.questions import serving
from local_stack.programs import Onboarding

OURS = "Symbol,Quantity,Entry Price Per Share,Entry Date"
SCHWAB = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount"
GOAL = 2.0
SYMBOLS = 200


def measure(bench: Bench) -> Iterator[Figure]:
    rows, runs = bench.size(10_000, 1_000), bench.size(15, 3)
    today = bench.market.clock().today()
    with bench.database() as database:
        service = Onboarding(lambda: bench.environment(database, "onboarding"))
        with serving(service), _client(service.url, bench.issuer.token("importer")) as client:
            for kind, content in files(bench.market, rows).items():
                with bench.narrator.step(f"{rows:,} rows, {kind}, {runs} times"):
                    _check(client, content, rows)
                    seconds = timed(lambda content=content: _check(client, content, rows), runs)  # type: ignore[misc]
                    arguments = (str(today), str(rows), str(runs))
                    reading = bench.run_program("benchmarks.import_process", *arguments, given=content)
                yield _figure(f"CSV of {rows:,} rows checked over HTTP: {kind}", seconds, reading)


def files(market: Market, rows: int) -> Mapping[str, bytes]:
    """By what is in them: lots of ours, a broker's trades that are matched into lots, and an error in every row."""
    symbols = market.symbols[:SYMBOLS]
    ours = (f"{symbols[n % SYMBOLS]},{1 + n % 90},{5 + n % 400}.25,2024-01-{1 + n % 28:02}" for n in range(rows))
    first = market.first - timedelta(days=rows // 20 + 1)
    trades = (
        f"{first + timedelta(days=n // 20):%m/%d/%Y},{'Sell' if n % 3 == 2 else 'Buy'},{symbols[n // 3 % SYMBOLS]},"
        f'NAME,{1 + n % 3 % 2},"$1,{n % 900:03}.50",$0.65,'
        for n in range(rows)
    )
    wrong = (f"{symbols[n % SYMBOLS]},ten,-{n},16.1.2024" for n in range(rows))
    return {
        "lots": "\n".join([OURS, *ours]).encode(),
        "a broker's trades": "\n".join([SCHWAB, *trades]).encode(),
        "three errors a row": "\n".join([OURS, *wrong]).encode(),
    }


def _figure(what: str, seconds: Sequence[float], reading: Sequence[float]) -> Figure:
    return Figure(
        name="imports",
        what=what,
        value=median(seconds),
        unit="s",
        runs=tuple(seconds),
        sense="at most",
        goal=GOAL,
        note=f"longest {max(seconds):.2f} s; of the median {median(reading):.2f} s are reading, the rest answering",
    )


def _client(url: str, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)


def _check(client: httpx.Client, content: bytes, rows: int) -> None:
    answer = client.post("/portfolios/import", params={"name": "checked", "dry_run": "true"}, content=content)
    answer.raise_for_status()
    assert answer.json()["report"]["rows"] == rows, "every row should have been looked at"
