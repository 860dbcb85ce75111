"""Two processes, the real client, real requests: what the simulator allows is found, and its pauses are kept.

How few refusals there are in an hour is asserted in virtual time, beside the pacing; here a probe more or less counts.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

ALLOWED = 20.0
TIMES = 10.0
"""Time runs so many times as fast for the pacing: what it takes for 2 requests a second, in a tenth of the time."""
WARM_UP, MEASURED = 20.0, 20.0


@contextmanager
def two_processes(database, exchange, tmp_path: Path, times: float) -> Iterator[list[float]]:
    """They ask while the block runs. Gives the seconds that each took to end on SIGTERM, once it has ended."""
    environment = {
        "PATH": os.environ["PATH"],
        "RISKSTREAM_POSTGRES_DSN": database.dsns["symbol_batch"],
        "RISKSTREAM_YAHOO_URL": exchange.url,
        "RISKSTREAM_CLOCK": "2025-07-07T21:00:00-04:00",
    }
    script = Path(__file__).with_name("process_that_asks.py")
    with (tmp_path / "asking.log").open("wb") as log:
        running = [
            subprocess.Popen(
                [sys.executable, script, str(times), *exchange.symbols], env=environment, stdout=log, stderr=log
            )
            for _ in range(2)
        ]
        took: list[float] = []
        try:
            yield took
            for process in running:
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=20)
                took.append(time.monotonic() - began)
        finally:
            for process in running:
                process.kill()
                process.wait()


def first_refusals(exchange) -> list[float]:
    """When the exchange began to refuse, each time: what is refused within a second after was on its way."""
    refusals = [request["at"] for request in charts(exchange) if request["status"] == 429]
    return [at for at, before in zip(refusals, [-60.0, *refusals], strict=False) if at - before > 1.0]


def charts(exchange) -> list[dict[str, Any]]:
    asked = httpx.get(f"{exchange.url}/_simulator/requests", trust_env=False).json()["requests"]
    return [request for request in asked if request["endpoint"] == "chart"]


async def answers_begin(exchange) -> None:
    while not charts(exchange):  # noqa: ASYNC110  # another process's requests
        await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_two_processes_find_what_is_allowed_with_hardly_a_refusal(database, exchange, tmp_path) -> None:
    exchange.fault(kind="limit", per_second=ALLOWED)
    with two_processes(database, exchange, tmp_path, TIMES) as took:
        await answers_begin(exchange)
        await asyncio.sleep(WARM_UP)
        exchange.forget_requests()
        await asyncio.sleep(MEASURED)
        asked = charts(exchange)
    refused = sum(request["status"] == 429 for request in asked)
    connection = await asyncpg.connect(database.superuser_dsn)
    learned = await connection.fetchrow("SELECT rate, answered, refused FROM symbols.provider_limits")
    await connection.close()
    print(
        f"{ALLOWED:g}/s allowed, two processes: {(len(asked) - refused) / MEASURED:.1f}/s answered and {refused} of "
        f"{len(asked)} refused after {WARM_UP:g} s; in all {learned['refused']} of {learned['answered']}; "
        f"ended within {max(took):.1f} s"
    )
    assert (len(asked) - refused) / MEASURED > 0.75 * ALLOWED
    assert refused < 0.02 * len(asked)
    assert max(took) < 10


@pytest.mark.slow
async def test_no_request_arrives_between_a_refusal_and_the_end_of_what_it_asked_for(
    database, exchange, tmp_path
) -> None:
    exchange.fault(kind="limit", per_second=5, retry_after=4)
    with two_processes(database, exchange, tmp_path, 1.0):
        await answers_begin(exchange)
        async with asyncio.timeout(90.0):
            while len(first_refusals(exchange)) < 2:  # noqa: ASYNC110  # another process counts them
                await asyncio.sleep(1.0)
        await asyncio.sleep(5.0)  # the pause after the second one
        asked = charts(exchange)
    refusals = [request["at"] for request in asked if request["status"] == 429]
    first = first_refusals(exchange)
    early = [request["at"] for request in asked for at in first if at + 0.5 < request["at"] < at + 4.0]
    print(f"{len(asked)} requests, {len(refusals)} refused in {len(first)} goes, {len(early)} in a pause")
    assert early == []
