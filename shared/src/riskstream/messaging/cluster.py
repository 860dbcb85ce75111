"""What a Kafka cluster has, for who looks after it: topics with settings, positions of groups, ends of partitions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, for_code

from riskstream.messaging.connection import Brokers, begin, new_admin, new_consumer

__all__ = ["Bounds", "Cluster", "KafkaError", "TopicState", "connected"]

_CLIENT = "riskstream-cluster"
COORDINATOR_ATTEMPTS = 20
COORDINATOR_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the cluster has it."""

    partitions: int
    replicas: int
    """Of the partition that has the fewest."""
    settings: Mapping[str, str]
    """Every setting that holds for the topic, the broker's defaults included."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a topic's partitions begin and end, by partition."""

    begin: Mapping[int, int]
    end: Mapping[int, int]

    @property
    def records(self) -> int:
        """How many lie there. Exact where nothing is compacted away."""
        return sum(self.end[partition] - begin for partition, begin in self.begin.items())


class Cluster:
    """Questions to one cluster. Raises KafkaError where it does not answer."""

    def __init__(self, admin: AIOKafkaAdminClient, kafka: Any) -> None:
        self._admin = admin
        self._kafka = kafka

    async def topic_names(self) -> frozenset[str]:
        return frozenset(await self._admin.list_topics())

    async def topics(self, names: Iterable[str]) -> dict[str, TopicState]:
        """The state of those of `names` that there are."""
        present = sorted((await self.topic_names()).intersection(names))
        if not present:
            return {}
        described = {topic["topic"]: topic["partitions"] for topic in await self._admin.describe_topics(present)}
        settings = await self._settings(present)
        return {
            name: TopicState(
                partitions=len(partitions),
                replicas=min((len(partition["replicas"]) for partition in partitions), default=0),
                settings=settings[name],
            )
            for name, partitions in described.items()
        }

    async def bounds(self, names: Iterable[str]) -> dict[str, Bounds]:
        """Where the partitions of those of `names` begin and end that there are."""
        present = sorted((await self.topic_names()).intersection(names))
        if not present:
            return {}
        places = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await self._admin.describe_topics(present)
            for partition in topic["partitions"]
        ]
        begins = await self._kafka.beginning_offsets(places)
        ends = await self._kafka.end_offsets(places)
        return {
            name: Bounds(
                {place.partition: begins[place] for place in places if place.topic == name},
                {place.partition: ends[place] for place in places if place.topic == name},
            )
            for name in present
        }

    async def committed(self, group: str) -> dict[tuple[str, int], int]:
        """By topic and partition, the offset that the group reads next; nothing of partitions it never committed."""
        offsets = await self._offsets(group)
        return {(place.topic, place.partition): found.offset for place, found in offsets.items() if found.offset >= 0}

    async def _offsets(self, group: str) -> Mapping[TopicPartition, Any]:
        """A cluster that nobody has asked about a group yet makes its place for that first, for a second or two."""
        for _ in range(COORDINATOR_ATTEMPTS):
            with contextlib.suppress(GroupCoordinatorNotAvailableError):
                found: Mapping[TopicPartition, Any] = await self._admin.list_consumer_group_offsets(group)
                return found
            await asyncio.sleep(COORDINATOR_SECONDS)
        raise GroupCoordinatorNotAvailableError(f"no broker answers for the group {group}")

    async def _settings(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        answers = await self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
        settings: dict[str, dict[str, str]] = {}
        for answer in answers:
            for code, message, _, name, entries in answer.resources:
                if code:
                    raise for_code(code)(f"settings of topic {name} are not told: {message}")
                settings[name] = {entry[0]: entry[1] for entry in entries}
        return settings


@asynccontextmanager
async def connected(brokers: Brokers) -> AsyncIterator[Cluster]:
    """Questions to the cluster; raises KafkaError where it is away. Joins no group, creates nothing."""
    admin = new_admin(brokers, client_id=_CLIENT)
    kafka: Any = new_consumer(brokers, client_id=_CLIENT, enable_auto_commit=False)
    try:
        await begin(admin)
        await begin(kafka)
        yield Cluster(admin, kafka)
    finally:
        await kafka.stop()
        await admin.close()
