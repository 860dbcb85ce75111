"""Valued portfolios in a copy of the database, real processes that answer about them, and requests to send."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

from benchmarks.bench import Bench, Module
from benchmarks.crowd import Crowd
from benchmarks.load import Plan, Stream, request
from local_stack.database import Database
from local_stack.programs import Program
from portfolio_refresh.folding import Folding
from portfolio_refresh.schema import SCHEMA
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox

POSITIONS = 100
OWNERS = 50


class BareRoute(Module):
    """See `bare_route`; its argument is the length of its answer."""

    name = "bare-route"
    module = "benchmarks.bare_route"


class WatchedAnalytics(Module):
    """See `analytics_process`; its argument is the file for the loop's lags."""

    name = "analytics"
    module = "benchmarks.analytics_process"


def valued(
    bench: Bench, database: Database, count: int, positions: int = POSITIONS, holed: float | None = None
) -> list[tuple[UUID, str]]:
    """Portfolios folded to the current edition; `holed` as in `Crowd.add`."""
    with bench.narrator.step(f"{count:,} valued portfolios of {positions:,} positions"):
        crowd = Crowd(database, bench.market, bench.servers.kafka.address, seed=2 * positions + (holed is None))
        portfolios = crowd.add(count, positions, OWNERS, holed)
        asyncio.run(_fold(database, [portfolio for portfolio, _ in portfolios]))
    return portfolios


async def _fold(database: Database, portfolios: Sequence[UUID]) -> None:
    engine = create_engine(database.dsns["portfolio_refresh"], application="benchmark")
    try:
        result = await Folding(engine, Outbox(SCHEMA, "/services/portfolio-refresh")).fold(portfolios, "night")
        assert len(result.folded) == len(portfolios), "every portfolio should have been folded"
    finally:
        await engine.dispose()


@contextmanager
def serving(*programs: Program) -> Iterator[None]:
    """Run the programs while the block lasts."""
    try:
        for program in programs:
            program.start()
        yield
    finally:
        for program in programs:
            program.close()


def requests(bench: Bench, portfolios: Sequence[tuple[UUID, str]], measure: str, body: str | None = None) -> list[str]:
    """One request for each portfolio, by its owner; with a body a POST."""
    tokens = {owner: bench.issuer.token(owner) for _, owner in portfolios}
    return [
        request(f"/api/v1/analytics/portfolio/{portfolio}/{measure}", tokens[owner], body)
        for portfolio, owner in portfolios
    ]


def load(bench: Bench, program: Program, seconds: float, *streams: Stream, connections: int = 16, seed: int = 1) -> Any:
    """Send the streams to the program from a process of their own; RuntimeError where an answer was refused."""
    plan = Plan(program.port, seconds, list(streams), connections, seed)
    result = bench.run_program("benchmarks.load", given=json.dumps(asdict(plan)).encode())
    for stream in result["streams"]:
        if stream["refused"]:
            raise RuntimeError(f"{stream['refused']} requests of {stream['name']} were refused: {stream['example']}")
    return result
