"""Whole services at a secured cluster: let in as their own user, and waiting, unready, where they are not."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaos.system.processes import until
from local_stack.certificates import Authority
from local_stack.database import Database
from local_stack.issuer import Issuer
from local_stack.ports import free_port
from local_stack.process import Process
from local_stack.programs import Analytics, Onboarding, PortfolioRefresh, Program
from local_stack.system import TOPICS_FILE
from secured_kafka.cluster import PASSWORDS, Cluster


@dataclass
class Started:
    """A process of a service, whether it is ready or not."""

    url: str
    process: Process

    def part(self, name: str) -> dict[str, Any]:
        """How the part is; nothing while the process does not answer yet."""
        assert self.process.exit_code is None, self.process.tail()
        try:
            parts = httpx.get(f"{self.url}/health/ready", timeout=10, trust_env=False).json()["parts"]
        except httpx.TransportError:
            return {}
        found: dict[str, Any] = parts[name]
        return found

    def is_alive_and_unready(self) -> bool:
        answers = [httpx.get(f"{self.url}/health/{way}", trust_env=False).status_code for way in ("live", "ready")]
        return answers == [200, 503]

    def said(self) -> str:
        return self.process.log.read_text()


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Any]:
    """Starts a service with variables and secrets by file; kills them all in the end."""
    issuer = Issuer(tmp_path / "issuer")
    with ExitStack() as stops:

        def start(kind: type[Program], environment: Mapping[str, str], password: str) -> Started:
            secrets = tmp_path / f"secrets-{kind.name}"
            secrets.mkdir()
            (secrets / "riskstream_kafka_password").write_text(password)
            port = free_port()
            given = {
                "RISKSTREAM_REDIS_URL": "redis://127.0.0.1:1/0",
                "RISKSTREAM_TOPICS_FILE": str(TOPICS_FILE),
                "RISKSTREAM_SECRETS_DIR": str(secrets),
                "RISKSTREAM_LOG_LEVEL": "DEBUG",
                "RISKSTREAM_HTTP_PORT": str(port),
                # A password that is refused is no absence: waiting it out would not help.
                "RISKSTREAM_START_PATIENCE": "0.5",
                **issuer.environment(),
                **environment,
            }
            program = kind(lambda: given)
            process = Process(
                Program._command(program),
                log=tmp_path / f"{kind.name}.log",
                environment=program._environment_without_port(),
            )
            stops.callback(process.kill)
            return Started(f"http://127.0.0.1:{port}", process)

        yield start


def test_services_are_unready_with_the_reason_until_they_are_let_in_and_write_no_password(
    cluster: Cluster, database: Database, starts: Any, tmp_path: Path
) -> None:
    """Analytics has a wrong password; portfolio-refresh believes another authority until its file is replaced."""
    ca = tmp_path / "mounted-ca.crt"
    ca.write_bytes(Authority(tmp_path / "stranger", "stranger").file.read_bytes())
    refresh = starts(
        PortfolioRefresh,
        {
            **cluster.environment("portfolio-refresh"),
            "RISKSTREAM_POSTGRES_DSN": database.dsns["portfolio_refresh"],
            "RISKSTREAM_KAFKA_CA_FILE": str(ca),
        },
        PASSWORDS["portfolio-refresh"],
    )
    analytics = starts(
        Analytics,
        {**cluster.environment("analytics"), "RISKSTREAM_POSTGRES_DSN": database.dsns["analytics"]},
        "wr0ng-sesame",
    )
    until("analytics knows why", lambda: "invalid credentials" in analytics.part("kafka").get("reason", ""), 30)
    until("refresh knows why", lambda: "CERTIFICATE_VERIFY_FAILED" in refresh.part("relay").get("kafka", ""), 30)
    for one, part in ((analytics, "kafka"), (refresh, "relay")):
        assert one.part(part)["ready"] is False
        assert one.is_alive_and_unready()
        assert one.said().count('"event": "kafka_refused"') == 1
        assert "docs/runbooks/kafka-security.md" in one.said()
        assert "part ended" not in one.said()

    ca.write_bytes(cluster.ca.read_bytes())
    until("refresh is let in", lambda: refresh.part("relay")["ready"], 40)
    until("its groups have joined", lambda: refresh.part("portfolio-refresh.chunks")["partitions"] == 24, 40)
    until("its topics are compared", lambda: refresh.part("topics").get("checked"), 20)
    assert "wrong" not in refresh.part("topics")
    assert '"event": "kafka_lets_in_again"' in refresh.said()
    for one, password in ((analytics, "wr0ng-sesame"), (refresh, PASSWORDS["portfolio-refresh"])):
        assert password not in one.said()


def test_a_process_ends_with_a_sentence_where_settings_do_not_fit(cluster: Cluster, tmp_path: Path) -> None:
    given = cluster.environment("onboarding") | Issuer(tmp_path).environment()
    ended = Onboarding(lambda: {"RISKSTREAM_POSTGRES_DSN": "postgresql://a:b@127.0.0.1:1/c", **given}).run_command()
    assert ended.returncode == 2, ended.stderr
    assert "RISKSTREAM_KAFKA_PASSWORD: it is not set" in ended.stderr
    assert "Traceback" not in ended.stderr
