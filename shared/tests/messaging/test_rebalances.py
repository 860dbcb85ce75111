"""Rebalances at every moment of the loop."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from rehearsal.group import PLACES, TIMING, TOPIC, Book, Client, Loop, all_settled, broker_with, running, until
from riskstream.messaging.errors import TransientError


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
