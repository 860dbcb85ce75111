"""Events make answers fast; lost, doubled or late they change none."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from analytics.cache.answer import Question
from analytics.measures import MEASURES
from analytics.warming import RecentQuestions, Warming
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioRefreshed
from riskstream.events.symbol import SymbolBatchCompleted

MONDAY, TUESDAY = date(2024, 12, 16), date(2024, 12, 17)


def _envelope(event: Event) -> Any:
    return Envelope(
        id=uuid4(),
        source="/tests",
        type=event.type,
        time=datetime(2024, 12, 17, tzinfo=UTC),
        subject=event.key,
        event=event,
        correlation_id="tests",
    )


def _refreshed(portfolio: UUID, valuation: int, owner: str = "ana") -> Any:
    return _envelope(
        PortfolioRefreshed(
            portfolio=portfolio,
            owner=owner,
            valuation=valuation,
            portfolio_version=1,
            edition=1,
            from_session=MONDAY,
            to_session=MONDAY,
            cause="change",
        )
    )


@pytest.fixture
async def warm_replica(replica: Any) -> AsyncIterator[Any]:
    running = asyncio.create_task(replica.warming.run())
    yield replica
    replica.warming.stop()
    await asyncio.wait_for(running, 5)


async def _portfolio(world: Any) -> UUID:
    await world.edition(1, MONDAY)
    await world.symbol(1, "AAA", 1.0)
    portfolio: UUID = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 900.0))
    return portfolio


async def _until(condition: Any) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_after_a_fold_the_questions_asked_lately_are_hits(world: Any, warm_replica: Any) -> None:
    portfolio = await _portfolio(world)
    await warm_replica.ask(portfolio, "overview", top=4)
    await warm_replica.ask(portfolio, "factor-exposures")
    valuation = await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 800.0))
    await warm_replica.hints.portfolio_refreshed(_refreshed(portfolio, valuation))
    await _until(lambda: len(warm_replica.process) == 2)
    for measure, parameters in (("overview", {"top": 4}), ("factor-exposures", {})):
        body = await warm_replica.ask(portfolio, measure, **parameters)
        assert (body["cache"], body["valuation"]) == ("process", 2)


async def test_after_a_fold_older_answers_are_gone_from_process_and_redis(world: Any, replica: Any) -> None:
    portfolio = await _portfolio(world)
    await replica.ask(portfolio, "overview")
    valuation = await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 800.0))
    await replica.ask(portfolio, "overview")
    redis = replica.redis._redis
    assert (len(replica.process), len(await redis.keys("*"))) == (2, 2)
    for _ in range(2):  # told twice, the same state
        await replica.hints.portfolio_refreshed(_refreshed(portfolio, valuation))
        assert (len(replica.process), len(await redis.keys("*"))) == (1, 1)
    assert (await replica.ask(portfolio, "overview"))["cache"] == "process"


async def test_an_event_that_names_the_wrong_owner_shows_nothing_to_anybody(world: Any, warm_replica: Any) -> None:
    portfolio = await _portfolio(world)
    await warm_replica.ask(portfolio, "overview")
    await warm_replica.hints.portfolio_refreshed(_refreshed(portfolio, 1, owner="bob"))
    await warm_replica.hints.portfolio_refreshed(_refreshed(uuid4(), 9))
    assert (await warm_replica.get(portfolio, "overview", owner="bob")).status_code == 404
    assert (await warm_replica.ask(portfolio, "overview"))["valuation"] == 1


async def test_a_finished_batch_has_its_edition_read_before_the_first_question(world: Any, replica: Any) -> None:
    await _portfolio(world)
    await world.edition(2, TUESDAY)
    await world.symbol(2, "AAA", 3.0)
    event = SymbolBatchCompleted(
        run=uuid4(), session=TUESDAY, edition=2, active=1, priced=1, with_exposures=1, coverage=1.0
    )
    for _ in range(2):
        await replica.hints.batch_completed(_envelope(event))
        assert replica.symbols.kept == (2,)
    assert "AAA" in (await replica.symbols.edition(2, [])).index


def _question(top: int) -> Question:
    measure = MEASURES["overview"]
    return Question(measure, measure.parameters(top=top))


def test_only_the_last_questions_of_the_last_portfolios_are_remembered() -> None:
    recent = RecentQuestions(portfolios=2, questions=2)
    a, b, c = (uuid4() for _ in range(3))
    for top in (1, 2, 1, 3):
        recent.remember(a, _question(top))
    assert [question.parameters.top for question in recent.of(a)] == [1, 3]
    recent.remember(b, _question(1))
    recent.remember(c, _question(1))
    assert (recent.of(a), len(recent.of(c))) == ((), 1)


async def test_what_fails_while_warming_stops_nothing() -> None:
    recent, asked = RecentQuestions(10, 2), []
    portfolios = [uuid4() for _ in range(3)]

    async def ask(owner: str, portfolio: UUID, question: Question) -> None:
        asked.append(portfolio)
        if portfolio == portfolios[0]:
            raise ConnectionError("away")

    warming = Warming(recent, ask, waiting=2)
    for portfolio in portfolios:
        recent.remember(portfolio, _question(1))
        warming.request("ana", portfolio)
        warming.request("ana", portfolio)
    running = asyncio.create_task(warming.run())
    await _until(lambda: len(asked) == 2)
    warming.stop()
    await asyncio.wait_for(running, 2)
    # The third one did not fit; each of the others was asked once.
    assert asked == portfolios[:2]


async def test_the_night_warms_one_portfolio_at_a_time_and_lets_requests_pass(world: Any, replica: Any) -> None:
    """Of each portfolio's questions, what was asked last comes first."""
    await world.edition(1, MONDAY)
    await world.symbol(1, "AAA", 1.0)
    asked = [await world.portfolio() for _ in range(12)]
    for portfolio in asked:
        await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 900.0))
        await replica.ask(portfolio, "overview", top=4)
        await replica.ask(portfolio, "factor-exposures")
    never_asked = await world.portfolio()
    await world.fold(never_asked, 1, MONDAY, world.lot("AAA", 900.0))
    warmed: list[tuple[UUID, str]] = []
    under_way = most = 0

    async def ask(owner: str, portfolio: UUID, question: Question) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if len(warmed) == len(asked):  # half of the night: somebody asks, and is not kept waiting for the rest
            let_in.set()
            await gate.wait()
        await replica.answers.answer(owner, portfolio, question)
        warmed.append((portfolio, question.measure.name))
        under_way -= 1

    let_in, gate = asyncio.Event(), asyncio.Event()
    replica.warming._ask = ask
    for portfolio in (*asked, never_asked):
        valuation = await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 800.0))
        await replica.hints.portfolio_refreshed(_refreshed(portfolio, valuation))
    running = asyncio.create_task(replica.warming.run())
    await asyncio.wait_for(let_in.wait(), 5)
    assert (await asyncio.wait_for(replica.ask(asked[-1], "overview", top=4), 5))["cache"] == "miss"
    assert (await asyncio.wait_for(replica.ask(asked[0], "overview", top=4), 5))["cache"] == "process"
    gate.set()
    await _until(lambda: len(warmed) == 2 * len(asked))
    replica.warming.stop()
    await asyncio.wait_for(running, 5)
    assert most == 1
    # The last portfolio's overview was asked for again meanwhile.
    expected = [(portfolio, name) for portfolio in asked[:-1] for name in ("factor-exposures", "overview")]
    assert warmed == [*expected, (asked[-1], "overview"), (asked[-1], "factor-exposures")]
    for portfolio in asked:
        for measure, parameters in (("overview", {"top": 4}), ("factor-exposures", {})):
            body = await replica.ask(portfolio, measure, **parameters)
            assert (body["cache"], body["valuation"]) == ("process", 2)
