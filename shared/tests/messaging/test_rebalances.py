"""Rebalances at every moment of the loop, against a client that keeps aiokafka's promises and no more."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from riskstream.events.catalogue import Catalogue
from riskstream.messaging.breaker import Breaker, DeadLetterLimit
from riskstream.messaging.consumer import ConsumerLoop
from riskstream.messaging.errors import TransientError
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

    async def topics(self) -> set[str]:
        return set()

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


@pytest.fixture(params=[None, 1], ids=["all at once", "one at a time"])
def book(request: pytest.FixtureRequest) -> Book:
    return Book(request.param)


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


async def test_what_a_poll_brings_that_outlives_a_rebalance_is_settled(book: Book) -> None:
    client = Client(broker_with(5))
    client.during_poll = lambda: client.rebalance(PLACES)
    async with running(Loop(book, [client])):
        await until(all_settled(book, 5))
        await until(lambda: client.broker.committed == client.broker.ends)
    assert all(book.settled[place] == list(range(5)) for place in PLACES), "and only once"


async def test_what_was_polled_before_a_rebalance_is_not_settled_after_it(book: Book) -> None:
    client = Client(broker_with(5))
    rebalanced: list[asyncio.Task[None]] = []

    async def lose_all_but_the_last(place: TopicPartition) -> None:
        if not rebalanced:
            rebalanced.append(asyncio.create_task(client.rebalance(PLACES[2:])))
            await asyncio.sleep(0.01)

    book.before = lose_all_but_the_last
    async with running(Loop(book, [client])):
        await until(lambda: client.broker.committed[PLACES[2]] == 5)
        await asyncio.sleep(0.02)
        begun = book.at_once or 5
        assert dict(book.settled) == {PLACES[0]: list(range(begun)), PLACES[2]: list(range(5))}
        assert client.broker.committed[PLACES[0]] == begun, "the batch in hand was committed before it was given back"


async def test_a_rebalance_during_a_commit_waits_for_it(book: Book) -> None:
    client = Client(broker_with(5))
    rebalanced: list[asyncio.Task[None]] = []

    async def lose_everything() -> None:
        rebalanced.append(asyncio.create_task(client.rebalance([])))
        await asyncio.sleep(0.01)
        assert client.assigned, "the partitions went while their offset was on its way"

    client.during_commit = lose_everything
    async with running(Loop(book, [client])):
        await until(lambda: rebalanced and rebalanced[0].done())
        settled = book.settled[PLACES[0]]
        assert client.broker.committed[PLACES[0]] == len(settled) > 0
        await client.rebalance(PLACES)
        await until(all_settled(book, 5))
    assert all(book.settled[place] == list(range(5)) for place in PLACES)


async def test_a_wait_that_a_rebalance_interrupts_does_not_follow_the_partition_to_its_next_holder(book: Book) -> None:
    client = Client(broker_with(5))
    failing = True

    async def fail(place: TopicPartition) -> None:
        if failing and place == PLACES[0]:
            raise TransientError("away")

    book.before = fail
    timing = TIMING.model_copy(update={"retry_base": 30.0, "retry_cap": 30.0})
    loop = Loop(book, [client], timing)
    async with running(loop):
        await until(lambda: loop.health().waiting)
        await client.rebalance(PLACES[1:])
        assert not loop.health().waiting
        await asyncio.sleep(0.02)
        failing = False
        await client.rebalance(PLACES)
        await until(all_settled(book, 5))


async def test_what_waited_goes_on_where_it_was(book: Book) -> None:
    client, failures = Client(broker_with(5)), 3

    async def fail(place: TopicPartition) -> None:
        nonlocal failures
        if place == PLACES[0] and failures:
            failures -= 1
            raise TransientError("away")

    book.before = fail
    async with running(Loop(book, [client])):
        await until(all_settled(book, 5))
    assert all(book.settled[place] == list(range(5)) for place in PLACES)


async def test_a_halted_partition_stays_halted_through_a_rebalance_and_a_new_session(book: Book) -> None:
    broker = broker_with(5)
    first, second = Client(broker), Client(broker)

    async def break_down(place: TopicPartition) -> None:
        if place == PLACES[0]:
            raise ValueError("cannot write the dead letter down")

    book.before = break_down
    loop = Loop(book, [first, second])
    halted = (f"{TOPIC}/0",)
    async with running(loop):
        await until(lambda: loop.health().halted == halted)
        book.before = None
        await first.rebalance(PLACES)
        await asyncio.sleep(0.02)
        first.error = KafkaError("lost")
        await until(lambda: second.assigned)
        await until(lambda: broker.committed[PLACES[2]] == 5)
        await asyncio.sleep(0.02)
        assert loop.health().halted == halted
    assert book.settled[PLACES[0]] == []
    assert broker.committed[PLACES[0]] == 0


async def test_partitions_given_to_a_client_that_is_being_closed_are_not_held(book: Book) -> None:
    """As when a session is given up while the group is joined anew: the join still comes to its end."""
    broker = broker_with(5)
    first, second = Client(broker), Client(broker, PLACES[1:])
    first.during_stop = lambda: first.rebalance(PLACES)
    first.error = KafkaError("lost")
    loop = Loop(book, [first, second])
    async with running(loop):
        await until(lambda: broker.committed[PLACES[2]] == 5)
        await asyncio.sleep(0.02)
        assert loop.health().assigned == 2
    assert first.stopped
    assert book.settled[PLACES[0]] == []


async def test_a_client_that_does_not_come_back_from_a_rebalance_is_replaced(book: Book) -> None:
    broker = broker_with(5)
    first, second = Client(broker), Client(broker)

    async def hang() -> None:
        first.stable.clear()
        await first.stable.wait()

    first.during_poll = hang
    timing = TIMING.model_copy(update={"rebalance_timeout": 0.1, "session_timeout": 0.1})
    async with running(Loop(book, [first, second], timing)):
        await until(all_settled(book, 5))
    assert first.stopped


async def test_a_commit_that_fails_costs_nothing_but_a_redelivery(book: Book) -> None:
    client = Client(broker_with(5))

    async def refuse() -> None:
        raise CommitFailedError("the group has moved on")

    client.during_commit = refuse
    async with running(Loop(book, [client])):
        await until(all_settled(book, 5))
        await client.rebalance(PLACES)
        await until(lambda: client.broker.committed == client.broker.ends)
    assert all_settled(book, 5)()


async def test_a_commit_that_fails_is_tried_again_though_no_record_comes(book: Book) -> None:
    client = Client(broker_with(5))
    client.refused_commits = 40
    async with running(Loop(book, [client])):
        await until(lambda: client.broker.committed == client.broker.ends)
    assert all(book.settled[place] == list(range(5)) for place in PLACES)


async def test_a_commit_that_failed_is_not_tried_again_for_a_partition_that_is_gone(book: Book) -> None:
    client = Client(broker_with(5))
    client.refused_commits = 1_000_000
    async with running(Loop(book, [client], TIMING.model_copy(update={"retry_base": 0.1, "retry_cap": 0.1}))):
        await until(all_settled(book, 5))
        await client.rebalance(PLACES[1:])
        client.refused_commits = 0
        await until(lambda: all(client.broker.committed[place] == 5 for place in PLACES[1:]))
        await asyncio.sleep(0.2)
    assert client.broker.committed[PLACES[0]] == 0


async def test_a_loop_that_works_on_a_long_poll_is_live() -> None:
    book = Book(1)
    client = Client(broker_with(40))

    async def slowly(place: TopicPartition) -> None:
        await asyncio.sleep(0.01)

    book.before = slowly
    loop = Loop(book, [client], TIMING.model_copy(update={"stuck_after": 0.2}))
    async with running(loop):
        while len(book.settled[PLACES[0]]) < 40:
            await asyncio.sleep(0.01)
            assert loop.health().live


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("at_once", [None, 1])
async def test_whatever_happens_when_nothing_is_lost_and_nothing_is_taken_out_of_turn(
    seed: int, at_once: int | None
) -> None:
    """Rebalances, a rival member, commits that fail, work that waits and lost sessions, at random moments."""
    source = random.Random(seed)
    broker, book, records = broker_with(0), Book(at_once), 40
    clients: list[Client] = []
    faults = True

    async def trouble() -> None:
        if faults and source.random() < 0.2:
            raise CommitFailedError("the group has moved on")

    async def work(place: TopicPartition) -> None:
        assert book.client is not None
        book.client.during_commit = trouble
        await asyncio.sleep(source.choice([0, 0, 0.001]))
        if faults and source.random() < 0.15:
            raise TransientError("away")

    def endless_clients() -> Iterable[Client]:
        while True:
            clients.append(Client(broker, source.sample(PLACES, source.randrange(4)) if faults else PLACES))
            yield clients[-1]

    def rival() -> None:
        """Another member goes on from where the group is, and gives back what it settled and committed."""
        for place in PLACES:
            start = broker.committed[place]
            end = min(broker.ends[place], start + source.randrange(3))
            book.settled[place] += range(start, end)
            broker.committed[place] = end

    book.before = work
    async with running(Loop(book, endless_clients())):
        for _ in range(60):
            for place in PLACES:
                broker.ends[place] = min(records, broker.ends[place] + source.randrange(3))
            await asyncio.sleep(source.choice([0, 0, 0.001, 0.003]))
            if not clients or not clients[-1].stable.is_set():
                continue
            what = source.random()
            if what < 0.5:
                await clients[-1].rebalance(source.sample(PLACES, source.randrange(4)), rival)
            elif what < 0.6:
                clients[-1].error = KafkaError("lost")
        faults = False
        broker.ends.update(dict.fromkeys(PLACES, records))
        await until(lambda: clients[-1].stable.is_set() and clients[-1].error is None)
        await clients[-1].rebalance(PLACES)
        await until(lambda: broker.committed == broker.ends)
    for place in PLACES:
        assert book.first_times(place) == list(range(records))
