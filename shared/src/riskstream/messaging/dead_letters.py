"""Where a record goes that can never be handled: a topic of its group's own, by way of the outbox."""

import base64
import hashlib
import traceback
from typing import ClassVar, Literal
from uuid import uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.delivery import Delivery
from riskstream.messaging.outbox import NAMESPACE, Outbox, OutgoingRecord
from riskstream.runtime.clock import Clock

LARGEST_VALUE = 400_000
"""Bytes of a record's value that its dead letter keeps; base64 and escapes must still fit into one record."""

DEAD_LETTER_SUFFIX = ".dlq"

_NO_KEY = "(no key)"


class DeadLetter(Event):
    """A record that could not be handled, and why. `value` is its body, as text where it is UTF-8."""

    type: ClassVar[str] = "dead.letter.v1"
    topic: ClassVar[str] = "<topic>.<group>.dlq"
    aggregate: ClassVar[str] = "record"

    from_topic: str
    partition: int
    offset: int
    group: str
    error: str
    detail: str
    record_key: str | None
    headers: dict[str, str]
    value: str | None
    encoding: Literal["utf-8", "base64"]
    truncated: bool = False

    @property
    def key(self) -> str:
        return self.record_key or _NO_KEY


def dead_letter_topic(topic: str, group: str) -> str:
    """The topic for what `group` could not handle of `topic`."""
    return f"{topic}.{group}{DEAD_LETTER_SUFFIX}"


class DeadLetters:
    """Writes the dead letters of one group."""

    def __init__(self, group: str, outbox: Outbox, clock: Clock) -> None:
        self._group = group
        self._outbox = outbox
        self._clock = clock

    async def write(self, connection: AsyncConnection, delivery: Delivery, error: BaseException) -> None:
        """Put the record into the outbox, bound for its dead letter topic, in the caller's transaction."""
        letter = _letter(delivery, self._group, error)
        now = self._clock.now()
        cause = delivery.envelope
        envelope = Envelope(
            id=uuid5(NAMESPACE, f"{delivery.event_id}:{DeadLetter.type}:{self._group}"),
            source=self._outbox.source,
            type=letter.type,
            time=now,
            subject=letter.key,
            event=letter,
            correlation_id=cause.correlation_id if cause else str(delivery.event_id),
            causation_id=delivery.event_id,
            traceparent=cause.traceparent if cause else None,
        )
        headers = {
            "x-dlq-topic": delivery.topic,
            "x-dlq-partition": str(delivery.partition),
            "x-dlq-offset": str(delivery.offset),
            "x-dlq-group": self._group,
            "x-dlq-error": f"{letter.error}: {letter.detail}"[:500],
            "x-dlq-stack-hash": stack_hash(error),
            "x-dlq-first-seen": now.isoformat(),
        }
        record = OutgoingRecord(envelope, dead_letter_topic(delivery.topic, self._group), headers)
        await self._outbox.insert(connection, [record])


def stack_hash(error: BaseException) -> str:
    """Twelve hex digits that are equal for errors raised at the same place, whatever they say."""
    frames = traceback.extract_tb(error.__traceback__)
    path = [type(error).__qualname__, *(f"{frame.filename.rpartition('/')[2]}:{frame.name}" for frame in frames)]
    return hashlib.sha256("\n".join(path).encode()).hexdigest()[:12]


def _letter(delivery: Delivery, group: str, error: BaseException) -> DeadLetter:
    value, encoding, truncated = _readable(delivery.value)
    return DeadLetter(
        from_topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
        group=group,
        error=type(error).__name__,
        detail=_storable(str(error))[:2000],
        record_key=None if delivery.key is None else _text(delivery.key),
        headers={_storable(name): _text(content) for name, content in delivery.headers},
        value=value,
        encoding=encoding,
        truncated=truncated,
    )


def _readable(value: bytes | None) -> tuple[str | None, Literal["utf-8", "base64"], bool]:
    if value is None:
        return None, "utf-8", False
    kept, truncated = value[:LARGEST_VALUE], len(value) > LARGEST_VALUE
    if b"\0" not in kept:
        try:
            return kept.decode(), "utf-8", truncated
        except UnicodeDecodeError:
            pass  # then it is not text, and base64 keeps it whole
    return base64.b64encode(kept).decode(), "base64", truncated


def _text(content: bytes | None) -> str:
    return _storable((content or b"").decode(errors="backslashreplace"))


def _storable(text: str) -> str:
    """Postgres refuses the character NUL in jsonb."""
    return text.replace("\0", "\\x00")
