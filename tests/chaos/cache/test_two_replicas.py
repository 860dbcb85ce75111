"""Reads, changes, folds and events at random over two processes of analytics, while Valkey and Kafka fail."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from chaos_story.dumps import ValkeyDump
from chaos_story.folded_by_hand import OWNER, SESSION, FoldedByHand
from chaos_story.reads import Read, stale, went_back
from local_stack.database import Database, prepare_database
from local_stack.folders import PROJECT
from local_stack.issuer import Issuer
from local_stack.programs import Analytics
from local_stack.stack import Stack
from local_stack.system import TOPICS_FILE
from own_system.servers import OwnServers
from riskstream.events.envelope import Envelope
from riskstream.events.portfolio import PortfolioRefreshed
from riskstream.messaging.topics import create_topics
from riskstream.runtime.clock import Clock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PORTFOLIOS = 6
CLIENTS = 4
WARM_SECONDS = 2.0
KAFKA_AWAY_SECONDS = 20.0
SHORTER_AWAY_SECONDS = 6.0
"""Where it is only to be shown that staleness is found: that takes no outage at all."""

Event = tuple[UUID, int, int, int]


class DeleteOnEventAnalytics(Analytics):
    """The same process with the usual cache."""

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", "chaos_story.delete_on_event"]


class Story:
    """Clients that go to either replica, and somebody who folds and tells of it: at once, late, twice, or never."""

    def __init__(self, folds: FoldedByHand, replicas: list[Analytics], headers: dict[str, str], seed: int) -> None:
        self.folds = folds
        self.reads: list[Read] = []
        self.refused = 0
        self.old_in_the_end: list[UUID] = []
        self._urls = [replica.url for replica in replicas]
        self._headers = headers
        self._seed = seed
        self._dice = random.Random(seed)
        self._told: list[Event] = []
        self._stop = asyncio.Event()

    async def during(self, producer: AIOKafkaProducer | None, seconds: float) -> None:
        """Change, fold and tell for so long; without a producer nobody is told."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            await self._turn(producer)
            await asyncio.sleep(self._dice.uniform(0.005, 0.05))

    async def while_it(self, happens: Callable[[], None], producer: AIOKafkaProducer | None = None) -> None:
        """Go on while something blocking happens in a thread."""
        happening = asyncio.create_task(asyncio.to_thread(happens))
        while not happening.done():
            await self.during(producer, 0.1)
        await happening

    async def look_when_all_is_over(self) -> None:
        """Ask every replica about every portfolio, while nothing has happened for a while."""
        await asyncio.sleep(1)
        async with httpx.AsyncClient(timeout=20, trust_env=False, headers=self._headers) as client:
            for portfolio, number in self.folds.committed.items():
                for url in self._urls:
                    answer = await client.get(f"{url}/api/v1/analytics/portfolio/{portfolio}/overview")
                    if answer.json()["data"]["nav"] < number:
                        self.old_in_the_end.append(portfolio)

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(number))
            try:
                yield
            finally:
                self._stop.set()

    async def _client(self, number: int) -> None:
        dice = random.Random(f"{self._seed} {number}")
        async with httpx.AsyncClient(timeout=20, trust_env=False, headers=self._headers) as client:
            while not self._stop.is_set():
                portfolio = dice.choice(list(self.folds.committed))
                address = f"{dice.choice(self._urls)}/api/v1/analytics/portfolio/{portfolio}/overview"
                before = self.folds.committed[portfolio]
                answer = await client.get(address, params={"top": dice.choice([3, 10])})
                shown = int(answer.json()["data"]["nav"]) if answer.status_code == 200 else None
                self.refused += shown is None
                self.reads.append(Read(number, portfolio, before, shown))
                await asyncio.sleep(dice.uniform(0.005, 0.03))

    async def _turn(self, producer: AIOKafkaProducer | None) -> None:
        portfolio = self._dice.choice(list(self.folds.committed))
        if self._dice.random() < 0.1:
            await self.folds.publish()
        if self._dice.random() < 0.3:
            await self.folds.change(portfolio)
        self._told.append((portfolio, *await self.folds.fold(portfolio)))
        if producer is None or self._dice.random() < 0.1:
            return
        for event in self._dice.sample(self._told[-20:], k=min(2, len(self._told))) + self._told[-1:]:
            await _tell(producer, event)


async def _tell(producer: AIOKafkaProducer, event: Event) -> None:
    portfolio, valuation, version, edition = event
    said = PortfolioRefreshed(
        portfolio=portfolio,
        owner=OWNER,
        valuation=valuation,
        portfolio_version=version,
        edition=edition,
        from_session=SESSION,
        to_session=SESSION,
        cause="change",
    )
    envelope = Envelope(
        id=uuid4(),
        source="/services/portfolio-refresh",
        type=said.type,
        time=datetime.now(UTC),
        subject=said.key,
        event=said,
        correlation_id="by hand",
    )
    headers = [(name, value.encode()) for name, value in envelope.headers().items()]
    await producer.send(said.topic, said.model_dump_json().encode(), key=said.key.encode(), headers=headers)


@pytest.fixture
async def database(servers: OwnServers) -> Database:
    await create_topics(servers.kafka.address, TOPICS_FILE)
    return await prepare_database(servers.postgres.dsn(), f"cache_{uuid4().hex[:8]}", Clock())


@asynccontextmanager
async def two_replicas(
    kind: type[Analytics], database: Database, servers: OwnServers, issuer: Issuer, folder: Path
) -> AsyncIterator[list[Analytics]]:
    environment = {
        "RISKSTREAM_POSTGRES_DSN": database.dsns["analytics"],
        "RISKSTREAM_KAFKA": servers.kafka.address,
        "RISKSTREAM_REDIS_URL": servers.valkey.url,
        "RISKSTREAM_REDIS_REST_AFTER_FAILURE": "0.3",
        "PYTHONPATH": str(PROJECT / "tests"),
        **issuer.environment(),
        **Clock(datetime(2024, 12, 17, 3, tzinfo=UTC)).environment(),
    }
    replicas = [kind(lambda: environment, folder=folder / f"replica-{number}") for number in range(2)]
    with Stack() as stack:
        await asyncio.to_thread(stack.start, *replicas)
        yield replicas
        await asyncio.to_thread(stack.close)


async def play(
    kind: type[Analytics], database: Database, servers: OwnServers, folder: Path, *, seed: int, kafka_away: float
) -> Story:
    issuer = Issuer(folder / "issuer")
    connection = await asyncpg.connect(database.superuser_dsn)
    producer: Any = AIOKafkaProducer(bootstrap_servers=servers.kafka.address, request_timeout_ms=2_000)
    await producer.start()
    try:
        async with two_replicas(kind, database, servers, issuer, folder) as replicas:
            folds = FoldedByHand(connection)
            await folds.begin(PORTFOLIOS)
            story = Story(folds, replicas, {"Authorization": f"Bearer {issuer.token(OWNER)}"}, seed)
            dump = ValkeyDump(servers.valkey)
            async with story.clients():
                await story.during(producer, WARM_SECONDS)
                await story.while_it(dump.take, producer)
                await story.during(producer, WARM_SECONDS)
                await story.while_it(dump.restore, producer)
                await story.during(producer, WARM_SECONDS)
                await producer.stop()
                await story.while_it(servers.kafka.stop)
                await story.during(None, kafka_away / 2)
                await story.while_it(dump.restore)
                await story.during(None, kafka_away / 2)
                await story.while_it(servers.kafka.start)
                await story.during(None, WARM_SECONDS)
            await story.look_when_all_is_over()
            return story
    finally:
        await connection.close()
        await producer.stop()


@pytest.mark.parametrize("seed", [20])
async def test_no_answer_of_two_processes_is_older_than_its_head_or_than_what_the_client_has_seen(
    servers: OwnServers, database: Database, tmp_path: Path, seed: int
) -> None:
    story = await play(Analytics, database, servers, tmp_path, seed=seed, kafka_away=KAFKA_AWAY_SECONDS)
    print(f"seed {seed}: {len(story.reads)} reads, {sum(story.folds.committed.values())} folds")
    assert story.refused == 0
    assert len(story.reads) > 300
    assert stale(story.reads) == []
    assert went_back(story.reads) == []
    assert story.old_in_the_end == []


async def test_processes_that_keep_answers_until_an_event_says_otherwise_are_caught(
    servers: OwnServers, database: Database, tmp_path: Path
) -> None:
    story = await play(DeleteOnEventAnalytics, database, servers, tmp_path, seed=20, kafka_away=SHORTER_AWAY_SECONDS)
    print(f"{len(stale(story.reads))} of {len(story.reads)} reads were stale, {len(went_back(story.reads))} went back")
    assert len(story.reads) > 300
    assert stale(story.reads)
    assert story.old_in_the_end, "also when nothing had happened for a second"
