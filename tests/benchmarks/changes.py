"""What a person waits for on an idle system: a file until its analytics, an edit until the answer that has it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.bench import Bench
from benchmarks.crowd import Crowd
from benchmarks.figure import Figure
from benchmarks.market import Market
from benchmarks.measuring import median, quantile
from benchmarks.people import Person, person, system
from benchmarks.refresh_runs import refresh

LOTS = 20
_WARMING = 5


@dataclass(frozen=True)
class Wait:
    """Of one change, in seconds from its request's first byte."""

    answered: float
    """Onboarding had answered."""
    fresh: float
    """Analytics had answered with it."""


def measure(bench: Bench) -> Iterator[Figure]:
    count = bench.size(250, 20)
    random = np.random.default_rng(3)
    with bench.database() as database, system(bench, database) as processes:
        with bench.narrator.step("1,000 portfolios of others"):
            crowd = Crowd(database, bench.market, bench.servers.kafka.address)
            crowd.add(1_000, LOTS)
            refresh(crowd, database, bench.market.first, processes.refreshing)
        with person(bench, "ada", processes) as ada:
            with bench.narrator.step(f"{count} files of {LOTS} known symbols"):
                created = [_create(ada, bench.market, random, number) for number in range(count + _WARMING)]
            files = [wait for _, wait in created[_WARMING:]]
            with bench.narrator.step(f"{count} edits of a lot"):
                edits = [_edit(ada, portfolio) for portfolio, _ in created][_WARMING:]
    yield _figure(f"CSV of {LOTS} known symbols until the analytics answer that contains it, p99", files)
    yield _figure("one edit until the fresh answer, p99", edits)


def _create(ada: Person, market: Market, random: np.random.Generator, number: int) -> tuple[str, Wait]:
    last = market.closes[market.sessions.index(market.first)]
    chosen = random.choice(np.flatnonzero(np.isfinite(last)), LOTS, replace=False).tolist()
    lines = [f"{market.symbols[symbol]},{symbol + 1},{last[symbol]:.2f},{market.first}" for symbol in chosen]
    content = "\n".join(["Symbol,Quantity,Entry Price Per Share,Entry Date", *lines])
    began = time.perf_counter()
    answer = ada.onboarding.post(
        "/portfolios/import",
        params={"name": f"file {number}"},
        content=content,
        headers={"Content-Type": "text/csv"},
    )
    answered = time.perf_counter() - began
    portfolio = answer.raise_for_status().json()["portfolio_id"]
    body = ada.fresh_overview(portfolio, version=1)
    fresh = time.perf_counter() - began
    if body["data"]["positions"] != LOTS:
        raise RuntimeError(f"the answer has {body['data']['positions']} positions, the file {LOTS}")
    return portfolio, Wait(answered, fresh)


def _edit(ada: Person, portfolio: str) -> Wait:
    """Change a lot's quantity; the answer must have it."""
    lot = ada.onboarding.get(f"/portfolios/{portfolio}/lots", params={"limit": 1}).raise_for_status().json()["lots"][0]
    found = ada.onboarding.get(f"/portfolios/{portfolio}/lots/{lot['position_id']}").raise_for_status()
    quantity = float(lot["quantity"]) + 1
    began = time.perf_counter()
    answer = ada.onboarding.patch(
        f"/portfolios/{portfolio}/lots/{lot['position_id']}",
        json={"quantity": str(quantity)},
        headers={"If-Match": found.headers["ETag"]},
    )
    answered = time.perf_counter() - began
    body = ada.fresh_overview(portfolio, answer.raise_for_status().json()["version"])
    fresh = time.perf_counter() - began
    line = next(line for line in body["data"]["top_positions"] if line["position_id"] == lot["position_id"])
    if line["quantity"] != quantity:
        raise RuntimeError(f"the answer has {line['quantity']} of {line['symbol']}, the edit {quantity}")
    return Wait(answered, fresh)


def _figure(what: str, waits: Sequence[Wait]) -> Figure:
    seconds = [wait.fresh for wait in waits]
    answered = median([wait.answered for wait in waits])
    return Figure(
        name="changes",
        what=what,
        value=quantile(seconds, 0.99) * 1000,
        unit="ms",
        runs=tuple(second * 1000 for second in seconds),
        sense="at most",
        goal=500,
        note=f"{len(waits)} one after the other: median {median(seconds) * 1000:.0f} ms, of which onboarding's answer "
        f"{answered * 1000:.0f} ms; longest {max(seconds) * 1000:.0f} ms",
    )
