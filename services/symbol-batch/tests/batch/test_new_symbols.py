"""Requested symbols: answered at once, brought in, or failed, whatever dies or is said twice."""

import asyncio
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from rehearsal.spans import kept_spans
from riskstream.events.envelope import Envelope
from riskstream.events.symbol import SymbolRequested
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging.inbox import Inbox
from riskstream.runtime import tracing

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY, TUESDAY = date(2025, 7, 7), date(2025, 7, 8)


def asked(symbol: str) -> Envelope[SymbolRequested]:
    event = SymbolRequested(symbol=symbol)
    return Envelope(
        id=uuid4(),
        source="/services/onboarding",
        type=event.type,
        time=datetime.now(UTC),
        subject=symbol,
        event=event,
        correlation_id="test",
    )


async def request(batch, *envelopes: Envelope[SymbolRequested]) -> None:
    """Deliver as the consumer does: inbox row and effects in one transaction."""
    inbox = Inbox("symbols", "symbol-batch.requests")
    for envelope in envelopes:
        async with batch.engine.begin() as connection:
            if await inbox.claim(connection, [envelope.id]):
                await batch.requests.requested(connection, envelope)


async def state_of(batch, symbol: str) -> dict[str, object]:
    return dict((await batch.rows("SELECT * FROM symbols.symbol_requests WHERE symbol = $1", symbol))[0])


async def answers(batch, symbol: str) -> list[str]:
    rows = await batch.rows(
        "SELECT type FROM symbols.outbox WHERE aggregateid = $1 AND type ~ '^symbol.(ready|failed)' ORDER BY seq",
        symbol,
    )
    return [row["type"] for row in rows]


@pytest.fixture
def stranger(exchange) -> str:
    """A listed company that is not in the universe."""
    return [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][8]


@pytest.fixture
async def published(replica, exchange, stranger: str):
    """A replica with Monday's edition of everything but the stranger."""
    batch = replica()
    await batch.add([symbol for symbol in exchange.symbols if symbol != stranger])
    assert await batch.run_night_of(MONDAY) == "completed"
    exchange.forget_requests()
    return batch


async def test_the_work_goes_on_in_the_trace_of_who_asked_first(published, stranger: str) -> None:
    with kept_spans() as spans:
        with tracing.span("first") as first:
            await request(published, asked(stranger))
        with tracing.span("second"):
            await request(published, asked(stranger))
        assert await published.new_symbols.drain() == [(stranger, "ready")]
    worked = spans.only("symbol request")
    assert worked.parent is not None
    assert worked.parent.span_id == first.get_span_context().span_id
    assert worked.context.trace_id == first.get_span_context().trace_id


async def test_what_was_asked_without_a_trace_begins_one(published, stranger: str) -> None:
    await request(published, asked(stranger))
    with kept_spans() as spans:
        await published.new_symbols.drain()
    assert (await state_of(published, stranger))["traceparent"] is None
    assert spans.only("symbol request").parent is None


async def test_a_known_symbol_is_answered_at_once(published, exchange) -> None:
    await request(published, asked("SPY"))
    assert await published.events("symbol.ready.v1") == [{"symbol": "SPY", "edition": 1, "session": MONDAY.isoformat()}]
    assert await published.rows("SELECT * FROM symbols.symbol_requests") == []
    assert exchange.asked_for() == set()


async def test_an_unknown_symbol_comes_into_the_current_edition_through_the_same_steps(
    published, exchange, stranger: str
) -> None:
    await request(published, asked(stranger))
    assert await published.new_symbols.drain() == [(stranger, "ready")]
    assert exchange.asked_for() == {stranger}
    rows = await published.rows("SELECT * FROM symbols.symbol_factor_exposures WHERE symbol = $1", stranger)
    assert len(rows) == 12
    assert {(row["edition"], row["session"], row["status"]) for row in rows} == {(1, MONDAY, "estimated")}
    metric = (await published.rows("SELECT * FROM symbols.symbol_daily_metrics WHERE symbol = $1", stranger))[0]
    assert metric["price_session"] == MONDAY
    assert (await state_of(published, stranger))["state"] == "ready"
    assert await published.events("symbol.ready.v1") == [
        {"symbol": stranger, "edition": 1, "session": MONDAY.isoformat()}
    ]
    updated = [event for event in await published.events("symbol.factors.updated.v1") if event["symbol"] == stranger]
    assert [event["reason"] for event in updated] == ["new"]
    status = "SELECT status FROM symbols.symbol_universe WHERE symbol = $1"
    assert await published.value(status, stranger) == "active"


async def test_a_new_symbol_has_the_numbers_that_the_night_would_have_given_it(replica, published, stranger) -> None:
    await request(published, asked(stranger))
    await published.new_symbols.drain()
    betas = (
        "SELECT factor, beta, standard_error FROM symbols.symbol_factor_exposures WHERE symbol = $1 AND edition = $2"
    )
    as_new = await published.rows(betas, stranger, 1)
    other = await published.rows(betas, "SPY", 1)
    assert await published.run_night_of(TUESDAY) == "completed"
    as_old = await published.rows(betas, stranger, 2)
    assert len(as_old) == len(as_new) == len(other) == 12
    for new, old in zip(as_new, as_old, strict=True):
        # One session of ninety is another one.
        assert new["beta"] == pytest.approx(old["beta"], abs=2 * new["standard_error"])


async def test_a_symbol_nobody_knows_fails_as_not_found_and_is_not_asked_for_again_that_day(
    published, exchange
) -> None:
    await request(published, asked("NOPE"))
    assert await published.new_symbols.drain() == [("NOPE", "failed")]
    [failed] = await published.events("symbol.failed.v1")
    assert (failed["symbol"], failed["reason"]) == ("NOPE", "not_found")
    exchange.forget_requests()
    await request(published, asked("NOPE"))
    assert await published.new_symbols.drain() == []
    assert exchange.asked_for() == set()
    assert [event["reason"] for event in await published.events("symbol.failed.v1")] == ["not_found"] * 2
    assert await published.value("SELECT count(*) FROM symbols.symbol_universe WHERE symbol = 'NOPE'") == 0


async def test_a_failure_older_than_a_day_is_tried_anew(published) -> None:
    await request(published, asked("NOPE"))
    await published.new_symbols.drain()
    await published.rows("UPDATE symbols.symbol_requests SET finished_at = now() - interval '25 hours'")
    await request(published, asked("NOPE"))
    assert (await state_of(published, "NOPE"))["state"] == "queued"


async def test_the_same_request_twice_leaves_the_same_state(published, stranger: str) -> None:
    once, known = asked(stranger), asked("SPY")
    await request(published, once, known)
    before = await published.content()
    await request(published, once, known)
    assert await published.content() == before


async def test_many_requests_for_one_symbol_are_one_piece_of_work(published, exchange, stranger: str) -> None:
    await request(published, *(asked(stranger) for _ in range(5)))
    assert await published.new_symbols.drain() == [(stranger, "ready")]
    await request(published, asked(stranger))
    assert await answers(published, stranger) == ["symbol.ready.v1"] * 2


async def test_the_dot_form_is_the_same_symbol(published) -> None:
    await request(published, asked("brk.b"))
    assert (await state_of(published, "BRK-B"))["state"] == "queued"


async def test_what_can_be_no_symbol_fails_at_once(published) -> None:
    await request(published, asked("not a symbol"))
    [failed] = await published.events("symbol.failed.v1")
    assert (failed["symbol"], failed["reason"]) == ("not a symbol", "invalid_symbol")
    assert await published.rows("SELECT * FROM symbols.symbol_requests") == []


@pytest.mark.parametrize(("fault", "outcome"), [("refuse", "RATE_LIMITED"), ("html", "TRANSPORT")])
async def test_a_refusal_uses_up_no_attempt(published, exchange, stranger: str, fault: str, outcome: str) -> None:
    exchange.fault(kind=fault)
    await request(published, asked(stranger))
    for _ in range(5):
        await published.rows("UPDATE symbols.symbol_requests SET next_attempt_at = now() - interval '1 second'")
        async with asyncio.timeout(10):
            claim = await published.new_symbols._claim()
            assert claim is not None
            assert await published.new_symbols._attempt(claim) == "waiting_for_provider"
    waiting = await state_of(published, stranger)
    assert (waiting["state"], waiting["attempt"], waiting["last_outcome"]) == ("waiting_for_provider", 0, outcome)
    assert await answers(published, stranger) == []
    exchange.heal()
    await published.rows("UPDATE symbols.symbol_requests SET next_attempt_at = now() - interval '1 second'")
    assert await published.new_symbols.drain() == [(stranger, "ready")]


async def test_three_bad_answers_are_the_end(published, exchange, stranger: str, monkeypatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(published.new_symbols, "_work", broken)
    await request(published, asked(stranger))
    ends = []
    for _ in range(3):
        await published.rows("UPDATE symbols.symbol_requests SET next_attempt_at = now() - interval '1 second'")
        ends.append((await published.new_symbols.drain())[0][1])
        if ends[-1] == "failed":
            break
    assert ends[-1] == "failed"
    [failed] = await published.events("symbol.failed.v1")
    assert failed["reason"] == "error"
    assert "out of luck" in failed["detail"]
    assert (await state_of(published, stranger))["attempt"] == 3


async def test_before_the_first_edition_a_request_waits_and_comes_in_after_the_night(
    replica, exchange, stranger: str
) -> None:
    batch = replica()
    await request(batch, asked(stranger))
    assert await batch.new_symbols.drain() == []
    assert (await state_of(batch, stranger))["state"] == "queued"
    assert exchange.asked_for() == set()
    await batch.run_night_of(MONDAY)
    assert await batch.new_symbols.drain() == [(stranger, "ready")]


async def test_a_symbol_whose_edition_was_superseded_meanwhile_is_computed_again(
    published, replica, stranger: str, monkeypatch
) -> None:
    worker = published.new_symbols
    add, seen = worker._added, []

    async def publish_first(claim, worked) -> bool:
        seen.append(worked.edition.number)
        if len(seen) == 1:
            assert await published.run_night_of(TUESDAY) == "completed"
        return await add(claim, worked)

    monkeypatch.setattr(worker, "_added", publish_first)
    await request(published, asked(stranger))
    assert await worker.drain() == [(stranger, "ready")]
    assert seen == [1, 2]
    rows = await published.rows("SELECT edition, session FROM symbols.symbol_daily_metrics WHERE symbol = $1", stranger)
    assert [tuple(row) for row in rows] == [(2, TUESDAY)]
    assert (await published.events("symbol.ready.v1"))[-1]["edition"] == 2


async def test_a_symbol_made_ready_while_the_night_ran_comes_into_the_new_edition_too(
    published, stranger: str, monkeypatch
) -> None:
    take = published.intake.take

    async def ready_meanwhile(symbols, *arguments, **options):
        taken = await take(symbols, *arguments, **options)
        if options.get("run_id") is not None:
            await request(published, asked(stranger))
            assert await published.new_symbols.drain() == [(stranger, "ready")]
        return taken

    monkeypatch.setattr(published.intake, "take", ready_meanwhile)
    assert await published.run_night_of(TUESDAY) == "completed"
    editions = "SELECT edition FROM symbols.symbol_daily_metrics WHERE symbol = $1 ORDER BY 1"
    assert [row["edition"] for row in await published.rows(editions, stranger)] == [1]
    assert await published.new_symbols.drain() == [(stranger, "ready")]
    assert [row["edition"] for row in await published.rows(editions, stranger)] == [1, 2]


async def test_a_request_whose_worker_died_is_taken_up_by_another(published, replica, stranger: str) -> None:
    await request(published, asked(stranger))
    dead = await published.new_symbols._claim()
    assert dead is not None
    successor = replica()
    assert await successor.new_symbols.drain() == []
    await published.rows("UPDATE symbols.symbol_requests SET lease_until = now() - interval '1 second'")
    assert await successor.new_symbols.drain() == [(stranger, "ready")]
    before = await published.content()
    assert await published.new_symbols._attempt(dead) in {"fenced", "ready"}
    assert await published.content() == before


async def test_a_worker_that_lost_its_lease_adds_nothing(published, replica, stranger: str, monkeypatch) -> None:
    zombie, successor = published.new_symbols, replica().new_symbols
    add = zombie._added

    async def taken_over_first(claim, worked) -> bool:
        await published.rows("UPDATE symbols.symbol_requests SET lease_until = now() - interval '1 second'")
        assert await successor._claim() is not None
        return await add(claim, worked)

    monkeypatch.setattr(zombie, "_added", taken_over_first)
    await request(published, asked(stranger))
    claim = await zombie._claim()
    assert claim is not None
    assert await zombie._attempt(claim) == "fenced"
    assert await published.rows("SELECT * FROM symbols.symbol_daily_metrics WHERE symbol = $1", stranger) == []
    assert await answers(published, stranger) == []
    assert (await state_of(published, stranger))["state"] == "running"


async def test_three_leases_hold_over_all_replicas(published, replica) -> None:
    other = replica()
    await request(published, *(asked(f"NOPE{number}") for number in range(5)))
    claims = [await worker.new_symbols._claim() for worker in (published, other, published, other, published)]
    assert [claim is not None for claim in claims] == [True, True, True, False, False]


async def test_a_stopped_worker_gives_its_request_back_without_an_attempt(published, exchange, stranger: str) -> None:
    exchange.fault(kind="latency", milliseconds=600)
    await request(published, asked(stranger))
    running = asyncio.create_task(published.new_symbols.run())
    while (await state_of(published, stranger))["state"] != "running":  # noqa: ASYNC110  # another session's row
        await asyncio.sleep(0.01)
    published.new_symbols.stop()
    await asyncio.wait_for(running, 5)
    given_back = await state_of(published, stranger)
    assert (given_back["state"], given_back["attempt"]) == ("queued", 0)


async def test_an_inactive_symbol_that_is_asked_for_and_found_is_active_again(published, stranger: str) -> None:
    await published.rows(
        "INSERT INTO symbols.symbol_universe (symbol, status, added_at, not_found_sessions, deactivation_reason) "
        "VALUES ($1, 'inactive', now(), 5, 'not found on 5 sessions')",
        stranger,
    )
    await request(published, asked(stranger))
    await published.new_symbols.drain()
    row = (await published.rows("SELECT * FROM symbols.symbol_universe WHERE symbol = $1", stranger))[0]
    assert (row["status"], row["not_found_sessions"], row["deactivation_reason"]) == ("active", 0, None)
