"""The process as it is started in production: its own entry point, over Kafka and Postgres."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from local_stack.issuer import Issuer
from local_stack.kafka import KafkaServer
from riskstream.database.engine import create_engine
from riskstream.events.symbol import SymbolRequested
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.topics import create_topics

TOPICS = Path(__file__).parents[4] / "deploy" / "topics.yaml"
MONDAY = date(2025, 7, 7)


class Process:
    """`symbol-batch serve` in a process of its own."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [Path(sys.executable).parent / "symbol-batch", "serve"],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """Stop it as an orchestrator does; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()


async def eventually(what: str, check: Callable, seconds: float = 60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await check():
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


async def say_as_onboarding(database, kafka: str, symbol: str) -> None:
    """Ask for a symbol the way another service does: through its outbox and relay."""
    engine = create_engine(database.dsns["onboarding"], application="test")
    try:
        async with engine.begin() as connection:
            await Outbox("portfolios", "/services/onboarding").publish(connection, [SymbolRequested(symbol=symbol)])
        relay = Relay(engine, "portfolios", kafka, "test-relay")
        running = asyncio.create_task(relay.run())
        async with asyncio.timeout(30):
            while True:
                async with engine.connect() as connection:
                    left = await connection.exec_driver_sql("SELECT count(*) FROM portfolios.outbox")
                    if left.scalar_one() == 0:
                        break
                await asyncio.sleep(0.05)
        relay.stop()
        await running
    finally:
        await engine.dispose()


@pytest.mark.parametrize("crash_at", ["night.after_chunk:2", "night.before_publish_commit"])
async def test_a_process_killed_in_its_night_is_resumed_answers_requests_and_ends_on_sigterm(
    replica, database, exchange, kafka_server: KafkaServer, tmp_path: Path, crash_at: str
) -> None:
    await create_topics(kafka_server.address, TOPICS)
    onlooker = replica()
    onlooker.clock.move_to_night_of(MONDAY)
    stranger = [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][8]
    await onlooker.add([symbol for symbol in exchange.symbols if symbol != stranger])
    environment = {
        "RISKSTREAM_POSTGRES_DSN": database.dsns["symbol_batch"],
        "RISKSTREAM_KAFKA": kafka_server.address,
        "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
        "RISKSTREAM_YAHOO_URL": exchange.url,
        "RISKSTREAM_CLOCK": "2025-07-07T21:00:00-04:00",
        "RISKSTREAM_HISTORY_FROM": "2024-09-03",
        "RISKSTREAM_HTTP_PORT": "0",
        "RISKSTREAM_LEASE_SECONDS": "1.5",
        "RISKSTREAM_RECONCILE_SECONDS": "0.3",
        "RISKSTREAM_REQUEST_POLL_SECONDS": "0.2",
        "RISKSTREAM_CHUNK_SYMBOLS": "8",
        **Issuer(tmp_path / "issuer").environment(),
    }
    first = Process(tmp_path / "first.log", environment | {"RISKSTREAM_CRASH_AT": crash_at})

    async def died() -> bool:
        return first.exit_code is not None

    await eventually("the crash", died)
    assert first.exit_code == 137
    assert await onlooker.value("SELECT count(*) FROM symbols.editions") == 0

    second = Process(tmp_path / "second.log", environment)
    try:
        await eventually("the edition", lambda: onlooker.value("SELECT edition FROM symbols.current_edition"))
        assert await onlooker.value("SELECT attempt FROM symbols.batch_runs") == 2
        await say_as_onboarding(database, kafka_server.address, stranger)
        await eventually(
            "the stranger in the edition",
            lambda: onlooker.value("SELECT 1 FROM symbols.symbol_daily_metrics WHERE symbol = $1", stranger),
        )

        async def all_said() -> bool:
            return not await onlooker.value("SELECT count(*) FROM symbols.outbox")

        await eventually("an empty outbox", all_said)
        assert second.terminate() == 0
    finally:
        second.kill()
