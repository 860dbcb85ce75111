"""Spans of events: where they are said, sent and acted upon, by the conventions for messaging.

https://opentelemetry.io/docs/specs/semconv/messaging/ A record carries the span that said it. What acts on records of
one trace continues it and links to them; on records of several it begins a trace of its own with links to all.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, use_span

from riskstream.runtime import tracing

if TYPE_CHECKING:
    from riskstream.messaging.delivery import Delivery

SPANS_PER_TRACE = 100
"""Records of one trace that one listener makes spans of: a night says `portfolio.refreshed` for every portfolio, and
every replica of every listener hears all of them."""

_TRACES_REMEMBERED = 256


@contextmanager
def saying(topics: Sequence[str]) -> Iterator[None]:
    """Around the insert of events, one for each of `topics`, into the outbox: what their records name as their origin.

    Begins a trace where there is none, so that all that follows from one insert is one.
    """
    if not tracing.on():
        yield
        return
    attributes = _attributes("create", topics) | {"messaging.batch.message_count": len(topics)}
    with tracing.span(f"create {_named(topics)}", kind=SpanKind.PRODUCER, attributes=attributes):
        yield


@contextmanager
def sending(topics: Sequence[str], traceparents: Sequence[str | None]) -> Iterator[None]:
    """Around the sending of records, whose `traceparent` headers are given."""
    if not tracing.on():
        yield
        return
    parent, links = _origins(traceparents)
    attributes = _attributes("send", topics) | {"messaging.batch.message_count": len(traceparents)}
    with tracing.span(
        f"send {_named(topics)}", kind=SpanKind.PRODUCER, parent=parent, links=links, attributes=attributes
    ):
        yield


@contextmanager
def processing(group: str, deliveries: "Sequence[Delivery]") -> Iterator[None]:
    """Around the handling of records of one partition by a consumer group, one or several at once."""
    if not tracing.on():
        yield
        return
    parent, links = _origins([_traceparent(delivery) for delivery in deliveries])
    first = deliveries[0]
    attributes = _attributes("process", [first.topic]) | {
        "messaging.consumer.group.name": group,
        "messaging.destination.partition.id": str(first.partition),
        "messaging.kafka.offset": first.offset,
        "messaging.batch.message_count": len(deliveries),
    }
    if len(deliveries) == 1:
        attributes["messaging.message.id"] = str(first.event_id)
    with tracing.span(
        f"process {first.topic}", kind=SpanKind.CONSUMER, parent=parent, links=links, attributes=attributes
    ):
        yield


class Hearing:
    """Spans of what one listener hears."""

    def __init__(self) -> None:
        self._counted: OrderedDict[int, int] = OrderedDict()

    @contextmanager
    def of(self, record: Any, traceparent: str | None) -> Iterator[None]:
        """Around the handling of one record of a listener without a group."""
        if not tracing.on():
            yield
            return
        origin = tracing.remote(traceparent)
        if origin is not None and not self._admits(origin.trace_id):
            # Still the current one, for the log: only a span of its own is one too many.
            with use_span(NonRecordingSpan(SpanContext(origin.trace_id, origin.span_id, is_remote=True))):
                yield
            return
        attributes = _attributes("process", [record.topic]) | {
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
        }
        parent, links = _origins([traceparent])
        with tracing.span(
            f"process {record.topic}", kind=SpanKind.CONSUMER, parent=parent, links=links, attributes=attributes
        ):
            yield

    def _admits(self, trace_id: int) -> bool:
        count = self._counted.pop(trace_id, 0) + 1
        self._counted[trace_id] = count
        while len(self._counted) > _TRACES_REMEMBERED:
            self._counted.popitem(last=False)
        return count <= SPANS_PER_TRACE


def _origins(traceparents: Sequence[str | None]) -> tuple[Context | None, list[Link]]:
    """Under which span to act on the records, and links to those that said them: each once."""
    each = dict.fromkeys(traceparents)
    named = [origin for text in each if (origin := tracing.remote(text)) is not None]
    one_trace = len(named) == len(each) and len({origin.trace_id for origin in named}) == 1
    parent = tracing.under(named[0]) if one_trace else None
    return parent, [Link(origin) for origin in named]


def _traceparent(delivery: "Delivery") -> str | None:
    return None if delivery.envelope is None else delivery.envelope.traceparent


def _attributes(operation: str, topics: Sequence[str]) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
    if len(set(topics)) == 1:
        attributes["messaging.destination.name"] = topics[0]
    return attributes


def _named(topics: Sequence[str]) -> str:
    return topics[0] if len(set(topics)) == 1 else "events"
