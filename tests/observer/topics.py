"""A consumer of its own: every record of every topic, counted from the first one."""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient


def consumer_groups(bootstrap: str) -> set[str]:
    """Every consumer group that the broker knows."""

    async def ask() -> set[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            return {group for group, _ in await admin.list_consumer_groups()}
        finally:
            await admin.close()

    return asyncio.run(ask())


class TopicObserver:
    """Reads `topics` in a thread from the moment it is entered to the moment it is left."""

    def __init__(self, bootstrap: str, topics: list[str]) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._thread = threading.Thread(target=lambda: asyncio.run(self._consume()), daemon=True)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.events: dict[str, list[tuple[str, dict[str, Any]]]] = {topic: [] for topic in topics}
        """By topic: the CloudEvents id and the body of each record, in the order in which they were read."""

    def counts(self) -> Counter[str]:
        with self._lock:
            return Counter({topic: len(records) for topic, records in self.events.items()})

    def bodies(self, topic: str) -> list[dict[str, Any]]:
        with self._lock:
            return [body for _, body in self.events[topic]]

    def ids(self, topic: str) -> list[str]:
        with self._lock:
            return [event_id for event_id, _ in self.events[topic]]

    def settled(self, seconds: float = 1.5) -> Counter[str]:
        """The counts once nothing new has come for `seconds`."""
        before = self.counts()
        while True:
            time.sleep(seconds)
            now = self.counts()
            if now == before:
                return now
            before = now

    def __enter__(self) -> "TopicObserver":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(20)

    async def _consume(self) -> None:
        consumer = AIOKafkaConsumer(
            *self._topics, bootstrap_servers=self._bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        try:
            while not self._stop.is_set():
                for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                    with self._lock:
                        self.events[partition.topic] += [self._read(record) for record in records]
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(consumer.stop(), 10)

    @staticmethod
    def _read(record: Any) -> tuple[str, dict[str, Any]]:
        headers = dict(record.headers)
        return headers["ce_id"].decode(), orjson.loads(record.value)
