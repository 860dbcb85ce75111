"""The topics as one file declares them, and the command that makes them so.

`python -m riskstream.messaging.topics --file deploy/topics.yaml --bootstrap 127.0.0.1:9092`
"""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from pydantic import BaseModel, ConfigDict, Field

from riskstream.messaging.dead_letters import dead_letter_topic

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
    """What a run found and did. A partition count is never changed: it would send keys to other partitions."""

    created: tuple[str, ...]
    existing: tuple[str, ...]
    differences: tuple[str, ...] = field(default=())


def load_topics(path: Path) -> TopicFile:
    """Read the file; raises pydantic's ValidationError, which names the place, where it is malformed."""
    return TopicFile.model_validate(yaml.safe_load(path.read_text()))


def replication_from_environment() -> int:
    """`RISKSTREAM_KAFKA_REPLICATION`, by default 1: a single broker on a laptop."""
    text = os.environ.get(REPLICATION_VARIABLE, "1")
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{REPLICATION_VARIABLE}={text!r} is no count of replicas; write 1, or 3 for a cluster")
    return int(text)


async def create_topics(bootstrap: str, file: Path, replication: int | None = None) -> TopicReport:
    """Create the topics that are missing; report those whose partition count is not the declared one.

    Safe to run any number of times, also by two processes at once. Raises KafkaError where a topic is refused.
    """
    replicas = replication_from_environment() if replication is None else replication
    wanted = {topic.name: topic for topic in load_topics(file).every_topic()}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="riskstream-topics")
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for name, topic in wanted.items() if name not in existing]
        if missing:
            response = await admin.create_topics([_new_topic(topic, replicas) for topic in missing])
            _raise_refusals(response.topic_errors)
        counts = await _partition_counts(admin, [name for name in wanted if name in existing])
    finally:
        await admin.close()
    return TopicReport(
        created=tuple(topic.name for topic in missing),
        existing=tuple(sorted(counts)),
        differences=tuple(
            f"{name} has {count} partitions, declared are {wanted[name].partitions}"
            for name, count in sorted(counts.items())
            if count != wanted[name].partitions
        ),
    )


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=replicas,
        topic_configs={
            "cleanup.policy": topic.cleanup,
            "retention.ms": str(topic.retention_days * _DAY_MS),
            # With three replicas one may be away and acks=all still holds; with fewer there is no such margin.
            "min.insync.replicas": "2" if replicas >= 3 else "1",
        },
    )


def _raise_refusals(topic_errors: list[tuple[Any, ...]]) -> None:
    for name, code, *message in topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name} was not created: {message[0] if message and message[0] else error.__name__}")


async def _partition_counts(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    if not names:
        return {}
    described = await admin.describe_topics(names)
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 where the cluster is as declared now, 1 where partition counts differ."""
    parser = argparse.ArgumentParser(prog="riskstream.messaging.topics", description="Create the declared topics.")
    parser.add_argument("--file", type=Path, required=True, help="the declaration, deploy/topics.yaml")
    parser.add_argument("--bootstrap", default=os.environ.get(BOOTSTRAP_VARIABLE), help=f"or {BOOTSTRAP_VARIABLE}")
    options = parser.parse_args(arguments)
    if not options.bootstrap:
        parser.error(f"no Kafka named: give --bootstrap host:port or set {BOOTSTRAP_VARIABLE}")
    report = asyncio.run(create_topics(options.bootstrap, options.file))
    lines = [*(f"created {name}" for name in report.created), *(f"differs: {text}" for text in report.differences)]
    sys.stdout.write("\n".join([*lines, f"{len(report.existing)} existed"]) + "\n")
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
