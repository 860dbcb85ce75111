"""A ledger of its own for each test, on the session's servers, and what tests do with Kafka by hand."""

import asyncio
import importlib.util
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.group import LeaveGroupRequest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from local_stack.kafka import KafkaServer
from rehearsal.group import Book
from riskstream.messaging.dead_letters import dead_letter_topic

LEDGER_PROGRAM = Path(__file__).with_name("ledger.py")
_numbers = itertools.count()


def _load_ledger() -> Any:
    spec = importlib.util.spec_from_file_location("messaging_test_ledger", LEDGER_PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


ledger_module = _load_ledger()

Running = Callable[[Any], AbstractAsyncContextManager[asyncio.Task[None]]]


@pytest.fixture
async def engine(postgres_server: Any) -> AsyncIterator[AsyncEngine]:
    dsn = postgres_server.dsn().replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(dsn, pool_size=10)
    yield engine
    await engine.dispose()


@pytest.fixture
async def another_engine(engine: AsyncEngine) -> AsyncIterator[Callable[[], AsyncEngine]]:
    """Engines with pools of their own on the same database, as another process would have."""
    made: list[AsyncEngine] = []

    def make() -> AsyncEngine:
        made.append(create_async_engine(engine.url))
        return made[-1]

    yield make
    for other in made:
        await other.dispose()


@pytest.fixture
async def paper_ledger(engine: AsyncEngine) -> AsyncIterator[Any]:
    """A ledger with tables and without Kafka."""
    ledger = ledger_module.Ledger(engine, "127.0.0.1:1", f"ledger_{os.getpid()}_{next(_numbers)}")
    await ledger.create()
    yield ledger
    await ledger.drop()


@pytest.fixture
async def ledger(paper_ledger: Any, kafka_server: Any) -> Any:
    """A ledger with tables, a topic of three partitions, and the topic for its dead letters."""
    paper_ledger.bootstrap = kafka_server.address
    await make_topics(
        kafka_server.address, {paper_ledger.topic: 3, dead_letter_topic(paper_ledger.topic, paper_ledger.group): 1}
    )
    return paper_ledger


async def make_topics(bootstrap: str, partitions: dict[str, int]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])
    finally:
        await admin.close()


@pytest.fixture(name="make_topics")
def _make_topics() -> Callable[[str, dict[str, int]], Awaitable[None]]:
    """Make topics on the broker at an address."""
    return make_topics


@pytest.fixture
def own_kafka(kafka_server: Any) -> Iterator[Any]:
    """A Kafka of the test's own, whose data it may take away. Not in containers: their data is out of reach."""
    if type(kafka_server) is not KafkaServer:
        pytest.skip("needs the data folder of a Kafka that runs on this machine")
    with KafkaServer() as kafka:
        yield kafka


@pytest.fixture
def running() -> Running:
    """Run something that has `run` and `stop` while the block lasts, then stop it in order, in bounded time."""

    @asynccontextmanager
    async def run(something: Any) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(something.run())
        try:
            yield task
        finally:
            something.stop()
            async with asyncio.timeout(20):
                await task

    return run


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """Wait until a condition holds; fail with the last value it gave."""

    async def wait(condition: Callable[[], Awaitable[Any]], within: float = 20.0) -> None:
        deadline = time.monotonic() + within
        while not (value := await condition()):
            assert time.monotonic() < deadline, f"not within {within} s; the condition's last value was {value!r}"
            await asyncio.sleep(0.05)

    return wait


@pytest.fixture
def produce(kafka_server: Any) -> Callable[..., Awaitable[None]]:
    """Put records on a topic past the outbox: `(key, value, headers, partition)` each."""

    async def send(
        topic: str, records: Sequence[tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int]]
    ) -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka_server.address) as producer:
            for key, value, headers, partition in records:
                await producer.send_and_wait(topic, value=value, key=key, headers=headers, partition=partition)

    return send


@pytest.fixture
def read_topic(kafka_server: Any) -> Callable[..., Awaitable[list[Any]]]:
    """All records of a topic so far, partition after partition."""

    async def read(topic: str) -> list[Any]:
        async with AIOKafkaConsumer(bootstrap_servers=kafka_server.address, group_id=None) as kafka:
            await kafka._client.force_metadata_update()
            places = [
                TopicPartition(topic, number)
                for number in kafka.partitions_for_topic(topic) or await _partitions(kafka, topic)
            ]
            kafka.assign(places)
            ends = await kafka.end_offsets(places)
            records = []
            for place in places:
                kafka.seek(place, 0)
                while await kafka.position(place) < ends[place]:
                    for batch in (await kafka.getmany(place, timeout_ms=500)).values():
                        records.extend(batch)
            return records

    return read


async def _partitions(kafka: Any, topic: str) -> set[int]:
    await kafka._client._wait_on_metadata(topic)
    return set(kafka.partitions_for_topic(topic))


@pytest.fixture
def committed(kafka_server: Any) -> Callable[..., Awaitable[int]]:
    """The sum of a group's committed offsets over the partitions of a topic."""

    async def ask(group: str, topic: str, partitions: int = 3) -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.address)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(group)
        finally:
            await admin.close()
        return sum(max(0, offsets[place].offset) for place in offsets if place.topic == topic)

    return ask


@pytest.fixture
def dismiss(kafka_server: Any) -> Callable[[str], Awaitable[None]]:
    """Tell the broker that a group's members are gone, which it would find out when their sessions end."""

    async def leave(group: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.address)
        await admin.start()
        try:
            coordinator = await admin.find_coordinator(group)
            (answer,) = await admin.describe_consumer_groups([group])
            for member in answer.groups[0][5]:
                await admin._send_request(LeaveGroupRequest(group, member[0]), coordinator)
        finally:
            await admin.close()

    return leave


@pytest.fixture
def ledger_process() -> Callable[..., Awaitable[asyncio.subprocess.Process]]:
    """Start the ledger's relay or consumer in a process of its own, to die at a crash point."""

    async def start(ledger: Any, role: str, crash_at: str) -> asyncio.subprocess.Process:
        dsn = ledger.engine.url.render_as_string(hide_password=False)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, str(LEDGER_PROGRAM), role, dsn, ledger.bootstrap, ledger.schema),
            env=os.environ | {"RISKSTREAM_CRASH_AT": crash_at},
        )

    return start


@pytest.fixture(params=[None, 1], ids=["all at once", "one at a time"])
def book(request: pytest.FixtureRequest) -> Book:
    return Book(request.param)
