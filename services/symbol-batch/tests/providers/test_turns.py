"""Turns on a real Postgres: several processes, here engines of their own, ask one provider."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextvars import copy_context

import asyncpg
import pytest

from riskstream.database.engine import create_engine
from symbol_batch.providers.breaker import FAILURES, BreakerState
from symbol_batch.providers.http_session import Closed, NotSent
from symbol_batch.providers.limit import Grant, Heard
from symbol_batch.providers.pacing import FASTEST
from symbol_batch.providers.retry_after import retry_after
from symbol_batch.providers.turns import IS_URGENT, Turns
from symbol_batch.store.provider_limits import SharedLimits, provider_limits

SLACK = 0.15
"""What is under way when a refusal is heard, and how long the news takes, in seconds."""


@pytest.fixture
async def process(database) -> AsyncIterator[Callable[..., Turns]]:
    """Makes what a process has: an engine and turns of its own."""
    engines, made = [], []

    def make(**options) -> Turns:
        engines.append(create_engine(database.dsns["symbol_batch"], application="test", pool_size=2))
        made.append(Turns("yahoo", SharedLimits(engines[-1], first_rate=FASTEST), **options))
        return made[-1]

    yield make
    for turns in made:
        await turns.aclose()
    for engine in engines:
        await engine.dispose()


async def known_rate(database, rate: float) -> None:
    """A rate that was learned before."""
    connection = await asyncpg.connect(database.superuser_dsn)
    await connection.execute(
        "INSERT INTO symbols.provider_limits (provider, rate, raised_by) VALUES ('yahoo', $1, 1.05)", rate
    )
    await connection.close()


async def ask(turns: Turns, status: int | None = 200, headers: dict[str, str] | None = None) -> float:
    """One request as a worker thread sends it; when it went."""

    def send() -> float:
        turns.before_request()
        sent = time.monotonic()
        turns.after_response(status, headers or {})
        return sent

    return await asyncio.to_thread(send)


def late_refusal(turns: Turns) -> None:
    """A refusal of a request that went a while ago."""
    turns._mine.epoch = 0
    turns.after_response(429, {"retry-after": "2"})


async def keep_asking(turns: Turns, seconds: float, sent: list[float]) -> None:
    """Three threads that always want something."""
    end = time.monotonic() + seconds

    async def one() -> None:
        while time.monotonic() < end:
            sent.append(await ask(turns))

    await asyncio.gather(*(one() for _ in range(3)))


async def test_two_processes_share_one_rate(process, database) -> None:
    await known_rate(database, 20.0)
    one, other = process(), process()
    by_one: list[float] = []
    by_other: list[float] = []
    await asyncio.gather(keep_asking(one, 2.0, by_one), keep_asking(other, 2.0, by_other))
    sent = sorted(by_one + by_other)
    rate = (len(sent) - 1) / (sent[-1] - sent[0])
    print(f"two processes at 20/s in all: {rate:.1f}/s, {len(by_one)} and {len(by_other)} requests")
    assert rate < 21.0
    # Far below it, as a machine that pauses lets turns pass unused.
    assert rate > 5.0
    assert min(len(by_one), len(by_other)) > len(sent) / 8


class Counted:
    """Limits that count how often they are asked."""

    def __init__(self, limits: SharedLimits) -> None:
        self._limits = limits
        self.exchanges = 0

    async def exchange(self, provider: str, heard: Sequence[Heard], wanted: int) -> Grant:
        self.exchanges += 1
        return await self._limits.exchange(provider, heard, wanted)


async def test_a_willing_provider_is_limited_by_the_client_and_costs_few_exchanges(database) -> None:
    engine = create_engine(database.dsns["symbol_batch"], application="test", pool_size=2)
    limits = Counted(SharedLimits(engine, first_rate=FASTEST))
    turns = Turns("yahoo", limits)
    sent: list[float] = []
    await keep_asking(turns, 2.0, sent)
    await turns.aclose()
    await engine.dispose()
    print(f"without a limit: {len(sent) / 2:.0f} requests and {limits.exchanges / 2:.0f} exchanges a second")
    assert len(sent) > 100
    assert limits.exchanges < len(sent) / 2


async def test_a_refusal_stops_all_processes_until_the_provider_wants_to_be_asked_again(process, database) -> None:
    await known_rate(database, 30.0)
    one, other = process(), process()
    sent: list[float] = []
    asking = asyncio.create_task(keep_asking(other, 3.0, sent))
    await asyncio.sleep(0.7)
    refused = await ask(one, 429, {"Retry-After": "1"})
    await asking
    assert [at for at in sent if at < refused]
    assert [at for at in sent if refused + SLACK < at < refused + 1.0] == []
    assert [at for at in sent if at > refused + 1.0]


async def test_a_slot_taken_before_somebody_elses_refusal_is_void(process, database) -> None:
    await known_rate(database, 1.0)
    one, other = process(), process()
    await ask(one)
    waiting = asyncio.create_task(ask(other))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(late_refusal, one)
    refused = time.monotonic()
    assert await waiting >= refused + 1.95


async def test_the_breaker_is_open_for_all_processes_and_one_probe_closes_it(process, database) -> None:
    one, other = process(waits_for_breaker=False), process(waits_for_breaker=False)
    for _ in range(FAILURES):
        await ask(one, None)
    await asyncio.sleep(0.05)
    closed = await other.closed()
    assert closed is not None
    assert "yahoo gave no answers, and is left alone until" in closed.detail
    with pytest.raises(NotSent, match="left alone until"):
        await ask(other)
    await _move_probe_here(database)
    await asyncio.sleep(0.12)
    asked = await asyncio.gather(*(ask(turns) for turns in (one, other) for _ in range(3)), return_exceptions=True)
    went = [at for at in asked if isinstance(at, float)]
    assert len(went) >= 1
    await asyncio.sleep(0.12)
    assert await one.closed() is None
    assert await other.closed() is None


async def _move_probe_here(database) -> None:
    connection = await asyncpg.connect(database.superuser_dsn)
    await connection.execute("UPDATE symbols.provider_limits SET probe_at = clock_timestamp()")
    await connection.close()


async def test_a_probe_goes_alone(process, database) -> None:
    turns = process(patience=0.6)
    for _ in range(FAILURES):
        await ask(turns, None)
    await _move_probe_here(database)
    await asyncio.sleep(0.12)
    went: list[float] = []

    def hang() -> None:
        turns.before_request()
        went.append(time.monotonic())

    results = await asyncio.gather(*(asyncio.to_thread(hang) for _ in range(5)), return_exceptions=True)
    assert len(went) == 1
    assert [type(result) for result in results if result is not None] == [NotSent] * 4


async def test_a_provider_that_stays_silent_is_not_waited_for_symbol_by_symbol(process, monkeypatch) -> None:
    monkeypatch.setattr("symbol_batch.providers.breaker.FIRST_OPEN", 0.2)
    monkeypatch.setattr("symbol_batch.providers.breaker.LONGEST_OPEN", 2.0)
    monkeypatch.setattr("symbol_batch.providers.turns.LONGEST_OPEN", 2.0)
    turns = process(patience=60.0)
    began = time.monotonic()
    asked = await asyncio.gather(*(ask(turns, None) for _ in range(40)), return_exceptions=True)
    sent = [at for at in asked if isinstance(at, float)]
    print(f"a silent provider: {len(sent)} of 40 sent, all ended after {time.monotonic() - began:.1f} s")
    assert len(sent) < 20
    assert time.monotonic() - began < 30


async def test_a_restart_remembers_the_pause(process) -> None:
    await ask(process(), 429, {"retry-after": "600"})
    await asyncio.sleep(0.1)
    with pytest.raises(NotSent, match=r"not asked: yahoo refused, and is left alone until 20\d\d-\d\d-\d\d "):
        await ask(process())


async def test_a_short_pause_is_waited_for(process) -> None:
    turns = process()
    refused = await ask(turns, 429)
    assert await ask(turns) >= refused + 0.95


async def test_urgent_requests_go_first(process, database) -> None:
    await known_rate(database, 5.0)
    turns = process()
    await ask(turns)
    ordinary = [asyncio.create_task(ask(turns)) for _ in range(5)]
    await asyncio.sleep(0.05)
    context = copy_context()
    context.run(IS_URGENT.set, True)
    urgent = await asyncio.create_task(ask(turns), context=context)
    sent = sorted(await asyncio.gather(*ordinary))
    assert sum(at < urgent for at in sent) <= 1


async def test_closing_sends_everybody_away_at_once(process, database) -> None:
    await known_rate(database, 0.05)
    turns = process()
    await ask(turns)
    waiting = [asyncio.create_task(ask(turns)) for _ in range(3)]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    turns.closing()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [Closed] * 3
    with pytest.raises(Closed):
        await ask(turns)
    assert time.monotonic() - began < 10, "at this rate a turn comes every twenty seconds"


class Broken:
    async def exchange(self, provider: str, heard: Sequence[Heard], wanted: int) -> Grant:
        raise ConnectionRefusedError("no database")


async def test_a_pace_that_cannot_be_read_keeps_requests_back_with_the_reason() -> None:
    turns = Turns("yahoo", Broken())
    with pytest.raises(NotSent, match=r"the pace of yahoo could not be read .ConnectionRefusedError: no database"):
        await ask(turns)
    turns.closing()
    await turns.aclose()


async def test_what_operators_read_of_a_provider(process, database) -> None:
    turns = process()
    await ask(turns)
    await ask(turns, 429, {"retry-after": "300"})
    await turns.aclose()
    engine = create_engine(database.dsns["symbol_batch"], application="test")
    async with engine.connect() as connection:
        found = await provider_limits(connection)
    await engine.dispose()
    yahoo = found["yahoo"]
    assert (yahoo.answered, yahoo.refused, yahoo.lost, yahoo.last_failure) == (1, 1, 0, "RATE_LIMITED")
    assert yahoo.breaker == BreakerState.CLOSED
    assert yahoo.paused_until is not None
    assert 290 < (yahoo.paused_until - yahoo.updated_at).total_seconds() <= 300


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 120 "}, 120),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "\u0664"}, None),
        ({"retry-after": "9" * 400}, 999_999_999),
        ({"retry-after": "Sat, 22 Nov 2025 10:01:30 GMT", "date": "Sat, 22 Nov 2025 10:00:00 GMT"}, 90),
        ({"retry-after": "Sat, 22 Nov 2025 09:00:00 GMT", "date": "Sat, 22 Nov 2025 10:00:00 GMT"}, 0),
        ({"retry-after": None}, None),
    ],
)
def test_retry_after_is_read_as_a_number_or_a_date(headers, seconds) -> None:
    assert retry_after(headers) == seconds
