"""What a consumer knows of one partition, and what it tells of all of them."""

from dataclasses import dataclass

from aiokafka import TopicPartition

from riskstream.messaging.backoff import Backoff
from riskstream.messaging.breaker import Breaker
from riskstream.messaging.timing import ConsumerTiming


@dataclass(frozen=True, slots=True)
class ConsumerHealth:
    """A consumer at one instant."""

    group: str
    live: bool
    """Whether it polls, and where records wait settles some. A restart is the cure where not."""
    joined: bool
    assigned: int
    halted: tuple[str, ...]
    """`topic/partition` of those stopped for too many dead letters. A restart alone is no cure."""
    waiting: tuple[str, ...]
    """Those that wait for something to come back: a database, a provider."""


class Partition:
    """One partition's state in this process. All times are the monotonic clock's."""

    def __init__(self, place: TopicPartition, breaker: Breaker, backoff: Backoff, now: float) -> None:
        self.place = place
        self.breaker = breaker
        self.position: int | None = None
        """The offset after the last settled record; null until one is settled in this assignment."""
        self.retry_at: float | None = None
        self.halted: str | None = None
        self.assigned = True
        self._backoff = backoff
        self._lag = 0
        self._moved_at = now

    @property
    def name(self) -> str:
        return f"{self.place.topic}/{self.place.partition}"

    @property
    def failures(self) -> int:
        return self._backoff.failures

    @property
    def waiting(self) -> bool:
        return self.retry_at is not None

    def at_once(self, records: int) -> int:
        """How many of a poll's records to settle together: half as many after each failure in a row.

        So a batch too large for a time-out, or one record that waits, holds up as few of the others as can be.
        """
        return max(1, records >> self.failures)

    def given(self, now: float) -> None:
        """Start anew from the committed offset; what was learnt about dead letters stays."""
        self.assigned = True
        self.position = None
        self.retry_at = None
        self._lag = 0
        self._moved_at = now

    def revoked(self) -> None:
        self.assigned = False
        self.position = None
        self.retry_at = None
        self._lag = 0

    def settled(self, breaker: Breaker, now: float) -> None:
        self.breaker = breaker
        self._backoff.reset()
        self._moved_at = now

    def wait(self, now: float) -> float:
        """Set the time of the next attempt; return the seconds until then."""
        seconds = self._backoff.next()
        self.retry_at = now + seconds
        return seconds

    def due(self, now: float) -> bool:
        return self.retry_at is not None and now >= self.retry_at and not self.halted

    def halt(self, reason: str) -> None:
        self.halted = reason
        self.retry_at = None

    def measure_lag(self, end: int | None, now: float) -> int:
        """Records between the position and the partition's end, as far as both are known."""
        self._lag = 0 if end is None or self.position is None else max(0, end - self.position)
        if self._lag == 0 or self.waiting or self.halted:
            self._moved_at = now
        return self._lag

    def is_stuck(self, now: float, timing: ConsumerTiming) -> bool:
        """Whether records wait that nothing moves, and no known reason keeps them."""
        if not self.assigned or self.waiting or self.halted or self._lag == 0:
            return False
        return now - self._moved_at > timing.stuck_after
