"""Kafka wiped: each era ends with its data put aside, and in the end the checker hears what was said in all of them."""

from collections.abc import Sequence
from pathlib import Path

from chaos_story.topics import Heard, read_topics
from local_stack.kafka import KafkaServer


class KafkaEras:
    """One broker's data between two wipes is an era, counted from 0."""

    def __init__(self, kafka: KafkaServer) -> None:
        self._kafka = kafka
        self.number = 0
        """Of the present one."""

    def end(self) -> None:
        """Put the data aside; the server, which must not run, starts as a new one. Raises OSError where it has none."""
        put_aside = self._folder(self.number)
        put_aside.mkdir()
        (self._kafka.folder / "data").rename(put_aside / "data")
        self.number += 1

    def present(self, topics: Sequence[str]) -> list[Heard]:
        """What the running broker holds."""
        return read_topics(self._kafka.address, topics, self.number)

    def earlier(self, topics: Sequence[str]) -> list[Heard]:
        """What the others held, each read through a broker that is started on it for that."""
        heard = []
        for era in range(self.number):
            with KafkaServer(self._folder(era)) as kafka:
                heard += read_topics(kafka.address, topics, era)
        return heard

    def _folder(self, era: int) -> Path:
        return self._kafka.folder / f"era-{era}"
