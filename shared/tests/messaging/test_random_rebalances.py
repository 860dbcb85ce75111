"""Rebalances, a rival, failing commits and lost sessions, at random moments."""

import asyncio
import random
from collections.abc import Iterable

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError

from rehearsal.group import PLACES, Book, Client, Loop, broker_with, running, until
from riskstream.messaging.errors import TransientError


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
