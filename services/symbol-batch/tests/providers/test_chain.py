"""Several providers as one: whose answer counts, who is asked again, who is passed over."""

import asyncio
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from symbol_batch.providers.chain import Chain
from symbol_batch.providers.paced import TRIES, PacedProvider
from symbol_batch.providers.places import Places
from symbol_batch.providers.provider import (
    BarsAnswer,
    Failure,
    LimitedProvider,
    NotOffered,
    Offer,
    Outcome,
    Profile,
    ProfileAnswer,
    ProviderBars,
)
from symbol_batch.providers.turns import IS_URGENT, Turns

SESSIONS = [date(2025, 7, 3), date(2025, 7, 7)]
NAN = np.array([])
BARS = ProviderBars(np.array([], dtype="datetime64[D]"), NAN, NAN, NAN, NAN, NAN)


class Scripted(LimitedProvider):
    """Answers every symbol with its outcome, or the one that is for all."""

    def __init__(self, name: str, outcome: Outcome = Outcome.OK, offers: Sequence[Offer] = tuple(Offer), **by_symbol):
        self.name = name
        self.offers = frozenset(offers)
        self.outcome = outcome
        self.by_symbol = by_symbol
        self.asked: list[tuple[str, ...]] = []
        self.urgent: list[bool] = []
        self.is_closed = False

    def answer(self, symbol: str) -> BarsAnswer:
        outcome = self.by_symbol.get(symbol, self.outcome)
        is_ok = outcome is Outcome.OK
        detail = None if is_ok else f"{self.name} says {outcome}"
        return BarsAnswer(symbol=symbol, outcome=outcome, source=self.name, detail=detail, bars=BARS if is_ok else None)

    async def session_bars(self, symbols, sessions):
        self.asked.append(tuple(symbols))
        self.urgent.append(IS_URGENT.get())
        return [self.answer(symbol) for symbol in symbols]

    async def history(self, symbol, start):
        self.asked.append((symbol,))
        self.urgent.append(IS_URGENT.get())
        return self.answer(symbol)

    async def profile(self, symbol):
        self.asked.append((symbol,))
        return ProfileAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, profile=Profile("EQUITY"))

    async def aclose(self):
        self.is_closed = True


async def test_only_what_did_not_come_ok_is_asked_of_the_next() -> None:
    first = Scripted("first", B=Outcome.RATE_LIMITED, C=Outcome.STALE)
    second = Scripted("second")
    answers = await Chain([first, second]).session_bars(["A", "B", "C"], SESSIONS)
    assert [(answer.symbol, answer.source) for answer in answers] == [("A", "first"), ("B", "second"), ("C", "second")]
    assert second.asked == [("B", "C")]


async def test_nobody_else_is_asked_where_all_came_ok() -> None:
    second = Scripted("second")
    await Chain([Scripted("first"), second]).session_bars(["A"], SESSIONS)
    assert second.asked == []


@pytest.mark.parametrize(
    ("first", "second", "outcome", "source"),
    [
        (Outcome.NOT_FOUND, Outcome.OK, Outcome.OK, "second"),
        (Outcome.NOT_FOUND, Outcome.STALE, Outcome.NOT_FOUND, "first"),
        (Outcome.BAD_DATA, Outcome.RATE_LIMITED, Outcome.BAD_DATA, "first"),
        (Outcome.RATE_LIMITED, Outcome.STALE, Outcome.STALE, "second"),
        (Outcome.TRANSPORT, Outcome.NOT_FOUND, Outcome.NOT_FOUND, "second"),
        (Outcome.RATE_LIMITED, Outcome.TRANSPORT, Outcome.RATE_LIMITED, "first"),
    ],
)
async def test_an_ok_wins_then_what_is_said_of_the_symbol_then_a_refusal(first, second, outcome, source) -> None:
    chain = Chain([Scripted("first", first), Scripted("second", second)])
    [of_session] = await chain.session_bars(["A"], SESSIONS)
    of_history = await chain.history("A", SESSIONS[0])
    assert {(one.outcome, one.source) for one in (of_session, of_history)} == {(outcome, source)}


async def test_a_refusal_of_all_names_all() -> None:
    chain = Chain([Scripted("first", Outcome.RATE_LIMITED), Scripted("second", Outcome.TRANSPORT)])
    answer = await chain.history("A", SESSIONS[0])
    assert answer.detail == "first says RATE_LIMITED; second says TRANSPORT"


async def test_who_does_not_offer_it_is_not_asked() -> None:
    bulk = Scripted("bulk", offers=[Offer.SESSION])
    chain = Chain([bulk, Scripted("all", offers=[Offer.SESSION, Offer.PROFILE])])
    assert chain.offers == {Offer.SESSION, Offer.PROFILE}
    assert (await chain.profile("A")).source == "all"
    assert bulk.asked == []
    with pytest.raises(NotOffered, match="bulk and all does not offer fundamentals"):
        await chain.fundamentals("A")


async def test_a_chain_closes_its_members_and_the_urgent_view_does_not() -> None:
    member = Scripted("one")
    chain = Chain([member])
    await chain.urgent.aclose()
    assert not member.is_closed
    await chain.aclose()
    assert member.is_closed


def test_a_chain_of_nobody_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="RISKSTREAM_PROVIDERS=yahoo"):
        Chain([])


async def test_urgent_questions_are_marked_as_such_and_others_are_not() -> None:
    member = Scripted("one")
    chain = Chain([member])
    await asyncio.gather(chain.urgent.history("A", SESSIONS[0]), chain.history("B", SESSIONS[0]))
    await chain.urgent.session_bars(["A"], SESSIONS)
    assert member.urgent == [True, False, True]


class Open(Turns):
    """Turns that nobody waits for; closed after so many looks."""

    def __init__(self, looks: int = 10**9) -> None:
        super().__init__("one", limits=None)  # type: ignore[arg-type]  # never exchanged with
        self.looks = looks

    async def closed(self) -> Failure | None:
        self.looks -= 1
        return None if self.looks >= 0 else Failure(Outcome.TRANSPORT, "not asked: one gave no answers")


async def test_what_was_refused_is_asked_again_a_few_times() -> None:
    member = Scripted("one", Outcome.RATE_LIMITED)
    answer = await PacedProvider(member, Open()).history("A", SESSIONS[0])
    assert answer.outcome is Outcome.RATE_LIMITED
    assert len(member.asked) == TRIES


async def test_a_lost_answer_is_not_asked_for_again() -> None:
    member = Scripted("one", Outcome.TRANSPORT)
    await PacedProvider(member, Open()).history("A", SESSIONS[0])
    assert len(member.asked) == 1


async def test_a_closed_provider_is_not_asked_and_says_why() -> None:
    member = Scripted("one")
    answers = await PacedProvider(member, Open(looks=0)).session_bars(["A", "B"], SESSIONS)
    assert member.asked == []
    assert [(one.symbol, one.outcome, one.source) for one in answers] == [
        ("A", Outcome.TRANSPORT, "one"),
        ("B", Outcome.TRANSPORT, "one"),
    ]
    assert answers[0].detail == "not asked: one gave no answers"


async def test_a_provider_of_single_symbols_is_asked_for_each_and_a_bulk_provider_once() -> None:
    single, bulk = Scripted("one"), Scripted("one")
    answers = await PacedProvider(single, Open(), in_flight=2).session_bars(["A", "B", "C"], SESSIONS)
    await PacedProvider(bulk, Open()).session_bars(["A", "B", "C"], SESSIONS)
    assert [answer.symbol for answer in answers] == ["A", "B", "C"]
    assert single.asked == [("A",), ("B",), ("C",)]
    assert bulk.asked == [("A", "B", "C")]


async def test_places_are_few_go_to_the_urgent_first_and_survive_cancelling() -> None:
    places, order = Places(1), []
    release = asyncio.Event()

    async def take(name: str, *, urgent: bool = False) -> None:
        IS_URGENT.set(urgent)
        async with places:
            order.append(name)
            await release.wait()

    first = asyncio.create_task(take("first"))
    await asyncio.sleep(0)
    tasks = {name: asyncio.create_task(take(name)) for name in ("given up", "second", "third")}
    await asyncio.sleep(0)
    urgent = asyncio.create_task(take("urgent", urgent=True))
    await asyncio.sleep(0)
    tasks["given up"].cancel()
    await asyncio.sleep(0)
    assert order == ["first"]
    release.set()
    await asyncio.gather(first, urgent, *tasks.values(), return_exceptions=True)
    assert order == ["first", "urgent", "second", "third"]


async def test_a_place_that_was_given_to_somebody_cancelled_at_that_moment_is_passed_on() -> None:
    places = Places(1)
    await places.__aenter__()

    async def take() -> str:
        async with places:
            return "had it"

    unlucky, next_one = asyncio.create_task(take()), asyncio.create_task(take())
    await asyncio.sleep(0)
    await places.__aexit__(None, None, None)
    unlucky.cancel()
    assert await asyncio.wait_for(next_one, 1.0) == "had it"
