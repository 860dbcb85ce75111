"""The process itself, started by its own command."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from local_stack.database import Database
from local_stack.folders import PROJECT
from local_stack.issuer import Issuer
from local_stack.kafka import KafkaServer
from local_stack.ports import free_port
from local_stack.valkey import ValkeyServer
from riskstream.events.envelope import Envelope
from riskstream.events.portfolio import PortfolioRefreshed
from riskstream.messaging.producer import DisposableProducer, KafkaRecord
from riskstream.messaging.timing import RelayTiming
from riskstream.messaging.topics import create_topics
from riskstream.runtime.trace_export import FLUSH_SECONDS

MONDAY = date(2024, 12, 16)


@dataclass
class Running:
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 20)


@asynccontextmanager
async def _running(environment: dict[str, str]) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "analytics.main",
        env={**os.environ, **environment, "RISKSTREAM_HTTP_PORT": "0", "RISKSTREAM_PROBE_INTERVAL": "0.1"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            while True:
                line = await process.stderr.readline()
                assert line, "the process ended before it listened"
                said = json.loads(line)
                if said["event"] == "listening":
                    break
        reading = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient(base_url=f"http://{said['host']}:{said['port']}") as client:
            yield Running(process, client)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    await reading


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "keys")


@pytest.fixture
def environment(database: Database, valkey_server: ValkeyServer, issuer: Issuer) -> dict[str, str]:
    """Kafka is not there: it makes answers fast and nothing else."""
    return {
        **issuer.environment(),
        "RISKSTREAM_POSTGRES_DSN": database.dsns["analytics"],
        "RISKSTREAM_REDIS_URL": valkey_server.url,
        "RISKSTREAM_KAFKA": f"127.0.0.1:{free_port()}",
        "RISKSTREAM_START_PATIENCE": "0",
        "RISKSTREAM_CLOCK": "2024-12-16T22:00:00-05:00",
    }


async def _ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


async def _until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(200):
        if await _ready(client):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not ready after ten seconds")


async def test_it_serves_without_kafka_and_ends_in_order(
    world: Any, environment: dict[str, str], issuer: Issuer
) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    async with _running(environment) as running:
        await _until_ready(running.client)
        headers = {"Authorization": f"Bearer {issuer.token('ana')}"}
        bodies = [
            (await running.client.get(f"/api/v1/analytics/portfolio/{portfolio}/overview", headers=headers)).json()
            for _ in range(2)
        ]
        assert [(body["cache"], body["data"]["nav"]) for body in bodies] == [("miss", 5.0), ("process", 5.0)]
        assert bodies[0]["age"]["level"] == "fine"
        metrics = (await running.client.get("/metrics")).text
        assert 'riskstream_analytics_answers_total{layer="process",measure="overview"} 1.0' in metrics
        assert "riskstream_event_loop_lag_seconds_count" in metrics
        assert await running.stop() == 0


async def test_a_collector_of_traces_that_never_answers_slows_nothing_and_the_end_comes_in_time(
    world: Any, environment: dict[str, str], issuer: Issuer
) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    headers = {"Authorization": f"Bearer {issuer.token('ana')}"}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        async with _running({**environment, **told}) as running:
            await _until_ready(running.client)
            began = time.monotonic()
            for _ in range(100):
                answer = await running.client.get(
                    f"/api/v1/analytics/portfolio/{portfolio}/overview", headers=headers, timeout=5
                )
                assert answer.status_code == 200
            assert time.monotonic() - began < 5
            stopping = time.monotonic()
            assert await running.stop() == 0
            assert time.monotonic() - stopping < FLUSH_SECONDS + 5


async def test_an_event_from_kafka_has_the_new_answer_ready_before_it_is_asked_for(
    world: Any, environment: dict[str, str], issuer: Issuer, kafka_server: KafkaServer
) -> None:
    await create_topics(kafka_server.address, PROJECT / "deploy" / "topics.yaml", replication=1)
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    headers = {"Authorization": f"Bearer {issuer.token('ana')}"}
    async with _running({**environment, "RISKSTREAM_KAFKA": kafka_server.address}) as running:
        await _until_listening(running.client)
        await running.client.get(f"/api/v1/analytics/portfolio/{portfolio}/overview", headers=headers)
        valuation = await world.fold(portfolio, 1, MONDAY, cash=6.0)
        await _say(kafka_server, _refreshed(portfolio, valuation))
        await _until_warmed(running.client)
        body = (await running.client.get(f"/api/v1/analytics/portfolio/{portfolio}/overview", headers=headers)).json()
        assert (body["cache"], body["valuation"], body["data"]["nav"]) == ("process", 2, 6.0)
        assert await running.stop() == 0


async def _until_listening(client: httpx.AsyncClient) -> None:
    for _ in range(400):
        if (await client.get("/health/ready")).json()["parts"]["listener"]["listening"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not listening after twenty seconds")


async def _until_warmed(client: httpx.AsyncClient) -> None:
    for _ in range(400):
        if "riskstream_analytics_warmed_total 1.0" in (await client.get("/metrics")).text:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not warmed after twenty seconds")


def _refreshed(portfolio: UUID, valuation: int) -> Envelope[PortfolioRefreshed]:
    event = PortfolioRefreshed(
        portfolio=portfolio,
        owner="ana",
        valuation=valuation,
        portfolio_version=1,
        edition=1,
        from_session=MONDAY,
        to_session=MONDAY,
        cause="change",
    )
    return Envelope(
        id=uuid4(),
        source="/tests",
        type=event.type,
        time=datetime(2024, 12, 17, tzinfo=UTC),
        subject=event.key,
        event=event,
        correlation_id="tests",
    )


async def _say(kafka: KafkaServer, envelope: Envelope[PortfolioRefreshed]) -> None:
    producer = DisposableProducer(kafka.address, "tests", RelayTiming())
    record = KafkaRecord(
        topic=envelope.event.topic,
        key=envelope.subject.encode(),
        value=orjson.dumps(envelope.event.body()),
        headers=[(name, value.encode()) for name, value in envelope.headers().items()],
    )
    try:
        await producer.send([record])
    finally:
        await producer.close()


async def test_without_postgres_it_starts_lives_and_is_not_ready(environment: dict[str, str], issuer: Issuer) -> None:
    away = f"postgresql://analytics:x@127.0.0.1:{free_port()}/riskstream"
    async with _running({**environment, "RISKSTREAM_POSTGRES_DSN": away}) as running:
        assert not await _ready(running.client)
        assert (await running.client.get("/health/live")).status_code == 200
        reply = await running.client.get(
            "/api/v1/analytics/portfolio/00000000-0000-0000-0000-000000000001/overview",
            headers={"Authorization": f"Bearer {issuer.token('ana')}"},
        )
        assert reply.status_code == 503
        assert await running.stop() == 0


@pytest.mark.parametrize("missing", ["RISKSTREAM_POSTGRES_DSN", "RISKSTREAM_REDIS_URL", "RISKSTREAM_AUTH_ISSUER"])
async def test_a_missing_setting_is_named(environment: dict[str, str], missing: str) -> None:
    del environment[missing]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "analytics.main", env={"PATH": "", **environment}, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert f"{missing}: it is not set" in said.decode()
