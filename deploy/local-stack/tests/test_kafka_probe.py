"""What messaging relies on, asked of this broker and this client before anything is built on them."""

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError

from local_stack.kafka import KafkaServer

PARTITIONS = 6
MEMBER = Path(__file__).with_name("probe_member.py")


@pytest.fixture
async def topic(kafka_server: KafkaServer) -> AsyncIterator[str]:
    name = f"probe.{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
        yield name
        await admin.delete_topics([name])
    finally:
        await admin.close()


async def produce(address: str, topic: str, count: int) -> list[tuple[int, int]]:
    """Send `count` records with lz4, idempotently; give where each one went."""
    async with AIOKafkaProducer(
        bootstrap_servers=address, enable_idempotence=True, acks="all", compression_type="lz4", linger_ms=5
    ) as producer:
        sent = [
            await producer.send(topic, value=b"v" * 200, key=b"%d" % number, headers=[("ce_type", b"probe.v1")])
            for number in range(count)
        ]
        return [(where.partition, where.offset) for where in await asyncio.gather(*sent)]


def member(address: str, topic: str, group: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=address,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
        rebalance_timeout_ms=12_000,
        max_poll_interval_ms=12_000,
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
    )


async def poll_until(consumer: AIOKafkaConsumer, condition: Callable[[], bool], within: float) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s; assigned {consumer.assignment()}"
        await consumer.getmany(timeout_ms=100)


async def test_lz4_records_of_an_idempotent_producer_come_back_once_and_in_order(
    kafka_server: KafkaServer, topic: str
) -> None:
    sent = await produce(kafka_server.address, topic, 300)
    consumer = member(kafka_server.address, topic, f"{topic}.readers")
    consumer.subscribe([topic])
    await consumer.start()
    try:
        received: list[tuple[int, int]] = []
        deadline = time.monotonic() + 20
        while len(received) < len(sent) and time.monotonic() < deadline:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                assert all(record.headers == (("ce_type", b"probe.v1"),) for record in records)
                received.extend((record.partition, record.offset) for record in records)
    finally:
        await consumer.stop()
    assert sorted(received) == sorted(sent)
    for partition in range(PARTITIONS):
        offsets = [offset for where, offset in received if where == partition]
        assert offsets == sorted(offsets)


async def test_when_a_member_is_killed_the_other_takes_over_every_partition(
    kafka_server: KafkaServer, topic: str
) -> None:
    group = f"{topic}.pair"
    survivor = member(kafka_server.address, topic, group)
    survivor.subscribe([topic])
    await survivor.start()
    victim = await asyncio.create_subprocess_exec(
        sys.executable, str(MEMBER), kafka_server.address, topic, group, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await poll_until(survivor, lambda: len(survivor.assignment()) == PARTITIONS // 2, within=30)
        victim.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        await poll_until(survivor, lambda: len(survivor.assignment()) == PARTITIONS, within=20)
        print(f"took over {time.monotonic() - killed:.1f} s after the kill")
    finally:
        if victim.returncode is None:
            victim.kill()
        await victim.wait()
        await survivor.stop()


class CommitWhenRevoked(ConsumerRebalanceListener):  # type: ignore[misc]
    """Finishes its work and commits while the group is rebalancing, before it gives the partitions away."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.done: dict[TopicPartition, int] = {}
        self.commits = 0

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        await asyncio.sleep(1)  # work that takes a while
        if self.done:
            await self._consumer.commit(self.done)
            self.commits += 1

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Nothing to do."""


async def test_a_commit_made_while_the_group_rebalances_is_accepted(kafka_server: KafkaServer, topic: str) -> None:
    sent = await produce(kafka_server.address, topic, 60)
    ends = {TopicPartition(topic, p): 1 + max(o for where, o in sent if where == p) for p, _ in sent}
    group = f"{topic}.drain"
    first, second = (member(kafka_server.address, topic, group) for _ in range(2))
    listener = CommitWhenRevoked(first)
    first.subscribe([topic], listener=listener)
    second.subscribe([topic])
    await first.start()
    try:
        await poll_until(first, lambda: len(first.assignment()) == PARTITIONS, within=20)
        listener.done = dict(ends)
        await second.start()
        try:
            await poll_until(first, lambda: len(first.assignment()) == PARTITIONS // 2, within=20)
            assert listener.commits == 1
            assert {place: await second.committed(place) for place in ends} == ends
            assert {place: await second.position(place) for place in second.assignment()} == {
                place: ends[place] for place in second.assignment()
            }
        finally:
            listener.done = {}
            await second.stop()
    finally:
        await first.stop()


async def test_the_broker_makes_no_topic_by_itself(kafka_server: KafkaServer) -> None:
    nobody_made_it = f"probe.{secrets.token_hex(4)}"
    async with AIOKafkaProducer(bootstrap_servers=kafka_server.address, request_timeout_ms=2_000) as producer:
        with pytest.raises(KafkaError):
            await producer.send_and_wait(nobody_made_it, b"lost")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.address)
    await admin.start()
    try:
        assert nobody_made_it not in await admin.list_topics()
    finally:
        await admin.close()
