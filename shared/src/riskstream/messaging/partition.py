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

    def __init__(self, place: TopicPartition, breaker: Breaker, timing: ConsumerTiming, now: float) -> None:
        self.place = place
        self.breaker = breaker
        self.position: int | None = None
        """The offset after the last settled record; null until one is settled in this assignment."""
        self.retry_at: float | None = None
        self.halted: str | None = None
        self.assigned = True
        self.commit_again_at: float | None = None
        """When to try again to commit the position; null where the last attempt succeeded."""
        self._backoff = Backoff(timing.retry_base, timing.retry_cap)
        self._commit_backoff = Backoff(timing.retry_base, timing.retry_cap)
        self._start: int | None = None
        self._beginning = 0
        self._end: int | None = None
        self._lag: int | None = None
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

    @property
    def placed(self) -> bool:
        """Whether it is known where the group stands in it."""
        return self._start is not None or self.position is not None

    def at_once(self, records: int) -> int:
        """How many of a poll's records to settle together: half as many after each failure in a row.

        So a batch too large for a time-out, or one record that waits, holds up as few of the others as can be.
        """
        return max(1, records >> self.failures)

    def given(self, now: float) -> None:
        """Start anew from the committed offset; what was learnt about dead letters stays."""
        self._forget()
        self.assigned = True
        self._moved_at = now

    def revoked(self) -> None:
        self._forget()
        self.assigned = False

    def _forget(self) -> None:
        self.position = None
        self.retry_at = None
        self.committed()
        self._start = None
        self._end = None
        self._lag = None

    def learn(self, committed: int | None, beginning: int, end: int) -> None:
        """Take what Kafka says of this assignment: the group's offset, where it was asked for, and both ends.

        Without an offset, or with one that is no longer between the ends, the client starts at the beginning.
        """
        self._beginning = beginning
        self._end = end
        if not self.placed:
            self._start = committed if committed is not None and beginning <= committed <= end else beginning

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

    def commit_later(self, now: float) -> float:
        """The position could not be committed: set the time of the next attempt; return the seconds until then."""
        seconds = self._commit_backoff.next()
        self.commit_again_at = now + seconds
        return seconds

    def committed(self) -> None:
        """The position is committed."""
        self.commit_again_at = None
        self._commit_backoff.reset()

    def commit_due(self, now: float) -> bool:
        return self.commit_again_at is not None and now >= self.commit_again_at

    def measure_lag(self, highwater: int | None, now: float) -> int | None:
        """Records that are not dealt with; null until it is known where the group stands and where the log ends.

        `highwater` is the end that the last fetch told; nobody fetches while the partition waits or is halted.
        """
        position = self._start if self.position is None else self.position
        fetched = highwater is not None and not self.waiting and not self.halted
        end = highwater if fetched or self._end is None else self._end
        self._lag = None if position is None or end is None else max(0, end - max(position, self._beginning))
        if not self._lag or self.waiting or self.halted:
            self._moved_at = now
        return self._lag

    def is_stuck(self, now: float, timing: ConsumerTiming) -> bool:
        """Whether records wait that nothing moves, and no known reason keeps them."""
        if not self.assigned or self.waiting or self.halted or not self._lag:
            return False
        return now - self._moved_at > timing.stuck_after
