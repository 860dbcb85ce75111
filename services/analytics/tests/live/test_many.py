"""A thousand who only listen cost one statement now and then; who does not read costs no memory."""

import asyncio
import contextlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from analytics.heads import Head, UnknownPortfolioError
from analytics.live import LiveUpdates, Standing
from riskstream.runtime.clock import Clock

MONDAY = date(2024, 12, 16)
SUBSCRIBERS = 1_000

_PORTFOLIOS = """
INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, created_at, changed_at)
SELECT lpad(n::text, 32, '0')::uuid, 'ana', 'p', 1, $2, now(), now() FROM generate_series(1, $1::int) AS n
"""
_HEADS = """
INSERT INTO valuations.valuation_heads (portfolio_id, owner_id, valuation, portfolio_version, edition, session,
                                        unknown_symbols, folded_at)
SELECT portfolio_id, owner_id, 1, 1, 1, $1, '{}', now() FROM portfolios.portfolios
"""


class Counted:
    """A pool that counts what is asked of it."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.statements = 0

    async def fetch(self, *arguments: Any, **named: Any) -> Any:
        self.statements += 1
        return await self._pool.fetch(*arguments, **named)


async def _until_told(reader: asyncio.StreamReader, name: str) -> bytes:
    said = b""
    while f"event: {name}\n".encode() not in said:
        chunk = await asyncio.wait_for(reader.read(4096), 30)
        assert chunk, said
        said += chunk
    return said


def _resident() -> int:
    """Bytes of this process, which is the replica and all its clients."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def test_a_thousand_idle_subscribers_of_as_many_portfolios_cost_one_statement_a_poll(
    serve: Any, world: Any
) -> None:
    await world.edition(1, MONDAY)
    await world.connection.execute(_PORTFOLIOS, SUBSCRIBERS, MONDAY)
    await world.connection.execute(_HEADS, MONDAY)
    served = await serve(poll_seconds=0.1, per_owner=SUBSCRIBERS, in_process=SUBSCRIBERS)
    live, host_port = served.replica.live, served.http.address
    bearer = served.replica.bearer("ana")["Authorization"]
    empty = _resident()

    async def subscribe(number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*host_port)
        path = f"/api/v1/analytics/portfolio/{UUID(f'{number:032d}')}/events"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: analytics\r\nAuthorization: {bearer}\r\n\r\n".encode())
        await _until_told(reader, "status")
        return reader, writer

    open_now = []
    for start in range(1, SUBSCRIBERS + 1, 50):
        open_now += await asyncio.gather(*map(subscribe, range(start, start + 50)))
    assert live.followers == SUBSCRIBERS
    grown = _resident() - empty
    print(f"{SUBSCRIBERS} subscribers and their clients: {grown / 1e6:.0f} MB, {len(asyncio.all_tasks())} tasks")
    assert grown < 200e6

    counted = Counted(served.replica.heads._pool)
    served.replica.heads._pool = counted
    polls = 0
    many = served.replica.heads.many

    async def counting(asked: Any) -> Any:
        nonlocal polls
        polls += 1
        return await many(asked)

    served.replica.heads.many = counting
    while polls < 5:  # noqa: ASYNC110  # another task counts
        await asyncio.sleep(0.05)
    assert counted.statements <= polls

    # And the one that has news is told it, alone.
    await world.fold(UUID(f"{500:032d}"), 1, MONDAY, cash=1.0)
    assert b"id: 2\n" in await _until_told(open_now[499][0], "refreshed")
    quiet = open_now[0][0].read(1)
    with contextlib.suppress(TimeoutError):
        assert await asyncio.wait_for(quiet, 0.3) == b":"  # a heartbeat at most
    for _, writer in open_now:
        writer.close()
    await served.nobody()


class Moved:
    """Heads that go up by one valuation with every read, until the portfolio is deleted."""

    def __init__(self) -> None:
        self.reads = 0
        self.gone = False

    async def many(self, asked: Any) -> list[Any]:
        self.reads += 1
        if self.gone:
            return [UnknownPortfolioError() for _ in asked]
        return [Head(self.reads, 1, 1, MONDAY, 1) for _ in asked]

    async def head(self, owner: str, portfolio: UUID) -> Head:
        return Head(0, 1, 1, MONDAY, 1)


class Sessions:
    async def sessions(self) -> tuple[date, ...]:
        return (MONDAY, MONDAY + timedelta(days=1))


async def test_a_slow_reader_is_given_the_newest_standing_only() -> None:
    heads: Any = Moved()
    sessions: Any = Sessions()
    live = LiveUpdates(heads, sessions, Clock(), poll_seconds=0.001)
    running = asyncio.create_task(live.run())
    known = await live.standing("ana", UUID(int=1))
    standings = live.follow("ana", UUID(int=1), known)
    try:
        for _ in range(3):
            behind = heads.reads + 5
            first = asyncio.create_task(anext(standings))
            while heads.reads < behind:  # noqa: ASYNC110  # another task reads
                await asyncio.sleep(0.005)
            await first
            while heads.reads < behind + 5:  # noqa: ASYNC110  # the same
                await asyncio.sleep(0.005)
            newest = heads.reads
            standing = await anext(standings)
            assert standing is not None
            assert standing.head is not None
            assert standing.head.valuation >= newest - 1
        heads.gone = True
        while await anext(standings) is not None:
            pass
    finally:
        await standings.aclose()
        live.stop()
        await asyncio.wait_for(running, 5)
    assert live.followers == 0
    assert not live._followers


async def test_a_reading_that_is_older_than_what_was_told_tells_nothing() -> None:
    heads: Any = Moved()
    sessions: Any = Sessions()
    live = LiveUpdates(heads, sessions, Clock(), poll_seconds=0.001)
    running = asyncio.create_task(live.run())
    known = Standing(Head(20, 1, 1, MONDAY, 1), pending=False, age=None)
    standings = live.follow("ana", UUID(int=1), known)
    try:
        standing = await asyncio.wait_for(anext(standings), 10)
        assert standing is not None
        assert standing.head is not None
        assert standing.head.valuation >= 20
    finally:
        await standings.aclose()
        live.stop()
        await asyncio.wait_for(running, 5)


async def test_readings_that_say_the_same_wake_nobody() -> None:
    class Still(Moved):
        async def many(self, asked: Any) -> list[Any]:
            self.reads += 1
            return [await self.head(*one) for one in asked]

    heads: Any = Still()
    sessions: Any = Sessions()
    live = LiveUpdates(heads, sessions, Clock(), poll_seconds=0.001)
    running = asyncio.create_task(live.run())
    standings = live.follow("ana", UUID(int=1), await live.standing("ana", UUID(int=1)))
    woken = asyncio.create_task(anext(standings))
    try:
        while heads.reads < 5:  # noqa: ASYNC110  # another task reads
            await asyncio.sleep(0.005)
        assert not woken.done()
    finally:
        woken.cancel()
        await asyncio.wait({woken})
        await standings.aclose()
        live.stop()
        await asyncio.wait_for(running, 5)
