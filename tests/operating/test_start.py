"""Services that are started before their servers: up at once, alive, unready with the reason, well when these come."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaos.system.processes import until
from local_stack.database import Database, prepare_database
from local_stack.issuer import Issuer
from local_stack.ports import free_port
from local_stack.process import Process
from local_stack.programs import Analytics, Onboarding, PortfolioRefresh, Program, SymbolBatch
from local_stack.system import TOPICS_FILE
from own_system.servers import OwnServers, own_servers
from riskstream.messaging.topics import create_topics
from riskstream.runtime.clock import Clock

SERVICES = (SymbolBatch, PortfolioRefresh, Onboarding, Analytics)


@dataclass
class Started:
    """A process of a service, whether it is ready or not."""

    name: str
    port: int
    process: Process

    def ask(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10, trust_env=False)

    def answers(self) -> bool:
        assert self.process.exit_code is None, self.process.tail()
        try:
            return self.ask("/health/live").status_code == 200
        except httpx.TransportError:
            return False

    def parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = self.ask("/health/ready").json()["parts"]
        return parts

    def is_ready(self) -> bool:
        assert self.process.exit_code is None, self.process.tail()
        return self.ask("/health/ready").status_code == 200


@pytest.fixture
def servers() -> Iterator[tuple[OwnServers, Database]]:
    """Servers that were set up once and are stopped."""
    with own_servers(with_files=True) as own:
        database = asyncio.run(prepare_database(own.postgres.dsn(), "start", Clock()))
        asyncio.run(create_topics(own.kafka.address, TOPICS_FILE))
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda server: server.stop(), (own.postgres, own.valkey, own.kafka)))
        yield own, database


def start(kind: type[Program], servers: OwnServers, database: Database, issuer: Issuer, folder: Path) -> Started:
    port = free_port()
    program = kind(
        lambda: {
            "RISKSTREAM_POSTGRES_DSN": database.dsns[kind.name.replace("-", "_")],
            "RISKSTREAM_KAFKA": servers.kafka.address,
            "RISKSTREAM_REDIS_URL": servers.valkey.url,
            "RISKSTREAM_YAHOO_URL": "http://127.0.0.1:1",
            "RISKSTREAM_TOPICS_FILE": str(TOPICS_FILE),
            # Longer than this test: what can be done without is waited for all the same.
            "RISKSTREAM_START_PATIENCE": "600",
            **issuer.environment(),
        }
    )
    environment = program._environment_without_port() | {"RISKSTREAM_HTTP_PORT": str(port)}
    return Started(
        kind.name, port, Process(Program._command(program), log=folder / f"{kind.name}.log", environment=environment)
    )


def test_services_wait_for_their_servers_alive_and_unready_and_need_no_help_when_these_come(
    servers: tuple[OwnServers, Database], tmp_path: Path
) -> None:
    own, database = servers
    issuer = Issuer(tmp_path / "issuer")
    with ExitStack() as stops:
        started = []
        for kind in SERVICES:
            one = start(kind, own, database, issuer, tmp_path)
            stops.callback(one.process.stop)
            started.append(one)
        for one in started:
            until(f"{one.name} answers", one.answers, 60)
        for one in started:
            until(f"{one.name} knows why", lambda: "Refused" in one.parts()["postgres"].get("reason", ""), 20)  # noqa: B023
            assert not one.is_ready(), one.name

        own.postgres.start()
        for one in started:
            until(f"{one.name} has Postgres", lambda: one.parts()["postgres"]["ready"], 30)  # noqa: B023
            assert not one.is_ready(), f"{one.name} is ready without Kafka: {one.parts()}"
            unready = {name for name, part in one.parts().items() if not part["ready"]}
            assert unready >= ({"kafka", "redis"} if one.name == "analytics" else {"relay"}), (one.name, unready)

        own.kafka.start()
        for one in started[:3]:
            until(f"{one.name} ready", one.is_ready, 90)
        until("analytics hears", lambda: started[3].parts()["kafka"]["ready"], 60)
        assert not started[3].is_ready(), "analytics is ready without Redis"

        own.valkey.start()
        until("analytics ready", started[3].is_ready, 30)
        for one in started:
            assert one.answers()
            until(f"{one.name} has compared its topics", lambda: one.parts()["topics"].get("checked"), 30)  # noqa: B023
            assert "wrong" not in one.parts()["topics"], one.parts()["topics"]
            assert "Traceback" not in _after_start(one), _after_start(one)


def _after_start(one: Started) -> str:
    """Its last words once it was well."""
    log = one.process.log.read_text()
    return log[log.rfind('"server_reached"') :]
