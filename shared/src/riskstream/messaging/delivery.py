"""A record as it came from Kafka, read as far as it can be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from riskstream.events.catalogue import Catalogue
from riskstream.events.envelope import Envelope, UndecodableError, event_id
from riskstream.events.event import Event
from riskstream.messaging.outbox import NAMESPACE


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record, and either the envelope that it carries or the reason why it carries none."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    event_id: UUID
    """The event's id, or for a record without one an id made of its place: either way the same at redelivery."""
    envelope: Envelope[Event] | None
    undecodable: UndecodableError | None


def read_delivery(record: Any, catalogue: Catalogue) -> Delivery:
    """Read a consumer record. Never raises for what is in the record: a bad one says so in `undecodable`."""
    envelope: Envelope[Event] | None = None
    undecodable: UndecodableError | None = None
    try:
        envelope = Envelope.read(record.headers, record.value, catalogue)
    except UndecodableError as error:
        undecodable = error
    return Delivery(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        event_id=event_id(record.headers) or _id_of_place(record),
        envelope=envelope,
        undecodable=undecodable,
    )


def _id_of_place(record: Any) -> UUID:
    # The time-stamp tells the record from one at the same offset of a topic that was deleted and made again.
    return uuid5(NAMESPACE, f"{record.topic}:{record.partition}:{record.offset}:{record.timestamp}")
