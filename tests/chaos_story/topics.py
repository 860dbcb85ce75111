"""What the broker holds in the end, read from the first record on by a consumer of no group."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer


@dataclass(frozen=True, slots=True)
class Heard:
    """One record; `type` without its version suffix is the topic, except for dead letters."""

    topic: str
    partition: int
    offset: int
    key: str
    event_id: UUID
    cause: UUID | None
    body: dict[str, Any]
    era: int = 0
    """Which Kafka held it, of those that followed one another where Kafka was wiped."""


def read_topics(bootstrap: str, topics: Iterable[str], era: int, seconds: float = 60.0) -> list[Heard]:
    """Every record of the topics up to their ends, in the order of each partition."""
    return asyncio.run(asyncio.wait_for(_read(bootstrap, sorted(topics), era), seconds))


async def _read(bootstrap: str, topics: list[str], era: int) -> list[Heard]:
    consumer: Any = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    heard: list[Heard] = []
    try:
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning()
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=300)).values():
                heard += [_heard(record, era) for record in records]
    finally:
        await consumer.stop()
    return heard


def _heard(record: Any, era: int) -> Heard:
    headers = dict(record.headers)
    cause = headers.get("ce_causationid")
    return Heard(
        record.topic,
        record.partition,
        record.offset,
        (record.key or b"").decode(),
        UUID(headers["ce_id"].decode()),
        None if cause is None else UUID(cause.decode()),
        orjson.loads(record.value),
        era,
    )
