"""The topics as one file declares them, and the command that makes them so.

`python -m riskstream.messaging.topics --file deploy/topics.yaml --bootstrap 127.0.0.1:9092`
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from pydantic import BaseModel, ConfigDict, Field

from riskstream.command_line import UsedWrongly, settings_from_environment
from riskstream.messaging.cluster import TopicState, connected
from riskstream.messaging.connection import Brokers, begin, new_admin
from riskstream.messaging.dead_letters import dead_letter_topic
from riskstream.runtime.configuration import ConfigurationError
from riskstream.runtime.settings import KafkaAccess

REPLICATION_VARIABLE = "RISKSTREAM_KAFKA_REPLICATION"
BOOTSTRAP_VARIABLE = "RISKSTREAM_KAFKA"

_DAY_MS = 86_400_000


class DeadLetterTopics(BaseModel):
    """The form of all dead letter topics. Each is named `<topic>.<group>.dlq`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: int = Field(ge=1)
    retention_days: int = Field(ge=1)


class Topic(BaseModel):
    """One topic: what it carries, from whom, for whom, for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    key: str
    partitions: int = Field(ge=1)
    retention_days: int = Field(ge=1)
    cleanup: Literal["delete", "compact,delete"] = "delete"
    producers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Consumer groups; each has a dead letter topic for what it cannot handle."""
    listeners: tuple[str, ...] = ()
    """Services whose every replica listens without a group."""


class TopicFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dead_letters: DeadLetterTopics
    topics: tuple[Topic, ...]

    def every_topic(self) -> tuple[Topic, ...]:
        """The declared topics and the dead letter topics that follow from their groups."""
        return self.topics + tuple(self._dead_letters(topic, group) for topic in self.topics for group in topic.groups)

    def _dead_letters(self, topic: Topic, group: str) -> Topic:
        return Topic(
            name=dead_letter_topic(topic.name, group),
            description=f"What {group} could not handle of {topic.name}, and why.",
            key=topic.key,
            partitions=self.dead_letters.partitions,
            retention_days=self.dead_letters.retention_days,
            producers=(group.partition(".")[0],),
        )


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What a run found and did. Nothing that exists is changed: another partition count would send keys to other
    partitions, and another retention is somebody's decision.
    """

    created: tuple[str, ...]
    existing: tuple[str, ...]
    differences: tuple[str, ...] = field(default=())


def load_topics(path: Path) -> TopicFile:
    """Read the file; raises pydantic's ValidationError, which names the place, where it is malformed, and
    ConfigurationError where there is no such file.
    """
    try:
        content = path.read_text()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); name deploy/topics.yaml") from error
    return TopicFile.model_validate(yaml.safe_load(content))


def replication_from_environment() -> int:
    """`RISKSTREAM_KAFKA_REPLICATION`, by default 1: a single broker on a laptop."""
    text = os.environ.get(REPLICATION_VARIABLE, "1")
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(
            f"{REPLICATION_VARIABLE}={text!r} is no count of replicas; write 1, or 3 for a cluster"
        )
    return int(text)


async def create_topics(brokers: Brokers, file: Path, replication: int | None = None) -> TopicReport:
    """Create the topics that are missing; report those that exist and are not as declared.

    Safe to run any number of times, also by two processes at once. Raises KafkaError where a topic is refused.
    """
    replicas = replication_from_environment() if replication is None else replication
    wanted = load_topics(file).every_topic()
    async with connected(brokers) as cluster:
        existing = await cluster.topics(topic.name for topic in wanted)
    missing = [topic for topic in wanted if topic.name not in existing]
    if missing:
        await _create(brokers, [_new_topic(topic, replicas) for topic in missing])
    return TopicReport(
        created=tuple(topic.name for topic in missing),
        existing=tuple(sorted(existing)),
        differences=tuple(differences(wanted, existing, replicas)),
    )


def differences(wanted: Iterable[Topic], existing: Mapping[str, TopicState], replicas: int) -> list[str]:
    """In which ways topics that exist are not as declared, each a sentence that begins with the topic's name."""
    return [
        f"{topic.name} has {what} {has}, declared is {declared}"
        for topic in sorted(wanted, key=lambda topic: topic.name)
        if topic.name in existing
        for what, has, declared in _compared(topic, existing[topic.name], replicas)
        if has != declared
    ]


def _compared(topic: Topic, state: TopicState, replicas: int) -> list[tuple[str, str, str]]:
    settings = [
        (name, _in_one_order(state.settings.get(name, "none")), _in_one_order(value))
        for name, value in _settings(topic, replicas).items()
    ]
    counts = [("partitions", state.partitions, topic.partitions), ("replicas", state.replicas, replicas)]
    return [(what, str(has), str(declared)) for what, has, declared in counts] + settings


def _in_one_order(value: str) -> str:
    """A list is the same in any order, as `compact,delete`."""
    return ",".join(sorted(value.split(",")))


async def _create(brokers: Brokers, topics: list[NewTopic]) -> None:
    admin = new_admin(brokers, client_id="riskstream-topics")
    try:
        await begin(admin)
        response = await admin.create_topics(topics)
    finally:
        await admin.close()
    _raise_refusals(response.topic_errors)


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=replicas,
        topic_configs=_settings(topic, replicas),
    )


def _settings(topic: Topic, replicas: int) -> dict[str, str]:
    return {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(topic.retention_days * _DAY_MS),
        # With three replicas one may be away and acks=all still holds; with fewer there is no such margin.
        "min.insync.replicas": "2" if replicas >= 3 else "1",
    }


def _raise_refusals(topic_errors: list[tuple[Any, ...]]) -> None:
    for name, code, *message in topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name} was not created: {message[0] if message and message[0] else error.__name__}")


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 where the cluster is as declared now, 1 where topics that existed differ."""
    parser = argparse.ArgumentParser(prog="riskstream.messaging.topics", description="Create the declared topics.")
    parser.add_argument("--file", type=Path, required=True, help="the declaration, deploy/topics.yaml")
    parser.add_argument("--bootstrap", default=os.environ.get(BOOTSTRAP_VARIABLE), help=f"or {BOOTSTRAP_VARIABLE}")
    options = parser.parse_args(arguments)
    if not options.bootstrap:
        parser.error(f"no Kafka named: give --bootstrap host:port or set {BOOTSTRAP_VARIABLE}")
    try:
        access = settings_from_environment(KafkaAccess)
        report = asyncio.run(create_topics(access.address_of(options.bootstrap), options.file))
    except (ConfigurationError, UsedWrongly) as error:
        parser.error(str(error))
    except KafkaError as error:
        sys.stderr.write(
            f"Kafka at {options.bootstrap} did not do it ({error}); is the address right, and does it run?\n"
        )
        return 1
    lines = [*(f"created {name}" for name in report.created), *(f"differs: {text}" for text in report.differences)]
    sys.stdout.write("\n".join([*lines, f"{len(report.existing)} existed"]) + "\n")
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
