"""A Kafka producer that is thrown away when it fails: an idempotent one does not recover from every error."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError

from riskstream.messaging.connection import Brokers, begin, new_producer
from riskstream.messaging.outages import OUTAGE
from riskstream.messaging.timing import RelayTiming

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """A record as the producer wants it."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class DisposableProducer:
    """Sends batches in order. After an error it holds no connection and the next batch gets a new one."""

    def __init__(self, brokers: Brokers, client_id: str, timing: RelayTiming) -> None:
        self._brokers = brokers
        self._client_id = client_id
        self._timing = timing
        self._kafka: Any = None
        self._connections: dict[Any, Any] = {}

    async def start(self) -> None:
        """Connect where no connection is held. Raises as `send` does, and then holds none."""
        try:
            await self._started()
        except BaseException:
            await self._abandon()
            raise

    async def send(self, records: Sequence[KafkaRecord]) -> None:
        """Return when every record is acknowledged by all in-sync replicas.

        On KafkaError, OSError or TimeoutError the outcome is unknown: some may have arrived, always the first ones of
        a partition. Send all of them again.
        """
        try:
            if self._kafka is not None and self._lost_a_connection():
                await self._abandon()
            kafka = await self._started()
            async with asyncio.timeout(self._timing.send_timeout):
                # One after the other: `send` puts a record into its partition's queue, in the order of the calls.
                pending = [
                    await kafka.send(record.topic, value=record.value, key=record.key, headers=record.headers)
                    for record in records
                ]
                await asyncio.gather(*pending)
            self._same_brokers()
            OUTAGE.answered()
        except BaseException:
            await self._abandon()
            raise

    async def close(self) -> None:
        """Drop the connection, flushing what a bounded time allows."""
        kafka, self._kafka = self._kafka, None
        if kafka is None:
            return
        try:
            async with asyncio.timeout(self._timing.close_timeout):
                await kafka.stop()
        except (KafkaError, OSError) as error:
            log.warning("producer_not_closed", client=self._client_id, error=repr(error))
            await self._kill(kafka)

    async def _started(self) -> Any:
        if self._kafka is None:
            self._kafka = new_producer(
                self._brokers,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=10,
                max_batch_size=131_072,
                compression_type="lz4",
                request_timeout_ms=round(self._timing.send_timeout * 1000),
                retry_backoff_ms=200,
                metadata_max_age_ms=round(self._timing.metadata_max_age * 1000),
            )
            async with asyncio.timeout(self._timing.start_timeout):
                await begin(self._kafka)
                for broker in self._kafka.client.cluster.brokers():
                    await self._kafka.client.ready(broker.nodeId)
            self._connections = self._open_connections()
        return self._kafka

    def _same_brokers(self) -> None:
        if self._lost_a_connection():
            raise KafkaConnectionError("a broker went away while records were under way")
        self._connections = self._open_connections()

    def _lost_a_connection(self) -> bool:
        """Whether a broker that was spoken to has gone since, be it back or not.

        The client reconnects by itself and keeps its producer id. Should the broker have come back empty, it gives that
        id to another producer too, takes the records of one for repeated ones of the other, and acknowledges what it
        does not store. A producer made after the loss has an id of the broker that is there now.
        """
        open_now = self._open_connections()
        return any(then is not open_now.get(node) for node, then in self._connections.items())

    def _open_connections(self) -> dict[Any, Any]:
        return {node: link for node, link in self._kafka.client._conns.items() if link.connected()}

    async def _abandon(self) -> None:
        """Drop the connection at once: the caller holds a lane, and what was not sent will be sent again."""
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            await self._kill(kafka)

    async def _kill(self, kafka: Any) -> None:
        """`stop` flushes first, and an idempotent batch never expires: its sender would go on trying for ever."""
        sender = kafka._sender.sender_task
        if sender is not None:
            sender.cancel()
        kafka._closed = True
        await asyncio.wait({asyncio.create_task(kafka.client.close())}, timeout=self._timing.close_timeout)
