"""Whether the cluster's topics are as declared, watched by a process that depends on them. Told, never changed."""

from pathlib import Path
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from riskstream.messaging.cluster import connected
from riskstream.messaging.topics import differences, load_topics
from riskstream.runtime.health import State
from riskstream.runtime.settings import ServiceSettings

log = structlog.get_logger(__name__)

LOOK_SECONDS = 300.0
UNANSWERED_SECONDS = 10.0
"""Until the next look after one that Kafka did not answer."""


class TopicSettings:
    """Compares now and then; what it finds is in the detail of readiness, and in the log when it changes."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._brokers = settings.brokers
        self._file: Path | None = settings.topics_file
        self._replication = settings.kafka_replication
        self._wrong: tuple[str, ...] = ()
        self._looked = False
        self._turns_to_rest = 0

    async def look(self) -> None:
        """To be called every `UNANSWERED_SECONDS`; asks Kafka less often than that once it has answered."""
        if self._file is None:
            return
        if self._turns_to_rest > 0:
            self._turns_to_rest -= 1
            return
        wanted = load_topics(self._file).every_topic()
        try:
            async with connected(self._brokers) as cluster:
                existing = await cluster.topics(topic.name for topic in wanted)
        except (KafkaError, OSError):
            return  # whoever works with Kafka says that it is away
        missing = [f"{topic.name} does not exist" for topic in wanted if topic.name not in existing]
        self._tell((*missing, *differences(wanted, existing, self._replication)))
        self._turns_to_rest = round(LOOK_SECONDS / UNANSWERED_SECONDS)

    def state(self) -> State:
        """Never a reason to be unready: events flow through a topic whose settings are not the declared ones."""
        if self._file is None:
            return State(detail={"checked": False, "reason": "RISKSTREAM_TOPICS_FILE is not set"})
        detail: dict[str, Any] = {"checked": self._looked}
        return State(detail=detail | ({"wrong": list(self._wrong)} if self._wrong else {}))

    def _tell(self, wrong: tuple[str, ...]) -> None:
        if wrong and wrong != self._wrong:
            log.error("topics_differ", wrong=list(wrong), mend="docs/runbooks/doctor.md, Topics that differ")
        elif self._wrong and not wrong:
            log.info("topics_as_declared")
        self._wrong, self._looked = wrong, True
