"""Dead letters after the fact: read them back, and say again what died once its cause is mended."""

import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from aiokafka import TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.events.catalogue import CATALOGUE, Catalogue
from riskstream.events.envelope import Envelope, UndecodableError
from riskstream.events.event import Event
from riskstream.messaging.connection import Brokers, begin, new_admin, new_consumer
from riskstream.messaging.dead_letters import DEAD_LETTER_SUFFIX, DeadLetter
from riskstream.messaging.outbox import NAMESPACE, Outbox, OutgoingRecord
from riskstream.runtime.clock import Clock

_LETTERS = Catalogue([DeadLetter])
_CLIENT = "riskstream dead-letters"
_POLL_MS = 500


class NotReplayableError(ValueError):
    """A dead letter that holds no event which this code could say again."""


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A dead letter as it lies in its topic."""

    topic: str
    """The dead letter topic; where the record died is `letter.from_topic`."""
    partition: int
    offset: int
    envelope: Envelope[DeadLetter]
    stack_hash: str
    """Equal for letters whose error was raised at the same place."""

    @property
    def id(self) -> UUID:
        return self.envelope.id

    @property
    def letter(self) -> DeadLetter:
        return self.envelope.event


@dataclass(frozen=True, slots=True)
class Letters:
    """What the dead letter topics hold, oldest first."""

    letters: tuple[StoredLetter, ...]
    strangers: tuple[str, ...]
    """`topic/partition/offset` of records that are no dead letters: somebody wrote past the outbox."""


async def read_letters(brokers: Brokers) -> Letters:
    """Read every dead letter topic from its beginning to its present end. Raises KafkaError where Kafka is away."""
    letters: list[StoredLetter] = []
    strangers: list[str] = []
    places = await _places(brokers)
    if not places:
        return Letters((), ())
    async with _reader(brokers) as kafka:
        async for record in _records(kafka, places):
            try:
                envelope: Envelope[DeadLetter] = Envelope.read(record.headers, record.value, _LETTERS)
            except UndecodableError:
                strangers.append(f"{record.topic}/{record.partition}/{record.offset}")
                continue
            stack_hash = dict(record.headers).get("x-dlq-stack-hash", b"").decode(errors="replace")
            letters.append(StoredLetter(record.topic, record.partition, record.offset, envelope, stack_hash))
    letters.sort(key=lambda stored: (stored.envelope.time, stored.topic, stored.partition, stored.offset))
    return Letters(tuple(letters), tuple(strangers))


def event_of(stored: StoredLetter, catalogue: Catalogue = CATALOGUE) -> Envelope[Event]:
    """The event that died. Raises NotReplayableError, which says why, where the letter holds none that can be read."""
    letter = stored.letter
    if letter.truncated:
        raise NotReplayableError("its body was too large to be kept whole")
    headers = [(name, value.encode()) for name, value in letter.headers.items()]
    try:
        return Envelope.read(headers, _body(letter), catalogue)
    except UndecodableError as error:
        raise NotReplayableError(f"it is no event that this code can read: {error}") from error


async def replay(
    engine: AsyncEngine,
    schema: str,
    letters: Iterable[StoredLetter],
    *,
    clock: Clock,
    catalogue: Catalogue = CATALOGUE,
) -> dict[UUID, UUID]:
    """Put the events that died into the outbox of `schema`, all or none; returns the new event id by letter id.

    A new id, because the old one has an inbox row and would be passed over; `ce_causationid` is the old one. The new
    id is made of the letter's, so that a letter replayed twice has effects once. What was said of the same key after
    the event died stays before it: handlers are guarded by versions for that. Fields of the body that this code does
    not know are not said again. Raises NotReplayableError for the first letter that holds no event.
    """
    records = [_again(stored, clock, catalogue) for stored in letters]
    outbox = Outbox(schema, "/dead-letters", clock=clock)
    async with engine.begin() as connection:
        await outbox.insert(connection, [record for _, record in records])
    return {stored.id: record.envelope.id for stored, record in records}


def _again(stored: StoredLetter, clock: Clock, catalogue: Catalogue) -> tuple[StoredLetter, OutgoingRecord]:
    died = event_of(stored, catalogue)
    envelope = Envelope(
        id=uuid5(NAMESPACE, f"{stored.id}:replay"),
        source=died.source,
        type=died.type,
        time=clock.now(),
        subject=died.subject,
        event=died.event,
        correlation_id=died.correlation_id,
        causation_id=died.id,
        aggregate_version=died.aggregate_version,
        traceparent=died.traceparent,
    )
    return stored, OutgoingRecord(envelope, stored.letter.from_topic, {"x-dlq-replay-of": str(stored.id)})


def _body(letter: DeadLetter) -> bytes | None:
    if letter.value is None:
        return None
    return base64.b64decode(letter.value) if letter.encoding == "base64" else letter.value.encode()


@asynccontextmanager
async def _reader(brokers: Brokers) -> AsyncIterator[Any]:
    kafka = new_consumer(
        brokers,
        group_id=None,
        client_id=_CLIENT,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    try:
        await begin(kafka)
        yield kafka
    finally:
        await kafka.stop()


async def _records(kafka: Any, places: Sequence[TopicPartition]) -> AsyncIterator[Any]:
    kafka.assign(places)
    ends = await kafka.end_offsets(places)
    await kafka.seek_to_beginning(*places)
    while any([await kafka.position(place) < ends[place] for place in places]):
        for place, records in (await kafka.getmany(timeout_ms=_POLL_MS)).items():
            for record in records:
                if record.offset < ends[place]:
                    yield record


async def _places(brokers: Brokers) -> list[TopicPartition]:
    admin = new_admin(brokers, client_id=_CLIENT)
    try:
        await begin(admin)
        names = [name for name in await admin.list_topics() if name.endswith(DEAD_LETTER_SUFFIX)]
        described = await admin.describe_topics(names) if names else []
    finally:
        await admin.close()
    places = [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]
    return sorted(places)
