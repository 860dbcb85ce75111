"""What a test sees where a server cannot be had: a skip with the reason, or a failure where it is required."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.containers import KafkaContainer, PostgresContainer, ValkeyContainer
from local_stack.kafka_jars import kafka_version
from local_stack.testing import is_required, servers_for_tests

NEEDS_KAFKA = "def test_it(kafka_server):\n    assert kafka_server.address\n"
NEEDS_NOTHING = "def test_it():\n    pass\n"


def run_pytest(folder: Path, test: str, **variables: str) -> str:
    """The output of a pytest of its own, on a path without Java and Maven."""
    (folder / "test_it.py").write_text(test)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "local_stack.fixtures", "-rs", "-q", "test_it.py"],
        cwd=folder,
        env={"PATH": str(folder), "XDG_CACHE_HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout


def test_tests_of_kafka_skip_with_the_reason_where_it_cannot_be_had(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, NEEDS_KAFKA)
    assert "1 skipped" in said
    assert "apt-get install" in said


def test_tests_of_kafka_fail_where_it_is_required(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, NEEDS_KAFKA, RISKSTREAM_REQUIRE="real-data, kafka")
    assert "1 error" in said
    assert "RISKSTREAM_REQUIRE asks for kafka" in said


def test_tests_that_need_no_server_start_none(tmp_path: Path) -> None:
    assert "1 passed" in run_pytest(tmp_path, NEEDS_NOTHING, RISKSTREAM_REQUIRE="kafka")


def test_requirements_are_whole_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKSTREAM_REQUIRE", "kafka-ui,real-data")
    assert is_required("real-data")
    assert not is_required("kafka")


def test_an_unknown_kind_of_servers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKSTREAM_TEST_SERVERS", "docker")
    with pytest.raises(ValueError, match="embedded or containers"):
        servers_for_tests()


def test_containers_are_taken_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKSTREAM_TEST_SERVERS", "containers")
    postgres, valkey, kafka = servers_for_tests()
    assert isinstance(postgres, PostgresContainer)
    assert isinstance(valkey, ValkeyContainer)
    assert isinstance(kafka, KafkaContainer)


def test_without_docker_a_container_is_unavailable(tmp_path: Path) -> None:
    said = run_pytest(
        tmp_path,
        NEEDS_KAFKA,
        RISKSTREAM_TEST_SERVERS="containers",
        DOCKER_HOST=f"unix://{tmp_path}/no-docker.sock",
    )
    assert "1 skipped" in said
    assert "cannot be had from Docker" in said


def test_the_pom_names_a_version_that_the_probe_speaks_of() -> None:
    decision = Path(__file__).parents[3] / "docs" / "adr" / "0002-kafka-4-with-aiokafka.md"
    assert f"Broker {kafka_version()}" in decision.read_text()
