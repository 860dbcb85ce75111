"""A consumer loop on a client that keeps aiokafka's promises and no more, and a broker in memory behind it."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import IllegalStateError, KafkaError

from riskstream.events.catalogue import Catalogue
from riskstream.messaging.breaker import Breaker, DeadLetterLimit
from riskstream.messaging.consumer import ConsumerLoop
from riskstream.messaging.settlement import Settled
from riskstream.messaging.timing import ConsumerTiming

TOPIC = "ledger.deposit"
PLACES = tuple(TopicPartition(TOPIC, number) for number in range(3))
TIMING = ConsumerTiming(
    poll_timeout=0.004,
    retry_base=0.001,
    retry_cap=0.004,
    start_timeout=1,
    session_timeout=1,
    rebalance_timeout=1,
    commit_timeout=0.5,
    close_timeout=0.5,
    drain_timeout=0.5,
)


@dataclass
class Record:
    topic: str
    partition: int
    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = 0


@dataclass
class Fetching:
    """One partition in one assignment."""

    position: int
    paused: bool = False


@dataclass
class Broker:
    """The partitions' ends and the group's committed offsets."""

    ends: dict[TopicPartition, int]
    committed: dict[TopicPartition, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))


class Client:
    """A group member as aiokafka 0.14 is one: what it does at which moment is the test's to say.

    While the group rebalances `getmany` waits without end; a poll that outlives a rebalance returns the new
    assignment's records; a rebalance gives every partition anew, from its committed offset and not paused.
    """

    def __init__(self, broker: Broker, first: Iterable[TopicPartition] = PLACES) -> None:
        self.broker = broker
        self.assigned: dict[TopicPartition, Fetching] = {}
        self.stable = asyncio.Event()
        self.during_poll: Callable[[], Awaitable[None]] | None = None
        self.during_commit: Callable[[], Awaitable[None]] | None = None
        self.during_stop: Callable[[], Awaitable[None]] | None = None
        self.refused_commits = 0
        self.error: KafkaError | None = None
        self.stopped = False
        self._first = tuple(first)
        self._listener: Any = None

    def subscribe(self, topics: Sequence[str], listener: Any) -> None:
        self._listener = listener

    async def start(self) -> None:
        await self.rebalance(self._first)

    @property
    def _client(self) -> "Client":
        return self

    async def fetch_all_metadata(self) -> ClusterMetadata:
        return ClusterMetadata()

    async def rebalance(self, places: Iterable[TopicPartition], meanwhile: Callable[[], None] = lambda: None) -> None:
        self.stable.clear()
        await self._listener.on_partitions_revoked(set(self.assigned))
        meanwhile()
        await asyncio.sleep(0)
        self.assigned = {place: Fetching(self.broker.committed[place]) for place in places}
        self.stable.set()
        await self._listener.on_partitions_assigned(set(self.assigned))

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Record]]:
        if self.error is not None:
            raise self.error
        await self.stable.wait()
        if self.during_poll is not None:
            action, self.during_poll = self.during_poll, None
            await action()
        polled = self._drain()
        if not polled:
            await asyncio.sleep(timeout_ms / 1000)
            await self.stable.wait()
            polled = self._drain()
        return polled

    def _drain(self) -> dict[TopicPartition, list[Record]]:
        polled = {}
        for place, fetching in self.assigned.items():
            if not fetching.paused and fetching.position < (end := self.broker.ends[place]):
                polled[place] = [Record(*place, offset) for offset in range(fetching.position, end)]
                fetching.position = end
        return polled

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.during_commit is not None:
            action, self.during_commit = self.during_commit, None
            await action()
        await asyncio.sleep(0)
        if self.refused_commits:
            self.refused_commits -= 1
            raise KafkaError("the coordinator is moving")
        for place, offset in offsets.items():
            self._fetching(place)
            self.broker.committed[place] = offset

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._fetching(place).position = offset

    def pause(self, place: TopicPartition) -> None:
        self._fetching(place).paused = True

    def resume(self, place: TopicPartition) -> None:
        self._fetching(place).paused = False

    def highwater(self, place: TopicPartition) -> int:
        assert place in self.assigned, "Partition is not assigned"
        return self.broker.ends[place]

    async def committed(self, place: TopicPartition) -> int:
        return self.broker.committed[place]

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self.broker.ends[place] for place in places}

    def _fetching(self, place: TopicPartition) -> Fetching:
        if place not in self.assigned:
            raise IllegalStateError(f"No current assignment for partition {place}")
        return self.assigned[place]

    async def stop(self) -> None:
        if self.during_stop is not None:
            await self.during_stop()
        self.stopped = True


class Book:
    """A settlement that writes down what it was given, and looks whether it was the loop's to give."""

    def __init__(self, at_once: int | None) -> None:
        self.at_once = at_once
        self.settled: dict[TopicPartition, list[int]] = defaultdict(list)
        self.before: Callable[[TopicPartition], Awaitable[None]] | None = None
        self.client: Client | None = None

    async def settle(self, deliveries: Sequence[Any], breaker: Breaker) -> Settled:
        place = TopicPartition(deliveries[0].topic, deliveries[0].partition)
        self._look(place)
        if self.before is not None:
            await self.before(place)
        self._look(place)
        self.settled[place] += [delivery.offset for delivery in deliveries]
        return Settled(len(deliveries), breaker)

    def _look(self, place: TopicPartition) -> None:
        assert self.client is not None
        assert place in self.client.assigned, f"{place} was settled while another member held it"

    def first_times(self, place: TopicPartition) -> list[int]:
        return list(dict.fromkeys(self.settled[place]))


class Loop(ConsumerLoop):
    """The loop under test with clients of the test's making; each session takes the next."""

    def __init__(self, book: Book, clients: Iterable[Client], timing: ConsumerTiming = TIMING) -> None:
        super().__init__(
            "nowhere",
            "ledger.deposits",
            [TOPIC],
            book,
            client_id="ledger",
            catalogue=Catalogue([]),
            timing=timing,
            limit=DeadLetterLimit(),
            group_instance_id=None,
        )
        self._book = book
        self._clients = iter(clients)

    def _new_client(self) -> Any:
        self._book.client = next(self._clients)
        return self._book.client


@asynccontextmanager
async def running(loop: Loop) -> AsyncIterator[None]:
    task = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        loop.stop()
        async with asyncio.timeout(5):
            await task


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 5
    while not (value := condition()):
        assert time.monotonic() < deadline, f"the condition's last value was {value!r}"
        await asyncio.sleep(0.001)


def broker_with(records: int) -> Broker:
    return Broker(dict.fromkeys(PLACES, records))


def all_settled(book: Book, records: int) -> Callable[[], bool]:
    return lambda: all(book.first_times(place) == list(range(records)) for place in PLACES)
