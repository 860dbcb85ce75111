"""The consumer: a group member that turns records into effects, once, in order, whatever breaks."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka.errors import CommitFailedError, KafkaError

from riskstream.events.catalogue import Catalogue
from riskstream.messaging import metrics
from riskstream.messaging.assignment import Assignment, DrainBeforeRevoke
from riskstream.messaging.backoff import Backoff
from riskstream.messaging.breaker import DeadLetterLimit
from riskstream.messaging.connection import Brokers, begin
from riskstream.messaging.consumer_client import close_client, milliseconds, new_client
from riskstream.messaging.crash_points import reached
from riskstream.messaging.dead_letters import dead_letter_topic
from riskstream.messaging.delivery import read_delivery
from riskstream.messaging.errors import is_transient
from riskstream.messaging.lag_watch import LagWatch
from riskstream.messaging.partition import ConsumerHealth, Partition
from riskstream.messaging.settlement import Settlement
from riskstream.messaging.timing import ConsumerTiming
from riskstream.messaging.topic_watch import TopicWatch
from riskstream.runtime.health import State

log = structlog.get_logger(__name__)


class ConsumerLoop:
    """Polls, hands records to a settlement, commits offsets. Use `Consumer` or `IdempotentConsumer`."""

    def __init__(
        self,
        brokers: Brokers,
        group: str,
        topics: Sequence[str],
        settlement: Settlement,
        *,
        client_id: str,
        catalogue: Catalogue,
        timing: ConsumerTiming,
        limit: DeadLetterLimit,
        group_instance_id: str | None,
    ) -> None:
        self.group = group
        self._brokers = brokers
        self._topics = tuple(sorted(set(topics)))
        self._dead_letter_topics = tuple(dead_letter_topic(topic, group) for topic in self._topics)
        self._settlement = settlement
        self._client_id = client_id
        self._catalogue = catalogue
        self._timing = timing
        self._group_instance_id = group_instance_id
        self._stopping = asyncio.Event()
        self._assignment = Assignment(group, limit, timing)
        self._joined = False
        self._ticked_at = time.monotonic()
        metrics.show_from_the_start(group, self._topics)

    async def run(self) -> None:
        """Consume until `stop` or cancellation. Kafka's and Postgres' absence is waited out, never raised.

        After `stop` a batch in hand may take `drain_timeout` more; what is not committed then is rolled back.
        """
        loop = asyncio.create_task(self._sessions(), name=f"consumer {self.group}")
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({loop, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not loop.done():
                await asyncio.wait({loop}, timeout=self._timing.drain_timeout if self._joined else 0)
        finally:
            # A rollback on a connection that is dead raises in the place of the cancellation: the loop must see an end.
            self.stop()
            stop.cancel()
            loop.cancel()
            await asyncio.wait({loop})
        if not loop.cancelled():
            loop.result()

    def stop(self) -> None:
        """Ask `run` to finish the batch in hand, commit it, leave the group and return."""
        self._stopping.set()

    def health(self) -> ConsumerHealth:
        """Whether the loop turns, and which partitions do not move and why. Cheap: asks nobody."""
        now = time.monotonic()
        lagging = [partition for partition in self._assignment if partition.is_stuck(now, self._timing)]
        polled = now - self._ticked_at < self._timing.stuck_after
        return ConsumerHealth(
            group=self.group,
            live=polled and not lagging,
            joined=self._joined,
            assigned=len(self._assignment.held()),
            halted=tuple(sorted(partition.name for partition in self._assignment if partition.halted)),
            waiting=tuple(sorted(partition.name for partition in self._assignment if partition.waiting)),
        )

    def state(self) -> State:
        """The same for the process's health endpoints. A halted partition is shown; a restart would not mend it."""
        health = self.health()
        detail = {"partitions": health.assigned, "halted": health.halted, "waiting": health.waiting}
        return State(live=health.live, ready=health.joined, detail=detail)

    async def _sessions(self) -> None:
        """One Kafka consumer after the other: a client that failed is thrown away, not repaired."""
        backoff = Backoff(self._timing.retry_base, self._timing.retry_cap)
        while not self._stopping.is_set():
            # Kafka's absence is no reason to be restarted: the loop turns as long as it tries.
            self._ticked_at = time.monotonic()
            try:
                await self._session(backoff)
            except (KafkaError, OSError) as error:
                metrics.SESSIONS_LOST.labels(self.group).inc()
                pause = backoff.next()
                log.warning("consumer_session_lost", group=self.group, error=repr(error), retry_in=round(pause, 2))
                await self._rest(pause)

    async def _session(self, backoff: Backoff) -> None:
        kafka = self._new_client()
        topics = TopicWatch(kafka, [*self._catalogue.topics(), *self._dead_letter_topics])
        watch: asyncio.Task[None] | None = None
        listener = DrainBeforeRevoke(self._assignment, kafka)
        kafka.subscribe(topics=self._topics, listener=listener)
        try:
            async with asyncio.timeout(max(self._timing.start_timeout, self._timing.join_timeout)):
                await begin(kafka)
                self._miss_dead_letter_topics(await topics.look())
            self._joined = True
            watch = asyncio.create_task(LagWatch(self.group, self._assignment, kafka, topics, self._timing).run())
            while not self._stopping.is_set():
                await self._turn(kafka)
                backoff.reset()
                if watch.done():
                    watch.result()
        finally:
            self._joined = False
            if watch is not None:
                watch.cancel()
            listener.close()
            await close_client(kafka, self.group, self._timing)

    def _new_client(self) -> Any:
        return new_client(
            self._brokers,
            self.group,
            self._timing,
            client_id=self._client_id,
            group_instance_id=self._group_instance_id,
        )

    def _miss_dead_letter_topics(self, missing: Sequence[str]) -> None:
        """Say so before the first dead letter holds up a lane of the outbox."""
        if topics := [topic for topic in missing if topic in self._dead_letter_topics]:
            log.error(
                "dead_letter_topics_missing",
                group=self.group,
                topics=topics,
                mend="name the group under its topics in deploy/topics.yaml and run riskstream.messaging.topics",
            )

    async def _turn(self, kafka: Any) -> None:
        assignment = self._assignment
        assignment.resume_due(kafka)
        await self._commit_again(kafka)
        polled = await self._poll(kafka)
        # Only now: a whole rebalance may have passed while it waited, and these are then the new assignment's records,
        # whose position has moved on. Dropped as if they were the old one's, they would never come again.
        generation = assignment.generation
        for place, records in polled.items():
            partition = assignment.partition(place)
            most = self._settlement.at_once or len(records)
            for piece in _pieces(records, min(most, partition.at_once(len(records)))):
                async with assignment.drain_lock:
                    # A rebalance since the poll has put the position back to the committed offset: these come again.
                    if generation != assignment.generation or self._stopping.is_set():
                        return
                    # A poll's pieces may together take longer than what calls a loop dead.
                    self._ticked_at = time.monotonic()
                    if not await self._settle(kafka, partition, piece):
                        break
        assignment.measure_lag(kafka)

    async def _poll(self, kafka: Any) -> Any:
        """Records by partition. While the group is joined anew `getmany` waits without an end: we do not."""
        async with asyncio.timeout(self._timing.poll_timeout + self._timing.join_timeout):
            polled = await kafka.getmany(timeout_ms=milliseconds(self._timing.poll_timeout))
        self._ticked_at = time.monotonic()
        return polled

    async def _settle(self, kafka: Any, partition: Partition, records: Sequence[Any]) -> bool:
        """Settle records of one partition and commit; False if the partition has to wait or stop before the next."""
        began = time.monotonic()
        deliveries = [read_delivery(record, self._catalogue) for record in records]
        try:
            settled = await self._settlement.settle(deliveries, partition.breaker)
        except Exception as error:
            if is_transient(error):
                self._come_back_later(kafka, partition, records[0].offset, error)
            else:
                # Not the handler's error, which would be a dead letter, but ours in writing it down.
                log.exception("settlement_failed", group=self.group, partition=partition.name)
                self._halt(kafka, partition, records[0].offset, repr(error))
            return False
        reached("consumer.after_commit_before_offset")
        partition.settled(settled.breaker, time.monotonic())
        self._warn_if_slow(partition, len(records), time.monotonic() - began)
        if settled.records:
            partition.position = records[settled.records - 1].offset + 1
            await self._commit(kafka, [partition])
        if settled.breaker.tripped:
            following = records[0].offset if partition.position is None else partition.position
            self._halt(kafka, partition, following, "too many dead letters: look at them, mend, restart")
            return False
        return True

    def _come_back_later(self, kafka: Any, partition: Partition, offset: int, error: Exception) -> None:
        kafka.seek(partition.place, offset)
        kafka.pause(partition.place)
        seconds = partition.wait(time.monotonic())
        metrics.TRANSIENT_RETRIES.labels(self.group, partition.place.topic).inc()
        log.warning(
            "partition_waits",
            group=self.group,
            partition=partition.name,
            offset=offset,
            failures=partition.failures,
            retry_in=round(seconds, 2),
            error=repr(error),
        )

    def _halt(self, kafka: Any, partition: Partition, offset: int, reason: str) -> None:
        kafka.seek(partition.place, offset)
        kafka.pause(partition.place)
        partition.halt(reason)
        self._assignment.count()
        log.critical("partition_halted", group=self.group, partition=partition.name, offset=offset, reason=reason)

    async def _commit_again(self, kafka: Any) -> None:
        """Try those positions again whose commit failed: no record may come for long that would take them along."""
        async with self._assignment.drain_lock:
            now = time.monotonic()
            if due := [partition for partition in self._assignment.held() if partition.commit_due(now)]:
                await self._commit(kafka, due)

    async def _commit(self, kafka: Any, partitions: Sequence[Partition]) -> None:
        """Commit the positions. A failure is not raised: it is tried again until it succeeds or the partition goes.

        If it goes first that costs a redelivery, which the inbox absorbs.
        """
        try:
            async with asyncio.timeout(self._timing.commit_timeout):
                await kafka.commit({partition.place: partition.position for partition in partitions})
        except (KafkaError, TimeoutError) as error:
            metrics.COMMIT_FAILURES.labels(self.group).inc()
            why = "the group has moved on" if isinstance(error, CommitFailedError) else repr(error)
            for partition in partitions:
                self._commit_later(partition, why)
        else:
            for partition in partitions:
                partition.committed()

    def _commit_later(self, partition: Partition, why: str) -> None:
        seconds = partition.commit_later(time.monotonic())
        log.warning(
            "offset_not_committed",
            group=self.group,
            partition=partition.name,
            offset=partition.position,
            retry_in=round(seconds, 2),
            why=why,
        )

    def _warn_if_slow(self, partition: Partition, records: int, seconds: float) -> None:
        if seconds > self._timing.rebalance_timeout / 2:
            log.warning(
                "batch_too_slow",
                group=self.group,
                partition=partition.name,
                records=records,
                seconds=round(seconds, 1),
                mend="lower max_poll_records, or raise rebalance_timeout above twice this",
            )

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _pieces(records: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [records[start : start + size] for start in range(0, len(records), size)]
