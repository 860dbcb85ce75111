"""The listener: hears every event from now on, in every replica, and promises nothing. For hints, never for truth."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError

from riskstream.events.catalogue import CATALOGUE, Catalogue
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging import metrics
from riskstream.messaging.backoff import Backoff
from riskstream.messaging.connection import Brokers, KafkaRefused, begin, new_consumer
from riskstream.messaging.outages import OUTAGE
from riskstream.messaging.timing import ConsumerTiming
from riskstream.messaging.tracing import Hearing

log = structlog.get_logger(__name__)

ListenerHandler = Callable[[Envelope[Any]], Awaitable[None]]


class Listener:
    """Reads all partitions of the topics of the handled events, without a group, starting at their ends.

    Nothing is committed: what is said while nobody listens is never heard. A record that cannot be read, or whose
    handler fails, is counted and passed over. Partitions that are added later are heard from their ends.
    """

    def __init__(
        self,
        brokers: Brokers,
        handlers: Mapping[type[Event], ListenerHandler],
        *,
        client_id: str,
        catalogue: Catalogue = CATALOGUE,
        timing: ConsumerTiming | None = None,
    ) -> None:
        self._brokers = brokers
        self._handlers = handlers
        self._client_id = client_id
        self._catalogue = catalogue
        self._timing = timing or ConsumerTiming()
        self._hearing = Hearing()
        metrics.show_listener_from_the_start(event.topic for event in handlers)
        self._stopping = asyncio.Event()
        self._ticked_at = time.monotonic()
        self._refused: KafkaRefused | None = None
        self.listening = asyncio.Event()
        """Set while positions are known: every event published from then on is heard."""

    async def run(self) -> None:
        """Listen until `stop` or cancellation. Kafka's absence is waited out, never raised."""
        loop = asyncio.create_task(self._sessions(), name=f"listener {self._client_id}")
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({loop, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            loop.cancel()
            await asyncio.wait({loop})
        if not loop.cancelled():
            loop.result()

    def stop(self) -> None:
        """Ask `run` to return. A handler in the middle of its work is cancelled: it was only a hint."""
        self._stopping.set()

    async def is_listening(self) -> None:
        """Raises KafkaError while events that are published are not heard."""
        if self._refused is not None:
            raise KafkaRefused(str(self._refused))
        if not self.listening.is_set():
            raise KafkaConnectionError("events are not heard")

    def ticked_ago(self) -> float:
        """Seconds since the loop last came round, for liveness."""
        return time.monotonic() - self._ticked_at

    async def _sessions(self) -> None:
        backoff = Backoff(self._timing.retry_base, self._timing.retry_cap)
        while True:
            self._ticked_at = time.monotonic()
            try:
                await self._session(backoff)
            except (KafkaError, OSError) as error:
                self._refused = error if isinstance(error, KafkaRefused) else None
                seconds = backoff.next()
                log.warning("listener_lost", client=self._client_id, error=repr(error), retry_in=round(seconds, 2))
                await asyncio.sleep(seconds)

    async def _session(self, backoff: Backoff) -> None:
        kafka: Any = new_consumer(
            self._brokers,
            *sorted({event.topic for event in self._handlers}),
            group_id=None,
            client_id=self._client_id,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            isolation_level="read_committed",
            fetch_max_wait_ms=round(self._timing.fetch_max_wait * 1000),
            metadata_max_age_ms=round(self._timing.metadata_max_age * 1000),
        )
        try:
            async with asyncio.timeout(self._timing.start_timeout):
                await begin(kafka)
                await kafka.seek_to_end()
            self._refused = None
            self.listening.set()
            while True:
                polled = await kafka.getmany(timeout_ms=round(self._timing.poll_timeout * 1000))
                self._ticked_at = time.monotonic()
                backoff.reset()
                if polled:
                    OUTAGE.answered()
                for records in polled.values():
                    for record in records:
                        await self._tell(record)
        finally:
            self.listening.clear()
            await self._close(kafka)

    async def _tell(self, record: Any) -> None:
        metrics.LISTENER_RECORDS.labels(record.topic).inc()
        try:
            envelope: Envelope[Any] = Envelope.read(record.headers, record.value, self._catalogue)
            handler = self._handlers.get(type(envelope.event))
            if handler is not None:
                with self._hearing.of(record, envelope.traceparent):
                    await handler(envelope)
        except Exception as error:
            self._skip(record, error)

    def _skip(self, record: Any, error: Exception) -> None:
        metrics.LISTENER_SKIPPED.labels(record.topic).inc()
        log.warning(
            "record_skipped",
            client=self._client_id,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            exc_info=error,
        )

    async def _close(self, kafka: Any) -> None:
        try:
            async with asyncio.timeout(self._timing.close_timeout):
                await kafka.stop()
        except (KafkaError, OSError) as error:
            log.warning("listener_not_closed", client=self._client_id, error=repr(error))
