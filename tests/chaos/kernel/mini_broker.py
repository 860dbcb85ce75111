"""A broker in memory and a client that keeps aiokafka's promises: positions, pauses, commits, and who may commit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError

from riskstream.events.envelope import Envelope
from riskstream.messaging.assignment import Assignment


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]
    timestamp: int = 0


@dataclass
class MiniBroker:
    """One topic, one group: the log, the committed offsets, and which member each partition belongs to."""

    topic: str
    logs: list[list[Record]]
    committed: dict[int, int] = field(default_factory=dict)
    owner: dict[int, object] = field(default_factory=dict)

    def append(self, partition: int, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        log = self.logs[partition]
        log.append(Record(self.topic, partition, len(log), key, value, headers))

    def append_again(self, partition: int, first: int) -> None:
        """What a relay does that died after publishing: everything from a record on comes a second time."""
        for record in self.logs[partition][first:]:
            self.append(partition, record.key, record.value, record.headers)

    @property
    def consumed(self) -> bool:
        """Whether the group has committed everything."""
        return all(self.committed.get(partition, 0) == len(log) for partition, log in enumerate(self.logs))


@dataclass
class _Fetching:
    position: int
    paused: bool = False


class MiniClient:
    """One member's client. A partition taken away behind its back stays in its hands until it is told."""

    def __init__(self, broker: MiniBroker) -> None:
        self._broker = broker
        self._fetching: dict[TopicPartition, _Fetching] = {}
        self.most = 100
        self.after_poll: Any = None
        """Called once, between a poll and the settlement of what it brought."""

    async def given(self, assignment: Assignment, partitions: Iterable[int]) -> None:
        """The group gives these partitions and no others, from their committed offsets; what was held is taken back."""
        if self._fetching:
            await assignment.taken_back()
        places = {TopicPartition(self._broker.topic, number) for number in partitions}
        self._fetching = {place: _Fetching(self._broker.committed.get(place.partition, 0)) for place in places}
        for place in places:
            self._broker.owner[place.partition] = self
        assignment.given(self, places)

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Record]]:
        polled: dict[TopicPartition, list[Record]] = {}
        room = self.most
        for place, fetching in sorted(self._fetching.items()):
            records = self._broker.logs[place.partition][fetching.position : fetching.position + room]
            if records and not fetching.paused:
                polled[place] = records
                fetching.position += len(records)
                room -= len(records)
        if self.after_poll is not None:
            action, self.after_poll = self.after_poll, None
            await action()
        return polled

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        for place, offset in offsets.items():
            if self._broker.owner[place.partition] is not self:
                raise CommitFailedError
            self._broker.committed[place.partition] = offset

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._fetching[place].position = offset

    def pause(self, place: TopicPartition) -> None:
        self._fetching[place].paused = True

    def resume(self, place: TopicPartition) -> None:
        self._fetching[place].paused = False

    def highwater(self, place: TopicPartition) -> int:
        return len(self._broker.logs[place.partition])


def wire(envelope: Envelope[Any]) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of an envelope's record."""
    headers = [(name, value.encode()) for name, value in envelope.headers().items()]
    return envelope.subject.encode(), envelope.event.model_dump_json().encode(), headers
