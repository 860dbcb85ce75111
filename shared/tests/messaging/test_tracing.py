"""An event is followed from who says it to who acts on it, through outbox and Kafka; several are followed by links."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from rehearsal.spans import Kept
from riskstream.events.envelope import Envelope
from riskstream.messaging.errors import DomainError
from riskstream.messaging.listener import Listener
from riskstream.messaging.settlement import Together
from riskstream.messaging.tracing import SPANS_PER_TRACE, Hearing, _origins
from riskstream.runtime import tracing


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def named(span: ReadableSpan) -> str:
    """As a `traceparent` begins; its flags follow."""
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}"


async def test_what_is_said_is_followed_through_outbox_kafka_and_handler_to_what_is_said_next(
    spans: Kept, ledger: Any, running: Any, eventually: Any
) -> None:
    async def enter_and_repeat(connection: AsyncConnection, envelope: Envelope[Any]) -> None:
        await ledger.enter(connection, envelope)
        if envelope.event.n == 0:
            again = ledger.deposit(account=envelope.event.account, n=1)
            await ledger.outbox.publish(connection, [again], cause=envelope)

    heard: list[int] = []

    async def hear(envelope: Envelope[Any]) -> None:
        heard.append(envelope.event.n)

    listener = Listener(ledger.bootstrap, {ledger.deposit: hear}, client_id="l", catalogue=ledger.catalogue)
    async with running(ledger.relay()), running(ledger.consumer(enter_and_repeat)), running(listener):
        await listener.listening.wait()
        with tracing.span("a request"):
            await ledger.say(ledger.deposit(account="a", n=0))

        async def all_heard() -> bool:
            return len(await ledger.entries()) == 2 and heard == [0, 1]

        await eventually(all_heard)

    request = spans.only("a request")
    mine = [span for span in spans.all() if span.context.trace_id == request.context.trace_id]
    assert len(mine) == len(spans.all()), "polls and commits begin no trace"
    first, second = [span for span in mine if span.name == f"create {ledger.topic}"]
    sent = [span for span in mine if span.name == f"send {ledger.topic}"]
    processed = [span for span in mine if span.name == f"process {ledger.topic}"]
    by_group = [span for span in processed if "messaging.consumer.group.name" in told(span)]
    assert parent_of(first) == request.context.span_id
    assert (first.kind, sent[0].kind, by_group[0].kind) == (SpanKind.PRODUCER, SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert [parent_of(span) for span in sent] == [first.context.span_id, second.context.span_id]
    assert [parent_of(span) for span in by_group] == [first.context.span_id, second.context.span_id]
    assert parent_of(second) == by_group[0].context.span_id
    assert [link.context.span_id for link in by_group[0].links] == [first.context.span_id]
    assert len(processed) - len(by_group) == 2, "by the listener"
    assert told(by_group[0]) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": ledger.topic,
        "messaging.destination.partition.id": told(by_group[0])["messaging.destination.partition.id"],
        "messaging.consumer.group.name": ledger.group,
        "messaging.kafka.offset": 0,
        "messaging.batch.message_count": 1,
        "messaging.message.id": str((await ledger.entries())[0].event_id),
    }


async def test_events_of_several_traces_that_are_handled_together_are_linked_from_a_trace_of_their_own(
    spans: Kept, ledger: Any, running: Any, eventually: Any
) -> None:
    async def enter_all(connection: AsyncConnection, envelopes: Any) -> None:
        for envelope in envelopes:
            await ledger.enter(connection, envelope)

    for n in range(3):
        with tracing.span(f"request {n}"):
            await ledger.say(ledger.deposit(account="a", n=n))
    await ledger.relay().drain()
    async with running(ledger.consumer(Together(enter_all))):

        async def all_entered() -> bool:
            return len(await ledger.entries()) == 3

        await eventually(all_entered)
    created = {span.context.span_id for span in spans.all() if span.name.startswith("create ")}
    sent, processed = spans.only(f"send {ledger.topic}"), spans.only(f"process {ledger.topic}")
    for together in (sent, processed):
        assert together.parent is None
        assert {link.context.span_id for link in together.links} == created
        assert told(together)["messaging.batch.message_count"] == 3


async def test_a_record_that_comes_again_is_not_told_again(
    spans: Kept, ledger: Any, running: Any, eventually: Any, produce: Any
) -> None:
    await ledger.say(ledger.deposit(account="a", n=0))
    async with ledger.engine.begin() as connection:
        (row,) = await connection.execute(text(f"SELECT headers, payload::text AS payload FROM {ledger.schema}.outbox"))
    headers = [(name, value.encode()) for name, value in row.headers.items()]
    await produce(ledger.topic, [(b"a", row.payload.encode(), headers, 0)] * 3)
    await ledger.relay().drain()
    async with running(ledger.consumer()):

        async def entered() -> bool:
            return len(await ledger.entries()) == 1

        await eventually(entered)
        await asyncio.sleep(0.3)
    assert spans.names().count(f"process {ledger.topic}") == 1


async def test_a_record_that_becomes_a_dead_letter_is_a_failed_span(
    spans: Kept, ledger: Any, running: Any, eventually: Any
) -> None:
    await ledger.say(ledger.deposit(account="a", n=0, amount=-1))
    await ledger.relay().drain()
    async with running(ledger.consumer()):

        async def buried() -> bool:
            return bool(await ledger.count("outbox"))

        await eventually(buried)
    failed = [span for span in spans.all() if span.status.status_code is StatusCode.ERROR]
    assert {span.name for span in failed} == {f"process {ledger.topic}"}
    assert {told(span)["error.type"] for span in failed} == {DomainError.__name__}


async def test_what_is_said_outside_of_any_span_begins_one_trace_for_all_that_follows(
    spans: Kept, paper_ledger: Any
) -> None:
    await paper_ledger.say(*(paper_ledger.deposit(account=f"{n}", n=n) for n in range(3)))
    created = spans.only(f"create {paper_ledger.topic}")
    assert created.parent is None
    assert told(created)["messaging.batch.message_count"] == 3
    async with paper_ledger.engine.connect() as connection:
        headers = await connection.execute(text(f"SELECT headers FROM {paper_ledger.schema}.outbox"))
        assert {row.headers["traceparent"][:-3] for row in headers} == {named(created)}


async def test_saying_nothing_is_not_told(spans: Kept, paper_ledger: Any) -> None:
    await paper_ledger.say()
    assert spans.all() == []


async def test_records_carry_no_trace_where_nothing_is_traced(paper_ledger: Any) -> None:
    await paper_ledger.say(paper_ledger.deposit(account="a", n=0))
    async with paper_ledger.engine.connect() as connection:
        (row,) = await connection.execute(text(f"SELECT headers FROM {paper_ledger.schema}.outbox"))
    assert "traceparent" not in row.headers


ONE, OTHER = (f"00-{number:032x}-{number:016x}-01" for number in (1, 2))


@pytest.mark.parametrize(
    ("traceparents", "continued", "links"),
    [
        ([ONE], True, 1),
        ([ONE, ONE], True, 1),
        ([ONE, OTHER], False, 2),
        ([ONE, None], False, 1),
        ([None], False, 0),
        (["nonsense"], False, 0),
        (["nonsense", ONE], False, 1),
    ],
)
def test_records_of_one_trace_continue_it_and_all_are_linked(
    traceparents: list[str | None], continued: bool, links: int
) -> None:
    parent, found = _origins(traceparents)
    assert (parent is not None, len(found)) == (continued, links)


def test_of_a_night_that_says_thousands_a_listener_tells_the_first(spans: Kept) -> None:
    hearing, night, later = Hearing(), _night(), _night()
    record = Said("portfolio.refreshed")
    for _ in range(SPANS_PER_TRACE + 50):
        with hearing.of(record, night):
            assert (tracing.current_traceparent() or "")[3:35] == night[3:35], "the log names it all the same"
    with hearing.of(record, later):
        pass
    assert len(spans.all()) == SPANS_PER_TRACE + 1


class Said:
    """A record, as far as its span tells."""

    partition, offset = 0, 0

    def __init__(self, topic: str) -> None:
        self.topic = topic


def _night() -> str:
    return f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"
