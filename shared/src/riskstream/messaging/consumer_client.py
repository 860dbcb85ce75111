"""The Kafka client of a group's member: how it is made, and how it is got rid of."""

import asyncio
from typing import Any

import structlog
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError

from riskstream.messaging.connection import Brokers, new_consumer
from riskstream.messaging.timing import ConsumerTiming

log = structlog.get_logger(__name__)


def new_client(
    brokers: Brokers, group: str, timing: ConsumerTiming, *, client_id: str, group_instance_id: str | None
) -> Any:
    """A client that has not started and is subscribed to nothing."""
    return new_consumer(
        brokers,
        group_id=group,
        client_id=client_id,
        group_instance_id=group_instance_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=milliseconds(timing.session_timeout),
        heartbeat_interval_ms=milliseconds(timing.heartbeat_interval),
        rebalance_timeout_ms=milliseconds(timing.rebalance_timeout),
        max_poll_interval_ms=milliseconds(timing.max_poll_interval),
        max_poll_records=timing.max_poll_records,
        fetch_max_wait_ms=milliseconds(timing.fetch_max_wait),
        max_partition_fetch_bytes=1_048_576,
        metadata_max_age_ms=milliseconds(timing.metadata_max_age),
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
    )


async def close_client(kafka: Any, group: str, timing: ConsumerTiming) -> None:
    """Leave the group and close, in bounded time; where the broker does not answer nothing of the client stays."""
    try:
        async with asyncio.timeout(timing.close_timeout):
            await kafka.stop()
    except (KafkaError, OSError) as error:
        log.warning("consumer_not_closed", group=group, error=repr(error))
        await _kill(kafka, timing)


async def _kill(kafka: Any, timing: ConsumerTiming) -> None:
    """`stop` takes part after part, and a join that nobody answers is the first: the rest would live for ever."""
    ends = [kafka._client.close()]
    if kafka._coordinator is not None:
        ends.append(kafka._coordinator._stop_heartbeat_task())
        ends.append(kafka._coordinator._stop_commit_offsets_refresh_task())
    if kafka._fetcher is not None:
        ends.append(kafka._fetcher.close())
    await asyncio.wait({asyncio.create_task(end) for end in ends}, timeout=timing.close_timeout)


def milliseconds(seconds: float) -> int:
    """As the client wants its times."""
    return round(seconds * 1000)
