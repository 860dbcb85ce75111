"""How far a group is behind is known from the first moment of an assignment, or not told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from prometheus_client import REGISTRY

from riskstream.messaging.assignment import Assignment
from riskstream.messaging.breaker import Breaker, DeadLetterLimit
from riskstream.messaging.errors import TransientError
from riskstream.messaging.lag_watch import LagWatch
from riskstream.messaging.partition import Partition
from riskstream.messaging.timing import ConsumerTiming
from riskstream.messaging.topic_watch import TopicWatch

PLACE = TopicPartition("ledger.deposit", 0)
TIMING = ConsumerTiming(commit_timeout=0.1, measure_interval=0.05)


def shown(group: str, topic: str, partition: int) -> float | None:
    return REGISTRY.get_sample_value(
        "riskstream_consumer_lag_records", {"group": group, "topic": topic, "partition": str(partition)}
    )


def partition_of() -> Partition:
    partition = Partition(PLACE, Breaker(DeadLetterLimit()), TIMING, 0.0)
    partition.given(0.0)
    return partition


async def test_lag_is_shown_before_anything_is_settled_and_of_quiet_partitions_too(
    ledger: Any, running: Any, eventually: Any, produce: Any
) -> None:
    async def refuse(connection: Any, envelope: Any) -> None:
        raise TransientError("the provider is away")

    async def settle(connection: Any, envelope: Any) -> None:
        return

    def lags() -> list[float | None]:
        return [shown(ledger.group, ledger.topic, number) for number in range(3)]

    await ledger.say(*(ledger.deposit(account="a", n=n) for n in range(5)))
    await ledger.relay().drain()

    async def five_wait() -> bool:
        return sorted(lag if lag is not None else -1 for lag in lags()) == [0, 0, 5]

    async with running(ledger.consumer(refuse)):
        await eventually(five_wait)
    assert lags() == [None] * 3, "nothing is held any more"

    async def none_waits() -> bool:
        return lags() == [0, 0, 0]

    async with running(ledger.consumer(settle)):
        await eventually(none_waits)
    await ledger.say(ledger.deposit(account="a", n=5))
    await ledger.relay().drain()

    async def one_waits() -> bool:
        return sorted(lag if lag is not None else -1 for lag in lags()) == [0, 0, 1]

    async with running(ledger.consumer(refuse)):
        await eventually(one_waits)


async def test_the_lag_of_a_halted_partition_grows_though_nobody_fetches_from_it(
    ledger: Any, running: Any, eventually: Any
) -> None:
    async def break_down(*_: Any) -> None:
        raise ValueError("cannot write the dead letter down")

    timing = ledger.consumer()._timing.model_copy(update={"measure_interval": 0.2})
    consumer = ledger.consumer(timing=timing)
    consumer._settlement.settle = break_down
    await ledger.say(ledger.deposit(account="a", n=0))
    async with running(ledger.relay()), running(consumer):

        async def lag_is(lag: int) -> bool:
            return lag in [shown(ledger.group, ledger.topic, number) for number in range(3)]

        await eventually(lambda: lag_is(1))
        assert consumer.health().halted
        await ledger.say(*(ledger.deposit(account="a", n=n) for n in range(1, 4)))
        await eventually(lambda: lag_is(4))


class SilentKafka:
    """Answers nothing until it is told to."""

    def __init__(self) -> None:
        self.speaks = asyncio.Event()

    async def committed(self, place: TopicPartition) -> int | None:
        await self.speaks.wait()
        return 3

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        await self.speaks.wait()
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 10)

    @property
    def _client(self) -> "SilentKafka":
        return self

    async def fetch_all_metadata(self) -> ClusterMetadata:
        return ClusterMetadata()

    def highwater(self, place: TopicPartition) -> None:
        return None


@pytest.fixture
async def watched() -> AsyncIterator[tuple[Assignment, SilentKafka]]:
    assignment, kafka = Assignment("ledger.silent", DeadLetterLimit(), TIMING), SilentKafka()
    watch = asyncio.create_task(LagWatch("ledger.silent", assignment, kafka, TopicWatch(kafka, []), TIMING).run())
    yield assignment, kafka
    watch.cancel()
    await asyncio.wait({watch})


async def test_a_lag_that_is_not_known_has_no_sample(watched: tuple[Assignment, SilentKafka], eventually: Any) -> None:
    assignment, kafka = watched
    assignment.given(kafka, {PLACE})
    await asyncio.sleep(0.3)
    assignment.measure_lag(kafka)
    assert shown("ledger.silent", *PLACE) is None

    async def known() -> bool:
        assignment.measure_lag(kafka)
        return shown("ledger.silent", *PLACE) == 7

    kafka.speaks.set()
    await eventually(known, within=5)


async def test_what_kafka_answers_after_a_rebalance_is_not_taken_for_the_new_assignment(
    watched: tuple[Assignment, SilentKafka],
) -> None:
    assignment, kafka = watched
    assignment.given(kafka, {PLACE})
    await asyncio.sleep(0.01)
    assignment.forget()
    partition = assignment.partition(PLACE)
    partition.given(0.0)
    kafka.speaks.set()
    await asyncio.sleep(0.01)
    assert not partition.placed


@pytest.mark.parametrize(
    ("committed", "lag"),
    [(12, 8), (None, 10), (4, 10), (90, 10)],
    ids=["within", "nothing committed", "deleted since", "of a log that was wiped"],
)
def test_a_group_starts_where_the_client_starts(committed: int | None, lag: int) -> None:
    partition = partition_of()
    partition.learn(committed, beginning=10, end=20)
    assert partition.measure_lag(None, 1.0) == lag


def test_what_was_settled_counts_more_than_what_was_committed_when_it_was_asked() -> None:
    partition = partition_of()
    partition.position = 15
    partition.learn(None, beginning=0, end=14)
    assert partition.measure_lag(20, 1.0) == 5


def test_records_that_are_deleted_before_anybody_took_them_do_not_wait_any_more() -> None:
    partition = partition_of()
    partition.learn(12, beginning=10, end=20)
    partition.learn(None, beginning=20, end=20)
    assert partition.measure_lag(None, 1.0) == 0


def test_a_group_that_never_settles_what_waits_is_stuck() -> None:
    partition = partition_of()
    partition.learn(0, beginning=0, end=5)
    partition.measure_lag(None, 1.0)
    assert not partition.is_stuck(TIMING.stuck_after - 1, TIMING)
    assert partition.is_stuck(TIMING.stuck_after + 1, TIMING)
