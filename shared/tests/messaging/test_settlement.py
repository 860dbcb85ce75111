"""Handlers that take a batch at once: the same effects as one by one, with fewer calls."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from riskstream.events.envelope import Envelope, UndecodableError
from riskstream.messaging.breaker import Breaker, DeadLetterLimit
from riskstream.messaging.dead_letters import DeadLetters
from riskstream.messaging.delivery import Delivery, read_delivery
from riskstream.messaging.errors import DomainError, TransientError
from riskstream.messaging.inbox import Inbox
from riskstream.messaging.settlement import InTransaction, Outside, Together, TogetherOutside
from riskstream.runtime.clock import Clock


def record_of(ledger: Any, n: int, *, amount: int = 1, offset: int = 0, event_id: UUID | None = None) -> Delivery:
    deposit = ledger.deposit(account="ana", n=n, amount=amount)
    envelope = Envelope(
        id=event_id or uuid4(),
        source="/services/tests",
        type=deposit.type,
        time=datetime(2024, 12, 13, tzinfo=UTC),
        subject=deposit.key,
        event=deposit,
        correlation_id="tests",
    )
    headers = [(name, value.encode()) for name, value in envelope.headers().items()]
    record = SimpleNamespace(
        topic=ledger.topic, partition=0, offset=offset, key=b"ana", value=orjson.dumps(deposit.body()),
        headers=headers, timestamp=0,
    )  # fmt: skip
    return read_delivery(record, ledger.catalogue)


def settlement_of(ledger: Any, calls: list[list[int]]) -> InTransaction:
    async def enter_all(connection: Any, envelopes: Sequence[Envelope[Any]]) -> None:
        calls.append([envelope.event.n for envelope in envelopes])
        for envelope in envelopes:
            await ledger.enter(connection, envelope)

    return InTransaction(
        ledger.engine,
        ledger.group,
        {ledger.deposit: Together(enter_all)},
        inbox=Inbox(ledger.schema, ledger.group),
        dead_letters=DeadLetters(ledger.group, ledger.outbox, Clock()),
        timeout=10,
    )


async def test_a_batch_comes_in_one_call_in_order_and_its_effects_once(paper_ledger: Any) -> None:
    calls: list[list[int]] = []
    settlement = settlement_of(paper_ledger, calls)
    deliveries = [record_of(paper_ledger, n, offset=n) for n in range(5)]
    settled = await settlement.settle([*deliveries, deliveries[2]], Breaker(DeadLetterLimit()))
    assert (settled.records, calls) == (6, [[0, 1, 2, 3, 4]])
    await settlement.settle([*deliveries, record_of(paper_ledger, 5, offset=5)], Breaker(DeadLetterLimit()))
    assert calls[1:] == [[5]]
    assert [entry.n for entry in await paper_ledger.entries()] == [0, 1, 2, 3, 4, 5]


async def test_poison_in_a_batch_is_dead_alone_and_the_others_have_their_effects(paper_ledger: Any) -> None:
    calls: list[list[int]] = []
    deliveries = [record_of(paper_ledger, n, offset=n, amount=-1 if n == 1 else 1) for n in range(3)]
    await settlement_of(paper_ledger, calls).settle(deliveries, Breaker(DeadLetterLimit()))
    assert calls == [[0, 1, 2], [0], [1], [2]]
    assert [entry.n for entry in await paper_ledger.entries()] == [0, 2]
    assert await paper_ledger.count("outbox") == 1


async def test_a_handler_of_many_can_be_called_with_one(paper_ledger: Any) -> None:
    heard: list[Any] = []

    async def refuse_two(_: Any, envelopes: Sequence[Envelope[Any]]) -> None:
        heard.append(envelopes)
        if len(envelopes) != 1:
            raise DomainError("one at a time")

    envelope = record_of(paper_ledger, 1).envelope
    await Together(refuse_two)(None, envelope)  # type: ignore[arg-type]
    assert heard == [[envelope]]


def outside_of(ledger: Any, calls: list[list[int]], error: Exception | None = None) -> Outside:
    """What a batch raises `error` about, if anything, after its effects are there."""

    async def enter_all(envelopes: Sequence[Envelope[Any]]) -> None:
        calls.append([envelope.event.n for envelope in envelopes])
        for envelope in envelopes:
            await ledger.enter_alone(envelope)
        if error is not None and len(envelopes) > 1:
            raise error

    return Outside(
        ledger.engine,
        ledger.group,
        {ledger.deposit: TogetherOutside(enter_all)},
        inbox=Inbox(ledger.schema, ledger.group),
        dead_letters=DeadLetters(ledger.group, ledger.outbox, Clock()),
        timeout=10,
    )


async def test_outside_too_a_batch_comes_in_one_call_and_what_is_known_not_again(paper_ledger: Any) -> None:
    calls: list[list[int]] = []
    settlement, breaker = outside_of(paper_ledger, calls), Breaker(DeadLetterLimit())
    deliveries = [record_of(paper_ledger, n, offset=n) for n in range(5)]
    settled = await settlement.settle([*deliveries, deliveries[2]], breaker)
    assert (settled.records, calls) == (6, [[0, 1, 2, 3, 4]])
    await settlement.settle([*deliveries, record_of(paper_ledger, 5, offset=5)], breaker)
    await settlement.settle(deliveries, breaker)
    assert calls[1:] == [[5]]
    assert [entry.n for entry in await paper_ledger.entries()] == [0, 1, 2, 3, 4, 5]
    assert await paper_ledger.count("inbox") == 6


async def test_outside_poison_in_a_batch_is_dead_alone(paper_ledger: Any) -> None:
    calls: list[list[int]] = []
    deliveries = [record_of(paper_ledger, n, offset=n, amount=-1 if n == 1 else 1) for n in range(3)]
    settled = await outside_of(paper_ledger, calls).settle(deliveries, Breaker(DeadLetterLimit()))
    assert (settled.records, calls) == (3, [[0, 1, 2], [0], [1], [2]])
    assert [entry.n for entry in await paper_ledger.entries()] == [0, 2]
    assert await paper_ledger.count("outbox") == 1
    assert await paper_ledger.count("inbox") == 3


async def test_outside_what_cannot_be_read_parts_a_batch_and_is_dead_in_its_place(paper_ledger: Any) -> None:
    calls: list[list[int]] = []
    readable = [record_of(paper_ledger, n, offset=n) for n in (0, 1, 3, 4)]
    unreadable = replace(record_of(paper_ledger, 2, offset=2), envelope=None, undecodable=UndecodableError("no"))
    deliveries = [*readable[:2], unreadable, *readable[2:]]
    settled = await outside_of(paper_ledger, calls).settle(deliveries, Breaker(DeadLetterLimit()))
    assert (settled.records, calls) == (5, [[0, 1], [3, 4]])
    assert await paper_ledger.count("outbox") == 1


async def test_outside_a_batch_that_has_to_wait_is_not_known_and_comes_again(paper_ledger: Any) -> None:
    calls: list[list[int]] = []
    deliveries = [record_of(paper_ledger, n, offset=n) for n in range(3)]
    with pytest.raises(TransientError):
        await outside_of(paper_ledger, calls, TransientError("away")).settle(deliveries, Breaker(DeadLetterLimit()))
    assert await paper_ledger.count("inbox") == 0
    await outside_of(paper_ledger, calls).settle(deliveries, Breaker(DeadLetterLimit()))
    assert calls == [[0, 1, 2], [0, 1, 2]]
    assert [entry.n for entry in await paper_ledger.entries()] == [0, 1, 2]


async def test_outside_a_tripped_breaker_stops_before_the_next_batch(paper_ledger: Any) -> None:
    calls: list[list[int]] = []
    deliveries = [record_of(paper_ledger, n, offset=n, amount=-1) for n in range(5)]
    settled = await outside_of(paper_ledger, calls).settle(deliveries, Breaker(DeadLetterLimit(consecutive=2)))
    assert settled.breaker.tripped
    assert (settled.records, calls) == (2, [[0, 1, 2, 3, 4], [0], [1]])
    again = await outside_of(paper_ledger, calls).settle(deliveries[2:], settled.breaker)
    assert (again.records, len(calls)) == (0, 3)
