"""The only way to say something: a row in the outbox, in the transaction that makes it true."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4, uuid5
from zlib import crc32

import orjson
from sqlalchemy import ARRAY, MetaData, SmallInteger, Text, bindparam, cast, func, insert, select
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.tables import LANES, messaging_tables
from riskstream.messaging.tracing import saying
from riskstream.runtime.clock import Clock, clock_from_environment
from riskstream.runtime.tracing import current_traceparent

NAMESPACE = UUID("5a3c7ab0-6f4e-5d0b-9a53-0c8a1f2d7e61")
"""Of the ids of derived and root events. Changing it makes every replayed event a new one."""

LARGEST_BODY = 900_000
"""Bytes. Brokers refuse records over 1 MB, and a refused record would hold up its lane for ever."""


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A row of the outbox: an envelope, where it goes, and headers beyond the envelope's own."""

    envelope: Envelope[Event]
    topic: str
    more_headers: dict[str, str] = field(default_factory=dict)


class Outbox:
    """The outbox of one service."""

    def __init__(self, schema: str, source: str, *, clock: Clock | None = None) -> None:
        """`source` names the service in every event: `/services/symbol-batch`."""
        self.source = source
        self._clock = clock or clock_from_environment()
        self._insert = _insertion(schema)
        self._notify = select(func.pg_notify(channel(schema), ""))

    async def publish(
        self,
        connection: AsyncConnection,
        events: Sequence[Event],
        *,
        cause: Envelope[Event] | Sequence[Envelope[Event]] | None = None,
        root: str | None = None,
        new_facts: bool = False,
    ) -> None:
        """Say `events`, in this order, if and when the connection's transaction commits.

        With `cause`, the event that is being handled, or `root`, `"<run id>:<edition>"`, ids are derived from it, the
        type and the key: the same work done twice says the same event, and consumers act once. Then an event type
        may be said once per key; ValueError otherwise. With neither, ids are random. Several causes are one for each
        of the events, in their order.

        `new_facts` keeps the lineage of `cause` or `root` and takes random ids all the same: for where one cause makes
        an event true more than once, and a guard of the caller's own in this transaction (a compare-and-set that
        only one wins) sees to it that nothing is said twice.

        The order of a key is the order of commits only where the writer locked the aggregate's row first.
        """
        if cause is not None and root is not None:
            raise ValueError("an event has a cause or a root, not both: give `root` only where nothing was received")
        if not events:
            return
        causes = cause if isinstance(cause, Sequence) else [cause] * len(events)
        with saying([event.topic for event in events]):
            records = self._records(events, causes, root=root, new_facts=new_facts)
            await self.insert(connection, records)

    def _records(
        self, events: Sequence[Event], causes: Sequence[Envelope[Event] | None], *, root: str | None, new_facts: bool
    ) -> list[OutgoingRecord]:
        now, traceparent = self._clock.now(), current_traceparent()
        origins = [str(cause.id) if cause else root for cause in causes]
        envelopes = [
            Envelope(
                id=(identity := uuid4() if origin is None or new_facts else derived_id(origin, event)),
                source=self.source,
                type=event.type,
                time=now,
                subject=event.key,
                event=event,
                correlation_id=cause.correlation_id if cause else (root or str(identity)),
                causation_id=cause.id if cause else None,
                aggregate_version=event.aggregate_version,
                traceparent=traceparent or (cause.traceparent if cause else None),
            )
            for event, cause, origin in zip(events, causes, origins, strict=True)
        ]
        if len({envelope.id for envelope in envelopes}) < len(envelopes):
            raise ValueError(
                "two events of one type and key from one cause would get one id, and the second would be dropped:"
                " merge them, say them from two causes, or as `new_facts` where the transaction guards against twice"
            )
        return [OutgoingRecord(envelope, envelope.event.topic) for envelope in envelopes]

    async def insert(self, connection: AsyncConnection, records: Sequence[OutgoingRecord]) -> None:
        """Insert ready-made records, in order, in one statement, and wake the relays. For messaging itself."""
        if not records:
            return
        await connection.execute(self._insert, _columns(records))
        await connection.execute(self._notify)


def channel(schema: str) -> str:
    """The Postgres notification channel that wakes the relays of a schema."""
    return f"{schema}.outbox"


def lane_of(key: str) -> int:
    """The lane of a key: all events of one key share one."""
    return crc32(key.encode()) % LANES


def derived_id(origin: str, event: Event) -> UUID:
    """The id of an event that follows from `origin`: a cause's id, or a root's `"<run id>:<edition>"`."""
    return uuid5(NAMESPACE, f"{origin}:{event.type}:{event.key}")


def _columns(records: Sequence[OutgoingRecord]) -> dict[str, list[Any]]:
    payloads = [record.envelope.event.model_dump_json() for record in records]
    for record, payload in zip(records, payloads, strict=True):
        if (size := len(payload.encode())) > LARGEST_BODY:
            raise ValueError(
                f"{record.envelope.type} of {record.envelope.subject} has a body of {size:,} bytes, more"
                f" than the {LARGEST_BODY:,} that a record may have: say where the data is instead of the data"
            )
    envelopes = [record.envelope for record in records]
    return {
        "lane": [lane_of(envelope.subject) for envelope in envelopes],
        "id": [envelope.id for envelope in envelopes],
        "topic": [record.topic for record in records],
        "aggregatetype": [envelope.event.aggregate for envelope in envelopes],
        "aggregateid": [envelope.subject for envelope in envelopes],
        "type": [envelope.type for envelope in envelopes],
        "headers": [orjson.dumps(record.envelope.headers() | record.more_headers).decode() for record in records],
        "payload": payloads,
    }


def _insertion(schema: str) -> Any:
    """One statement for any number of rows. The ordinality keeps `seq` in the order of the arrays."""
    types: dict[str, TypeEngine[Any]] = {
        "lane": SmallInteger(),
        "id": UUID_TYPE(as_uuid=True),
        "topic": Text(),
        "aggregatetype": Text(),
        "aggregateid": Text(),
        "type": Text(),
        "headers": Text(),
        "payload": Text(),
    }
    arrays = [bindparam(name, type_=ARRAY(type_)) for name, type_ in types.items()]
    rows = (
        func.unnest(*arrays)
        .table_valued(*(sql_column(name, type_) for name, type_ in types.items()), with_ordinality="n", name="said")
        .render_derived()
    )
    json = {"headers", "payload"}
    values = [cast(rows.c[name], JSONB) if name in json else rows.c[name] for name in types]
    return insert(messaging_tables(MetaData(), schema).outbox).from_select(
        list(types), select(*values).order_by(rows.c.n)
    )
