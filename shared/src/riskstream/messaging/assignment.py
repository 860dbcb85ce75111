"""What the group has given to this member, and how it is given back: nothing is in hand when a partition goes."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener

from riskstream.messaging import metrics
from riskstream.messaging.breaker import Breaker, DeadLetterLimit
from riskstream.messaging.crash_points import reached
from riskstream.messaging.partition import Partition
from riskstream.messaging.timing import ConsumerTiming


class Assignment:
    """The partitions that a consumer holds, and what it learnt of those that it held.

    Whoever works on records holds `drain_lock`, and looks at `generation` under it: where it is no longer what it was
    when `getmany` returned, the records are another assignment's. Their position went back to the committed offset.
    """

    def __init__(self, group: str, limit: DeadLetterLimit, timing: ConsumerTiming) -> None:
        self.generation = 0
        self.drain_lock = asyncio.Lock()
        self.given_anew = asyncio.Event()
        """Set when partitions are given; whoever asks where the group stands in them clears it."""
        self._group = group
        self._limit = limit
        self._timing = timing
        self._partitions: dict[TopicPartition, Partition] = {}

    def __iter__(self) -> Iterator[Partition]:
        """All partitions ever held since the process started."""
        return iter(self._partitions.values())

    def held(self) -> list[Partition]:
        """The partitions of now."""
        return [partition for partition in self if partition.assigned]

    def partition(self, place: TopicPartition) -> Partition:
        if place not in self._partitions:
            self._partitions[place] = Partition(place, Breaker(self._limit), self._timing, time.monotonic())
        return self._partitions[place]

    def given(self, kafka: Any, places: set[TopicPartition]) -> None:
        """The group gives partitions. One that was halted here stays so until a restart."""
        for place in places:
            partition = self.partition(place)
            partition.given(time.monotonic())
            if partition.halted:
                kafka.pause(place)
        self.given_anew.set()
        self.count()

    async def taken_back(self) -> None:
        """The group takes the partitions back: wait for the batch in hand, so that its offset is committed first."""
        async with self.drain_lock:
            reached("consumer.during_revoke")
            metrics.REBALANCES.labels(self._group).inc()
            self.forget()

    def forget(self) -> None:
        """Hold nothing any more; what was polled and not begun is not ours."""
        self.generation += 1
        for partition in self.held():
            partition.revoked()
            self._show_lag(partition, None)
        self.count()

    def resume_due(self, kafka: Any) -> None:
        """Let those go on whose wait is over."""
        now = time.monotonic()
        for partition in self.held():
            if partition.due(now):
                partition.retry_at = None
                kafka.resume(partition.place)

    def measure_lag(self, kafka: Any) -> None:
        """Show the lag of each partition where it is known. What is not known has no sample, and is never 0."""
        now = time.monotonic()
        for partition in self.held():
            self._show_lag(partition, partition.measure_lag(kafka.highwater(partition.place), now))

    def _show_lag(self, partition: Partition, lag: int | None) -> None:
        labels = (self._group, partition.place.topic, str(partition.place.partition))
        if lag is None:
            metrics.CONSUMER_LAG.remove(*labels)
        else:
            metrics.CONSUMER_LAG.labels(*labels).set(lag)

    def count(self) -> None:
        """Show how many partitions are held, and how many of them are halted."""
        held = self.held()
        metrics.ASSIGNED_PARTITIONS.labels(self._group).set(len(held))
        metrics.PARTITIONS_HALTED.labels(self._group).set(sum(bool(partition.halted) for partition in held))


class DrainBeforeRevoke(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Tells the assignment what one client hears from the group, until that client is given up."""

    def __init__(self, assignment: Assignment, kafka: Any) -> None:
        self._assignment = assignment
        self._kafka = kafka
        self._closed = False

    def close(self) -> None:
        """Hear no more: a client that is closed while it joins is still given partitions, which nobody would poll."""
        self._closed = True
        self._assignment.forget()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if revoked and not self._closed:
            await self._assignment.taken_back()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        if not self._closed:
            self._assignment.given(self._kafka, assigned)
