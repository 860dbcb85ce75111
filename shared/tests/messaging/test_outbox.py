"""The outbox on a real database: what is said if and only if a transaction commits."""

import time
from typing import Any

import orjson
import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from sqlalchemy import text

from riskstream.events.envelope import Envelope
from riskstream.messaging.outbox import LARGEST_BODY, lane_of
from riskstream.messaging.tables import LANES


async def rows(ledger: Any) -> list[Any]:
    async with ledger.engine.connect() as connection:
        return list(await connection.execute(text(f"SELECT * FROM {ledger.schema}.outbox ORDER BY seq")))


async def read_back(ledger: Any) -> list[Envelope[Any]]:
    return [
        Envelope.read(
            [(name, value.encode()) for name, value in row.headers.items()],
            orjson.dumps(row.payload),
            ledger.catalogue,
        )
        for row in await rows(ledger)
    ]


async def test_an_event_of_a_transaction_that_is_rolled_back_was_never_said(paper_ledger: Any) -> None:
    async with paper_ledger.engine.connect() as connection:
        await paper_ledger.outbox.publish(connection, [paper_ledger.deposit(account="a", n=0)])
        await connection.rollback()
    assert await rows(paper_ledger) == []


async def test_thousands_of_events_take_less_than_half_a_second_and_keep_their_order(paper_ledger: Any) -> None:
    deposits = [paper_ledger.deposit(account=f"a{n % 500}", n=n) for n in range(5000)]
    await paper_ledger.say(deposits[0])
    took = []
    for _ in range(5):
        began = time.perf_counter()
        await paper_ledger.say(*deposits)
        took.append(time.perf_counter() - began)
    print(f"5,000 events: best {min(took):.3f} s, of {[round(seconds, 3) for seconds in took]}")
    assert min(took) < 0.5
    assert [row.payload["n"] for row in (await rows(paper_ledger))[1:5001]] == list(range(5000))


async def test_the_columns_are_those_of_debeziums_event_router(paper_ledger: Any) -> None:
    await paper_ledger.say(paper_ledger.deposit(account="a", n=3))
    (row,) = await rows(paper_ledger)
    assert (row.topic, row.aggregatetype, row.aggregateid) == (paper_ledger.topic, "account", "a")
    assert (row.type, row.payload) == ("ledger.deposit.v1", {"account": "a", "n": 3, "amount": 1})
    assert row.lane == lane_of("a")
    assert row.headers["ce_id"] == str(row.id)


async def test_the_same_cause_says_the_same_event_again(paper_ledger: Any) -> None:
    await paper_ledger.say(paper_ledger.deposit(account="cause", n=0))
    (cause,) = await read_back(paper_ledger)
    for _ in range(2):
        await paper_ledger.say(
            paper_ledger.deposit(account="a", n=1), paper_ledger.deposit(account="b", n=1), cause=cause
        )
    _, a, b, a_again, b_again = await read_back(paper_ledger)
    assert (a.id, b.id) == (a_again.id, b_again.id)
    assert len({cause.id, a.id, b.id}) == 3
    assert a.causation_id == cause.id
    assert a.correlation_id == cause.correlation_id == str(cause.id)


async def test_the_same_run_and_edition_say_the_same_root_event_and_another_edition_another(
    paper_ledger: Any,
) -> None:
    for root in ("run:1", "run:1", "run:2"):
        await paper_ledger.say(paper_ledger.deposit(account="a", n=0), root=root)
    first, again, next_edition = await read_back(paper_ledger)
    assert first.id == again.id != next_edition.id
    assert first.correlation_id == "run:1"
    assert first.causation_id is None


async def test_events_of_nobodys_making_have_ids_of_their_own(paper_ledger: Any) -> None:
    await paper_ledger.say(*(paper_ledger.deposit(account="a", n=0) for _ in range(3)))
    assert len({envelope.id for envelope in await read_back(paper_ledger)}) == 3


async def test_new_facts_have_ids_of_their_own_and_still_tell_what_caused_them(paper_ledger: Any) -> None:
    await paper_ledger.say(paper_ledger.deposit(account="cause", n=0), root="run:1")
    (cause,) = await read_back(paper_ledger)
    twice = [paper_ledger.deposit(account="a", n=1), paper_ledger.deposit(account="a", n=2)]
    await paper_ledger.say(*twice, cause=cause, new_facts=True)
    await paper_ledger.say(*twice, cause=cause, new_facts=True)
    said = (await read_back(paper_ledger))[1:]
    assert len({envelope.id for envelope in (cause, *said)}) == 5
    assert {envelope.causation_id for envelope in said} == {cause.id}
    assert {envelope.correlation_id for envelope in said} == {"run:1"}


async def test_new_facts_of_a_run_have_ids_of_their_own_and_tell_the_run(paper_ledger: Any) -> None:
    for _ in range(2):
        await paper_ledger.say(paper_ledger.deposit(account="a", n=0), root="run:1", new_facts=True)
    first, again = await read_back(paper_ledger)
    assert first.id != again.id
    assert {first.correlation_id, again.correlation_id} == {"run:1"}


async def test_two_events_that_would_get_one_id_are_refused(paper_ledger: Any) -> None:
    twice = [paper_ledger.deposit(account="a", n=0), paper_ledger.deposit(account="a", n=1)]
    with pytest.raises(ValueError, match="one id"):
        await paper_ledger.say(*twice, root="run:1")


async def test_a_cause_and_a_root_together_are_refused(paper_ledger: Any) -> None:
    await paper_ledger.say(paper_ledger.deposit(account="a", n=0))
    (cause,) = await read_back(paper_ledger)
    with pytest.raises(ValueError, match="not both"):
        await paper_ledger.say(paper_ledger.deposit(account="a", n=1), cause=cause, root="run:1")


async def test_a_body_that_no_broker_takes_is_refused_before_it_blocks_its_lane(paper_ledger: Any) -> None:
    with pytest.raises(ValueError, match="900,000"):
        await paper_ledger.say(paper_ledger.deposit(account="ü" * LARGEST_BODY, n=0))


async def test_nothing_to_say_is_nothing_said(paper_ledger: Any) -> None:
    await paper_ledger.say()
    assert await rows(paper_ledger) == []


async def test_the_current_span_goes_with_the_event(paper_ledger: Any) -> None:
    context = SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(context)):
        await paper_ledger.say(paper_ledger.deposit(account="a", n=0))
    (envelope,) = await read_back(paper_ledger)
    assert envelope.traceparent == f"00-{0xABC:032x}-{0xDEF:016x}-01"
    await paper_ledger.say(paper_ledger.deposit(account="b", n=0), cause=envelope)
    assert (await read_back(paper_ledger))[1].traceparent == envelope.traceparent


def test_all_lanes_are_used_and_a_key_keeps_its_own() -> None:
    assert {lane_of(f"key {n}") for n in range(1000)} == set(range(LANES))
    assert lane_of("AAPL") == lane_of("AAPL")
