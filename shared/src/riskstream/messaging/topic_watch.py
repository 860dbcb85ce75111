"""Which of the topics that a consumer depends on the cluster has."""

import time
from collections.abc import Iterable
from typing import Any

from riskstream.messaging import metrics

LOOK_SECONDS = 60.0


class TopicWatch:
    """Asks one client's cluster about topics and shows how many partitions each has."""

    def __init__(self, kafka: Any, topics: Iterable[str]) -> None:
        self._kafka = kafka
        self._topics = tuple(sorted(set(topics)))
        self._looked_at = float("-inf")

    async def look(self) -> list[str]:
        """The topics that are missing. Raises what Kafka raises when it does not answer."""
        # Of all topics: by the names alone, a cluster that creates topics by itself would create them.
        cluster = await self._kafka._client.fetch_all_metadata()
        self._looked_at = time.monotonic()
        partitions = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in self._topics}
        for topic, count in partitions.items():
            metrics.TOPIC_PARTITIONS.labels(topic).set(count)
        return [topic for topic, count in partitions.items() if not count]

    async def look_again(self) -> None:
        """Look where the last time is a minute ago."""
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            await self.look()
