"""Every Kafka client is made in one place, with what its cluster asks for."""

import ast
from pathlib import Path

from pydantic import SecretStr

import riskstream.messaging.connection as connection
from riskstream.runtime.kafka_address import KafkaAddress

ROOT = Path(__file__).parents[3]
CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient"}
SOURCES = [*ROOT.glob("shared/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("deploy/*/src/**/*.py")]


def test_nobody_else_makes_a_client() -> None:
    assert len(SOURCES) > 300
    makers = {file for file in SOURCES if "AIOKafka" in file.read_text() and CLIENTS.intersection(_called(file))}
    assert makers == {Path(connection.__file__)}


def _called(file: Path) -> set[str]:
    calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


def test_no_service_gives_a_client_the_servers_without_the_way_in() -> None:
    mains = [*ROOT.glob("services/*/src/*/main.py")]
    assert len(mains) == 4
    for main in mains:
        tree = ast.parse(main.read_text())
        settings = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        assert "brokers" in settings, main
        assert "kafka" not in settings, main


def test_an_address_shows_its_servers_and_nothing_else() -> None:
    address = KafkaAddress("kafka:9093", "SASL_SSL", "PLAIN", "ada", SecretStr("sesame"))
    assert str(address) == "kafka:9093"
    assert "sesame" not in repr(address)
