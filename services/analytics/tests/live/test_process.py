"""Live updates of the process itself: an event of Kafka is told, and SIGTERM ends the streams in order."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from local_stack.database import Database
from local_stack.issuer import Issuer
from local_stack.ports import free_port
from local_stack.valkey import ValkeyServer

MONDAY = date(2024, 12, 16)


@dataclass
class Running:
    process: asyncio.subprocess.Process
    base_url: str
    said: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def running(environment: dict[str, str]) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "analytics.main",
        env={**os.environ, **environment, "RISKSTREAM_HTTP_PORT": "0", "RISKSTREAM_LOG_LEVEL": "DEBUG"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        lines: list[bytes] = []
        async with asyncio.timeout(30):
            while True:
                line = await process.stderr.readline()
                assert line, b"".join(lines)
                lines.append(line)
                said = json.loads(line)
                if said["event"] == "listening":
                    break
        made = Running(process, f"http://{said['host']}:{said['port']}", lines)

        async def read() -> None:
            async for line in process.stderr or ():
                made.said.append(line)

        reading = asyncio.create_task(read())
        yield made
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    await reading


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "process keys")


@pytest.fixture
def environment(database: Database, valkey_server: ValkeyServer, issuer: Issuer) -> dict[str, str]:
    return {
        **issuer.environment(),
        "RISKSTREAM_POSTGRES_DSN": database.dsns["analytics"],
        "RISKSTREAM_REDIS_URL": valkey_server.url,
        "RISKSTREAM_KAFKA": f"127.0.0.1:{free_port()}",
        "RISKSTREAM_CLOCK": "2024-12-16T22:00:00-05:00",
        "RISKSTREAM_LIVE_POLL_SECONDS": "0.1",
    }


async def _listened(base_url: str, path: str, headers: dict[str, str]) -> tuple[list[str], asyncio.Task[None]]:
    """The lines of a stream as they come, once the first status was told."""
    lines: list[str] = []
    begun = asyncio.Event()

    async def listen() -> None:
        async with (
            httpx.AsyncClient(base_url=base_url, timeout=20, trust_env=False) as client,
            client.stream("GET", path, headers=headers) as answer,
        ):
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                lines.append(line)
                if line == "event: status":
                    begun.set()

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(begun.wait(), 20)
    return lines, listening


async def test_sigterm_ends_the_streams_in_order_and_what_was_missed_is_told_by_the_next_process(
    world: Any, environment: dict[str, str], issuer: Issuer
) -> None:
    await world.edition(1, MONDAY)
    portfolio: UUID = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    bearer = {"Authorization": f"Bearer {issuer.token('ana')}"}
    path = f"/api/v1/analytics/portfolio/{portfolio}/events"
    async with running(environment) as first:
        async with httpx.AsyncClient(base_url=first.base_url, trust_env=False) as client:
            answer = await client.post("/api/v1/analytics/tickets", json={"portfolio": str(portfolio)}, headers=bearer)
            sold = answer.json()
            streams = [
                await _listened(first.base_url, path, bearer),
                await _listened(first.base_url, sold["stream"], {}),
            ]
            await world.fold(portfolio, 1, MONDAY, cash=6.0)
            async with asyncio.timeout(20):
                while not all("id: 2" in lines for lines, _ in streams):  # noqa: ASYNC110  # another process
                    await asyncio.sleep(0.01)
            metrics = (await client.get("/metrics")).text
        assert "riskstream_http_event_streams 2.0" in metrics
        assert "analytics_live_portfolios 1.0" in metrics
        assert 'riskstream_analytics_live_events_total{event="refreshed"} 4.0' in metrics
        assert sold["ticket"] not in metrics

        first.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(first.process.wait(), 20) == 0
        for lines, listening in streams:
            await asyncio.wait_for(listening, 5)  # whole: a torn stream would be an error of the client's
            assert "event: interrupted" in lines
            assert '"stopping"' in "".join(lines)
    # At the lowest level there is: what was asked for is not written down.
    assert sold["ticket"] not in b"".join(first.said).decode()

    await world.fold(portfolio, 1, MONDAY, cash=7.0)
    async with running(environment) as second:
        lines, listening = await _listened(second.base_url, path, bearer | {"Last-Event-ID": "2"})
        assert [line for line in lines if line.startswith("id: ")] == ["id: 3"]
        listening.cancel()
        await asyncio.wait({listening})
