"""Asks Kafka where a group's partitions begin and end, and which topics there are, beside the consumer's loop."""

import asyncio
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from riskstream.messaging.assignment import Assignment
from riskstream.messaging.outages import OUTAGE
from riskstream.messaging.partition import Partition
from riskstream.messaging.timing import ConsumerTiming
from riskstream.messaging.topic_watch import TopicWatch

log = structlog.get_logger(__name__)


class LagWatch:
    """Runs for one client; asks when partitions are given, and every `measure_interval`.

    What no poll has shown yet is known all the same.
    """

    def __init__(
        self, group: str, assignment: Assignment, kafka: Any, topics: TopicWatch, timing: ConsumerTiming
    ) -> None:
        self._group = group
        self._assignment = assignment
        self._kafka = kafka
        self._topics = topics
        self._timing = timing
        self._failing = False

    async def run(self) -> None:
        """Until cancelled. What Kafka does not answer stays as it was last known, or unknown."""
        while True:
            self._assignment.given_anew.clear()
            try:
                async with asyncio.timeout(self._timing.commit_timeout):
                    await self._ask()
            except (KafkaError, OSError) as error:
                self._note_failure(error)
            else:
                self._failing = False
            await self._rest()

    async def _ask(self) -> None:
        await self._topics.look_again()
        generation, held = self._assignment.generation, self._assignment.held()
        if not held:
            return
        places = [partition.place for partition in held]
        committed = {p.place: await self._kafka.committed(p.place) for p in held if not p.placed}
        beginnings = await self._kafka.beginning_offsets(places)
        ends = await self._kafka.end_offsets(places)
        OUTAGE.answered()
        if generation != self._assignment.generation:
            return
        for partition in held:
            self._learn(partition, committed.get(partition.place), beginnings, ends)

    def _learn(
        self, partition: Partition, committed: int | None, beginnings: dict[Any, int], ends: dict[Any, int]
    ) -> None:
        place = partition.place
        if place in beginnings and place in ends:
            partition.learn(committed, beginnings[place], ends[place])

    def _note_failure(self, error: Exception) -> None:
        if not self._failing:
            log.warning("lag_not_known", group=self._group, error=repr(error))
        self._failing = True

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._timing.measure_interval):
                await self._assignment.given_anew.wait()
        except TimeoutError:
            return
