"""A member of a consumer group in a process of its own, so that it can be killed without leaving the group."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor


async def consume(address: str, topic: str, group: str) -> None:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=address,
        group_id=group,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
    )
    await consumer.start()
    try:
        while True:
            await consumer.getmany(timeout_ms=200)
            print(len(consumer.assignment()), flush=True)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(consume(*sys.argv[1:4]))
