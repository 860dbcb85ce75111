"""The process while its provider wants to be left alone."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from local_stack.issuer import Issuer
from local_stack.kafka import KafkaServer
from riskstream.messaging.topics import create_topics

TOPICS = Path(__file__).parents[4] / "deploy" / "topics.yaml"


def started(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [Path(sys.executable).parent / "symbol-batch", "serve"], env=environment, stdout=output, stderr=output
        )


def requests_of(exchange) -> int:
    return int(httpx.get(f"{exchange.url}/_simulator/requests", trust_env=False).json()["total"])


async def test_a_process_that_waits_out_a_pause_ends_within_seconds_on_sigterm(
    replica, database, exchange, kafka_server: KafkaServer, tmp_path: Path
) -> None:
    await create_topics(kafka_server.address, TOPICS)
    onlooker = replica()
    await onlooker.add(exchange.symbols)
    exchange.fault(kind="refuse", retry_after=600)
    environment = {
        "PATH": os.environ["PATH"],
        "RISKSTREAM_POSTGRES_DSN": database.dsns["symbol_batch"],
        "RISKSTREAM_KAFKA": kafka_server.address,
        "RISKSTREAM_YAHOO_URL": exchange.url,
        "RISKSTREAM_CLOCK": "2025-07-07T21:00:00-04:00",
        "RISKSTREAM_HTTP_PORT": "0",
        "RISKSTREAM_RECONCILE_SECONDS": "0.3",
        "RISKSTREAM_COMPANIES": "false",
        "RISKSTREAM_PROVIDER_PATIENCE": "1000",
        **Issuer(tmp_path / "issuer").environment(),
    }
    process = started(environment, tmp_path / "service.log")
    try:
        end = time.monotonic() + 60
        while not await onlooker.value("SELECT count(*) FROM symbols.provider_limits WHERE refused > 0"):
            assert time.monotonic() < end, (tmp_path / "service.log").read_text()
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)
        asked = requests_of(exchange)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        took = time.monotonic() - began
        print(f"ended {took:.1f} s after SIGTERM, in a pause of 600 s that it would have waited out; {asked} requests")
        assert took < 8
        assert asked <= 10
    finally:
        process.kill()
        process.wait()
