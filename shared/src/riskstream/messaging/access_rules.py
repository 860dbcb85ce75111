"""What each service may do to topics and groups in a cluster that asks, derived from the declaration of the topics.

`python -m riskstream.messaging.access_rules --file deploy/topics.yaml` prints them as arguments of `kafka-acls --add`.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from riskstream.messaging.topics import TopicFile, load_topics
from riskstream.runtime.configuration import ConfigurationError

Operation: TypeAlias = Literal["Create", "Describe", "DescribeConfigs", "Read", "Write"]

OPERATOR = "operator"
"""Who creates topics, asks the doctor and reads dead letters; what scales on lag may come by the same name."""


@dataclass(frozen=True, slots=True, order=True)
class AccessRule:
    """What somebody may do to one topic or one group. Nothing is needed of the cluster itself."""

    who: str
    """A service's name, or `operator`."""
    resource: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]

    def arguments(self, principal: str) -> str:
        """As `kafka-acls --add` takes them; `{who}` in `principal` is the service's name."""
        operations = " ".join(f"--operation {operation}" for operation in self.operations)
        return f"--allow-principal {principal.format(who=self.who)} {operations} --{self.resource} {self.name}"


def access_rules(file: TopicFile) -> tuple[AccessRule, ...]:
    """Every rule that the services and who operates them need, sorted.

    Everybody sees every topic with its settings: readiness and metrics compare them with the declaration.
    """
    allowed: dict[tuple[str, Literal["topic", "group"], str], set[Operation]] = defaultdict(set)
    for who, name, operation in _of_topics(file):
        allowed[who, "topic", name].add(operation)
    for topic in file.topics:
        for group in topic.groups:
            allowed[_service(group), "group", group].add("Read")
            allowed[OPERATOR, "group", group].add("Describe")
    return tuple(sorted(AccessRule(*key, tuple(sorted(operations))) for key, operations in allowed.items()))


def _of_topics(file: TopicFile) -> Iterator[tuple[str, str, Operation]]:
    services = _services(file)
    for topic in file.every_topic():
        for who in (*services, OPERATOR):
            yield who, topic.name, "Describe"
            yield who, topic.name, "DescribeConfigs"
        for producer in topic.producers:
            yield producer, topic.name, "Write"
        for reader in (*map(_service, topic.groups), *topic.listeners):
            yield reader, topic.name, "Read"
        yield OPERATOR, topic.name, "Create"
    for dead_letters in set(file.every_topic()) - set(file.topics):
        yield OPERATOR, dead_letters.name, "Read"


def _services(file: TopicFile) -> Iterable[str]:
    groups = {_service(group) for topic in file.topics for group in topic.groups}
    return sorted(groups.union(*(topic.producers + topic.listeners for topic in file.topics)))


def _service(group: str) -> str:
    """Groups are named `<service>.<kind of work>`."""
    return group.partition(".")[0]


def main(arguments: list[str] | None = None) -> int:
    """The command: a line for each rule."""
    parser = argparse.ArgumentParser(prog="riskstream.messaging.access_rules", description="Print who may do what.")
    parser.add_argument("--file", type=Path, required=True, help="the declaration, deploy/topics.yaml")
    parser.add_argument("--principal", default="User:{who}", help="how users are called; {who} is the service's name")
    options = parser.parse_args(arguments)
    try:
        rules = access_rules(load_topics(options.file))
    except ConfigurationError as error:
        parser.error(str(error))
    sys.stdout.writelines(f"{rule.arguments(options.principal)}\n" for rule in rules)
    return 0


if __name__ == "__main__":
    sys.exit(main())
