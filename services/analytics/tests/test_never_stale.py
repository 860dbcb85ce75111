"""Reads, folds, events and faults at random over two replicas; a checker that sees only the history.

Each fold writes a NAV one higher than the last, so that an answer's NAV says which fold it shows.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import pytest

MONDAY = date(2024, 12, 16)
PORTFOLIOS = 6


@dataclass
class Read:
    client: int
    portfolio: UUID
    committed_before: float
    """NAV of the last fold that had been committed when the request was sent."""
    shown: float


@dataclass
class History:
    committed: dict[UUID, float] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)


def violations(history: History) -> list[str]:
    """Answers older than the head at the time of asking, and answers older than the same client had seen."""
    found = []
    seen: dict[tuple[int, UUID], float] = {}
    for read in history.reads:
        if read.shown < read.committed_before:
            found.append(f"stale: {read}")
        known = seen.get((read.client, read.portfolio), 0.0)
        if read.shown < known:
            found.append(f"went back from {known}: {read}")
        seen[read.client, read.portfolio] = max(known, read.shown)
    return found


class Story:
    """Two replicas, some clients that go to either, and somebody who folds, tells, tells late and breaks Redis."""

    def __init__(self, world: Any, replicas: list[Any], seed: int) -> None:
        self._world = world
        self._replicas = replicas
        self._random = random.Random(seed)
        self._late: list[tuple[UUID, int]] = []
        self._dump: dict[bytes, bytes] = {}
        self.history = History()

    async def play(self, *, told: Callable[[Any, UUID, int], Awaitable[None]], turns: int = 40) -> None:
        await self._world.edition(1, MONDAY)
        for _ in range(PORTFOLIOS):
            portfolio = await self._world.portfolio("ana")
            self.history.committed[portfolio] = 1.0
            await self._world.fold(portfolio, 1, MONDAY, cash=1.0)
        stop = asyncio.Event()
        clients = [asyncio.create_task(self._client(number, stop)) for number in range(3)]
        for _ in range(turns):
            await self._turn(told)
        stop.set()
        await asyncio.gather(*clients)

    async def _client(self, number: int, stop: asyncio.Event) -> None:
        choices = random.Random(number)
        while not stop.is_set():
            portfolio = choices.choice(list(self.history.committed))
            before = self.history.committed[portfolio]
            body = await choices.choice(self._replicas).ask(portfolio, "overview")
            self.history.reads.append(Read(number, portfolio, before, body["data"]["nav"]))
            await asyncio.sleep(0.001)  # a reader that never waits would keep the loop for itself

    async def _turn(self, told: Callable[[Any, UUID, int], Awaitable[None]]) -> None:
        portfolio = self._random.choice(list(self.history.committed))
        nav = self.history.committed[portfolio] + 1
        valuation = await self._world.fold(portfolio, 1, MONDAY, cash=nav)
        self.history.committed[portfolio] = nav
        self._late.append((portfolio, valuation))
        # Told late, twice, in any order, or never.
        for known, number in self._random.sample(self._late, k=min(3, len(self._late))):
            for replica in self._replicas:
                if self._random.random() < 0.5:
                    await told(replica, known, number)
        await self._break_redis()

    async def _break_redis(self) -> None:
        redis = self._replicas[0].redis._redis
        match self._random.randrange(8):
            case 0:
                self._dump = {key: value for key in await redis.keys("*") if (value := await redis.get(key))}
            case 1 if self._dump:
                await redis.flushall()
                await redis.mset(self._dump)
            case 2:
                await redis.flushall()
            case _:
                await asyncio.sleep(self._random.random() / 100)


async def _drop_older(replica: Any, portfolio: UUID, valuation: int) -> None:
    await replica.answers.drop_older(portfolio, valuation)


@pytest.mark.parametrize("seed", range(3))
async def test_no_answer_is_older_than_its_head_or_than_the_client_has_seen(
    world: Any, make_replica: Any, seed: int
) -> None:
    story = Story(world, [await make_replica(), await make_replica()], seed)
    await story.play(told=_drop_older)
    assert len(story.history.reads) > 20
    assert violations(story.history) == []


async def test_replicas_that_believe_events_instead_of_the_head_are_caught(world: Any, make_replica: Any) -> None:
    replicas = [await make_replica(), await make_replica()]
    believed: dict[tuple[int, UUID], Any] = {}

    def remember(replica: Any) -> None:
        read = replica.heads.head

        async def head(owner: str, portfolio: UUID) -> Any:
            if (id(replica), portfolio) not in believed:
                believed[id(replica), portfolio] = await read(owner, portfolio)
            return believed[id(replica), portfolio]

        replica.heads.head = head

    async def forget(replica: Any, portfolio: UUID, _: int) -> None:
        believed.pop((id(replica), portfolio), None)

    for replica in replicas:
        remember(replica)
    story = Story(world, replicas, seed=0)
    await story.play(told=forget)
    assert violations(story.history) != []
