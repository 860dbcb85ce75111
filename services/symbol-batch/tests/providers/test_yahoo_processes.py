"""Yahoo asked by real child processes, against the simulator: answers, turns, and what a killed process leaves."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from symbol_batch.providers import yahoo_conversation
from symbol_batch.providers.http_session import Closed, Headers, NotSent
from symbol_batch.providers.provider import Outcome
from symbol_batch.providers.turns import IS_URGENT
from symbol_batch.providers.yahoo import YahooProvider
from symbol_batch.providers.yahoo_messages import SetUp
from symbol_batch.providers.yahoo_processes import YahooProcesses

START = date(2025, 6, 2)
SESSIONS = [date(2025, 7, day) for day in (7, 8, 9)]


class OpenLine:
    """A line in which nobody waits, or everybody, or all are sent away; it remembers what it was told."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.is_standing = False
        self.urgent: list[bool] = []
        self.told: list[tuple[int, int | None, Headers]] = []

    def join(self, *, is_urgent: bool) -> "Future[int]":
        self.urgent.append(is_urgent)
        turn: Future[int] = Future()
        if self.is_standing:
            return turn
        if self.refusal is None:
            turn.set_result(len(self.urgent))
        else:
            turn.set_exception(self.refusal)
        return turn

    def learn(self, epoch: int, status: int | None, headers: Headers) -> None:
        self.told.append((epoch, status, headers))


@pytest.fixture
def line() -> OpenLine:
    return OpenLine()


@pytest.fixture
async def yahoo(exchange, line) -> AsyncIterator[Callable[..., YahooProcesses]]:
    """Makes the provider; its processes are ended."""
    made: list[YahooProcesses] = []

    def make(concurrency: int = 4, processes: int = 2, deadline: float = 10.0, silence: float = 30.0) -> YahooProcesses:
        set_up = SetUp(exchange.url, concurrency, deadline, "symbol-batch", "json", "WARNING", silence)
        made.append(YahooProcesses(line, set_up, processes=processes))
        return made[-1]

    yield make
    for provider in made:
        await provider.aclose()


def children() -> list[int]:
    """The processes that ask Yahoo for us and are alive."""
    asked = ["ps", "-ww", "-o", "pid=,stat=,args=", "--ppid", str(os.getpid())]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True)
    rows = [row.split(None, 2) for row in listed.stdout.splitlines()]
    return [int(pid) for pid, state, command in rows if yahoo_conversation.CHILD in command and "Z" not in state]


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what other processes do."""
    while not happened():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def gone_within(seconds: float, process: int) -> bool:
    """Whether the process ends in time."""
    ends = time.monotonic() + seconds
    while (alive := Path(f"/proc/{process}").exists()) and time.monotonic() < ends:
        time.sleep(0.1)
    return not alive


async def test_the_answers_are_those_of_the_client_in_this_process(yahoo, exchange) -> None:
    symbols = [*exchange.symbols[:12], "NOBODY"]
    there, here = yahoo(), YahooProvider(base=exchange.url, deadline=10.0)
    answers = await there.session_bars(symbols, SESSIONS)
    expected = await here.session_bars(symbols, SESSIONS)
    assert [(one.symbol, one.outcome, one.source) for one in answers] == [
        (one.symbol, one.outcome, one.source) for one in expected
    ]
    assert answers[-1].outcome is Outcome.NOT_FOUND
    for one, other in zip(answers[:-1], expected[:-1], strict=True):
        assert one.bars is not None
        assert other.bars is not None
        assert np.array_equal(one.bars.days, other.bars.days)
        assert np.array_equal(one.bars.close, other.bars.close)
    symbol = symbols[0]
    assert (await there.actions(symbol, START)) == (await here.actions(symbol, START))
    assert (await there.profile(symbol)) == (await here.profile(symbol))
    assert (await there.fundamentals(symbol)) == (await here.fundamentals(symbol))
    history = await there.history(symbol, START)
    assert history.bars is not None
    assert history.bars.days[0] == np.datetime64(START)
    await here.aclose()


async def test_all_processes_together_keep_to_the_bound_and_share_the_work(yahoo, exchange) -> None:
    exchange.fault(kind="latency", milliseconds=100)
    provider = yahoo(concurrency=5)
    answers = await provider.session_bars(exchange.symbols[:25], SESSIONS)
    assert {answer.outcome for answer in answers} == {Outcome.OK}
    assert exchange.most_in_flight() == 5
    assert len(children()) == 2


async def test_one_question_at_a_time_needs_one_process(yahoo, exchange) -> None:
    provider = yahoo(concurrency=2)
    for symbol in exchange.symbols[:3]:
        assert (await provider.history(symbol, START)).outcome is Outcome.OK
    assert len(children()) == 1


async def test_every_request_waits_for_its_turn_and_what_came_back_is_told(yahoo, exchange, line) -> None:
    provider = yahoo()
    assert (await provider.history(exchange.symbols[0], START)).outcome is Outcome.OK
    exchange.fault(kind="refuse", retry_after=7)
    refused = await provider.history(exchange.symbols[1], START)
    assert refused.outcome is Outcome.RATE_LIMITED
    assert [(epoch, status) for epoch, status, _ in line.told] == [(1, 200), (2, 429)]
    assert line.told[1][2]["retry-after"] == "7"


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [(NotSent("not asked: yahoo refused"), Outcome.RATE_LIMITED), (Closed(), Outcome.TRANSPORT)],
)
async def test_who_is_sent_away_from_the_line_asks_nothing(yahoo, exchange, line, refusal, outcome) -> None:
    line.refusal = refusal
    answer = await yahoo().history(exchange.symbols[0], START)
    assert (answer.outcome, answer.detail) == (outcome, str(refusal))
    assert exchange.asked_for() == set()
    assert line.told == []


async def test_an_urgent_question_is_urgent_in_the_line(yahoo, exchange, line) -> None:
    provider = yahoo()
    token = IS_URGENT.set(True)
    await provider.history(exchange.symbols[0], START)
    IS_URGENT.reset(token)
    await provider.history(exchange.symbols[0], START)
    assert line.urgent == [True, False]


async def test_a_killed_process_costs_its_questions_and_the_next_one_starts_another(yahoo, exchange) -> None:
    exchange.fault(kind="latency", milliseconds=2_000)
    provider = yahoo(concurrency=3, processes=1)
    asking = [asyncio.create_task(provider.history(symbol, START)) for symbol in exchange.symbols[:3]]
    await until(lambda: exchange.most_in_flight() == 3)
    [child] = children()
    os.kill(child, signal.SIGKILL)
    for answer in await asyncio.gather(*asking):
        assert answer.outcome is Outcome.TRANSPORT
        assert answer.detail == "no answer: the process that asks yahoo ended with code -9"
    exchange.heal()
    assert (await provider.history(exchange.symbols[0], START)).outcome is Outcome.OK
    assert children() != [child]


async def test_a_process_that_stands_still_is_killed_and_the_next_question_starts_another(yahoo, exchange) -> None:
    provider = yahoo(concurrency=1, processes=1, silence=6.0)
    assert (await provider.history(exchange.symbols[0], START)).outcome is Outcome.OK
    [child] = children()
    os.kill(child, signal.SIGSTOP)
    async with asyncio.timeout(15):
        answer = await provider.history(exchange.symbols[0], START)
    assert answer.outcome is Outcome.TRANSPORT
    assert answer.detail == "no answer: the process that asks yahoo stood still for 6 s"
    assert (await provider.history(exchange.symbols[0], START)).outcome is Outcome.OK
    assert children() != [child]


async def test_a_pause_of_the_line_longer_than_the_watch_kills_nobody(yahoo, exchange, line) -> None:
    provider = yahoo(concurrency=1, processes=1, silence=6.0)
    assert (await provider.history(exchange.symbols[0], START)).outcome is Outcome.OK
    before = children()
    line.is_standing = True
    asking = asyncio.create_task(provider.history(exchange.symbols[0], START))
    await asyncio.sleep(8.0)
    assert children() == before
    assert not asking.done()
    await provider.aclose()
    await asking


async def test_a_process_that_cannot_start_is_every_questions_outcome(yahoo, exchange, monkeypatch) -> None:
    monkeypatch.setattr(yahoo_conversation, "CHILD", "symbol_batch.no_such_module")
    answers = await yahoo().session_bars(exchange.symbols[:3], SESSIONS)
    assert {answer.outcome for answer in answers} == {Outcome.TRANSPORT}
    assert answers[0].detail == "no answer: the process that asks yahoo ended with code 1"


async def test_a_question_that_nobody_wants_any_more_keeps_its_place_until_it_is_answered(yahoo, exchange) -> None:
    exchange.fault(kind="latency", milliseconds=400)
    provider = yahoo(concurrency=1, processes=1)
    given_up = asyncio.create_task(provider.history(exchange.symbols[0], START))
    await until(lambda: exchange.most_in_flight() == 1)
    given_up.cancel()
    assert (await provider.history(exchange.symbols[1], START)).outcome is Outcome.OK
    assert exchange.most_in_flight() == 1


async def test_closing_ends_the_processes_and_what_they_wait_for(yahoo, exchange, line) -> None:
    provider = yahoo()
    line.is_standing = True
    asking = asyncio.create_task(provider.history(exchange.symbols[0], START))
    await until(lambda: line.urgent == [False])
    began = time.monotonic()
    await provider.aclose()
    assert time.monotonic() - began < 15
    assert (await asking).outcome is Outcome.TRANSPORT
    assert children() == []
    assert (await provider.history(exchange.symbols[0], START)).detail == "not sent: shutting down"


ASKS = """
import asyncio, sys
from datetime import date
sys.path.insert(0, sys.argv[2])
from test_yahoo_processes import START, OpenLine, SetUp, YahooProcesses, children

async def main():
    provider = YahooProcesses(OpenLine(), SetUp(sys.argv[1], 2, 10.0, "test", "json", "WARNING"), processes=1)
    print((await provider.history(sys.argv[3], START)).outcome, *children(), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_killed_parent_leaves_no_process_behind(exchange) -> None:
    arguments = [exchange.url, str(Path(__file__).parent), exchange.symbols[0]]
    parent = subprocess.Popen([sys.executable, "-c", ASKS, *arguments], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        outcome, child = parent.stdout.readline().split()
    assert outcome == Outcome.OK
    parent.kill()
    parent.wait()
    assert gone_within(8.0, int(child))
