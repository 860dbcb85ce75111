"""Commits of offsets that fail, while partitions come and go."""

import asyncio

from aiokafka.errors import CommitFailedError

from rehearsal.group import PLACES, TIMING, Book, Client, Loop, all_settled, broker_with, running, until


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
