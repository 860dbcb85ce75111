"""The process as it is started: it migrates, serves, publishes what it said, and ends when it is told to."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from local_stack.issuer import Issuer
from local_stack.kafka import KafkaServer
from riskstream.messaging.topics import create_topics

TOPICS = Path(__file__).parents[3] / "deploy" / "topics.yaml"
POSITION = {"symbol": "SNDK", "quantity": "1", "entry_price": "1", "entry_date": "2024-01-02"}


async def start(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RISKSTREAM_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "onboarding.main",
        *arguments,
        env=inherited | environment,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
def issuer_of_tokens(tmp_path) -> Issuer:
    return Issuer(tmp_path / "issuer")


@pytest.fixture
async def service(
    database, kafka_server: KafkaServer, issuer_of_tokens
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The process and the address on which it says that it listens."""
    await create_topics(kafka_server.address, TOPICS)
    process = await start(
        RISKSTREAM_POSTGRES_DSN=database.dsns["onboarding"],
        RISKSTREAM_KAFKA=kafka_server.address,
        RISKSTREAM_HTTP_PORT="0",
        RISKSTREAM_VALUATION_WAIT_MS="0",
        RISKSTREAM_START_PATIENCE="0",
        RISKSTREAM_CLOCK="2024-12-16T12:00:00-05:00",
        **issuer_of_tokens.environment(),
    )
    try:
        yield process, await asyncio.wait_for(listening_address(process), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def listening_address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said = []
    async for line in process.stderr:
        said.append(line.decode())
        if line.startswith(b"{") and (event := json.loads(line))["event"] == "listening":
            return f"http://{event['host']}:{event['port']}"
    raise AssertionError("the process ended before it listened:\n" + "".join(said))


async def test_it_publishes_what_a_creation_said_and_stops_in_order(service, layer, issuer_of_tokens):
    process, address = service
    headers = {"Authorization": f"Bearer {issuer_of_tokens.token('ada')}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=20) as client:
        created = await client.post("/portfolios", json={"name": "Mine", "positions": [POSITION]})
        assert created.status_code == 201, created.text
        assert (await client.get("/health/ready")).status_code == 200
        metrics = await client.get("/metrics")
        async with asyncio.timeout(60):
            # Rows leave the outbox only after the broker acknowledged them.
            while await layer.count("outbox"):  # noqa: ASYNC110  # the other side is a database
                await asyncio.sleep(0.05)
    assert "outbox_rows{" in metrics.text
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_migrating_again_changes_nothing_and_without_an_address_it_says_what_is_missing(database):
    again = await start("migrate", RISKSTREAM_MIGRATOR_DSN=database.dsns["riskstream_migrator"])
    _, said = await asyncio.wait_for(again.communicate(), 60)
    assert again.returncode == 0, said.decode()
    lost = await start("migrate")
    _, said = await asyncio.wait_for(lost.communicate(), 60)
    assert (lost.returncode, b"RISKSTREAM_MIGRATOR_DSN" in said) == (2, True)
