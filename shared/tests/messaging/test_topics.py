"""The declared topics, and the command that makes them."""

import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import ValidationError

from riskstream.events.catalogue import topics
from riskstream.messaging.topics import create_topics, load_topics, main, replication_from_environment

DECLARED = Path(__file__).parents[3] / "deploy" / "topics.yaml"


def test_every_topic_of_the_catalogue_is_declared_and_no_other() -> None:
    assert {topic.name for topic in load_topics(DECLARED).topics} == set(topics())


def test_every_group_has_a_dead_letter_topic_for_each_topic_it_reads() -> None:
    declared = load_topics(DECLARED)
    dead = {topic.name for topic in declared.every_topic()} - set(topics())
    assert dead == {f"{topic.name}.{group}.dlq" for topic in declared.topics for group in topic.groups}
    assert "portfolio.changed.portfolio-refresh.changes.dlq" in dead


def test_a_misspelt_field_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load(DECLARED.read_text())
    content["topics"][0]["partition"] = 3
    file = tmp_path / "topics.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ValidationError, match="partition"):
        load_topics(file)


@pytest.mark.parametrize("text", ["", "none", "0", "-1", "2.5"])
def test_a_replication_that_is_no_count_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RISKSTREAM_KAFKA_REPLICATION", text)
    with pytest.raises(ValueError, match="RISKSTREAM_KAFKA_REPLICATION"):
        replication_from_environment()


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    name = f"topics-test-{secrets.token_hex(4)}"
    file = tmp_path / "topics.yaml"
    topic = {
        "name": name,
        "description": "a test's own",
        "key": "k",
        "partitions": 2,
        "retention_days": 3,
        "cleanup": "compact,delete",
        "groups": ["service.work"],
    }
    file.write_text(yaml.safe_dump({"dead_letters": {"partitions": 1, "retention_days": 30}, "topics": [topic]}))
    return file


async def test_missing_topics_are_created_once_with_what_was_declared(kafka_server: Any, small_file: Path) -> None:
    name = load_topics(small_file).topics[0].name
    first = await create_topics(kafka_server.address, small_file, 1)
    second = await create_topics(kafka_server.address, small_file, 1)
    assert first.created == (name, f"{name}.service.work.dlq")
    assert (second.created, second.differences) == ((), ())
    assert set(second.existing) == {name, f"{name}.service.work.dlq"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.address)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    finally:
        await admin.close()
    settings = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert settings["cleanup.policy"] == "compact,delete"
    assert settings["retention.ms"] == str(3 * 86_400_000)


def _declared(file: Path, **other: object) -> Path:
    content = yaml.safe_load(file.read_text())
    content["topics"][0] |= other
    file.write_text(yaml.safe_dump(content))
    return file


async def test_another_partition_count_is_reported_and_left_alone(kafka_server: Any, small_file: Path) -> None:
    await create_topics(kafka_server.address, small_file, 1)
    report = await create_topics(kafka_server.address, _declared(small_file, partitions=5), 1)
    (difference,) = report.differences
    assert "has partitions 2, declared is 5" in difference


def test_the_command_says_what_it_did(kafka_server: Any, small_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--file", str(small_file), "--bootstrap", kafka_server.address]
    assert main(arguments) == 0
    assert "created topics-test-" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "2 existed" in capsys.readouterr().out


def test_the_command_asks_for_a_broker_it_was_not_given(
    small_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RISKSTREAM_KAFKA", raising=False)
    with pytest.raises(SystemExit):
        main(["--file", str(small_file)])
    assert "RISKSTREAM_KAFKA" in capsys.readouterr().err


async def test_settings_that_are_not_as_declared_are_told_and_left_as_they_are(
    kafka_server: Any, small_file: Path
) -> None:
    name = load_topics(small_file).topics[0].name
    await create_topics(kafka_server.address, small_file, 1)
    _declared(small_file, retention_days=4, cleanup="delete")
    for _ in range(2):
        told = (await create_topics(kafka_server.address, small_file, 1)).differences
        assert told == (
            f"{name} has cleanup.policy compact,delete, declared is delete",
            f"{name} has retention.ms {3 * 86_400_000}, declared is {4 * 86_400_000}",
        )


async def test_fewer_replicas_than_declared_are_told(kafka_server: Any, small_file: Path) -> None:
    await create_topics(kafka_server.address, small_file, 1)
    told = (await create_topics(kafka_server.address, small_file, 3)).differences
    assert sorted({text.split(" has ")[1] for text in told}) == [
        "min.insync.replicas 1, declared is 2",
        "replicas 1, declared is 3",
    ]
