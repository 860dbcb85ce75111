"""What all who ask a provider share: its pace, its breaker and what it said last. One step a function, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Protocol

from symbol_batch.providers import breaker as breakers
from symbol_batch.providers import pacing
from symbol_batch.providers.breaker import Breaker, BreakerState
from symbol_batch.providers.http_session import Headers
from symbol_batch.providers.pacing import Pace
from symbol_batch.providers.provider import Outcome
from symbol_batch.providers.retry_after import retry_after


@dataclass(frozen=True, slots=True)
class Heard:
    """What requests of one epoch came to. `lost`: no answer, or one that somebody else gave in the provider's place."""

    epoch: int
    answered: int = 0
    refused: int = 0
    lost: int = 0
    retry_after: float | None = None

    def __add__(self, other: "Heard") -> "Heard":
        """Both together; of the same epoch."""
        said = [seconds for seconds in (self.retry_after, other.retry_after) if seconds is not None]
        return Heard(
            self.epoch,
            self.answered + other.answered,
            self.refused + other.refused,
            self.lost + other.lost,
            max(said, default=None),
        )


def heard_from(epoch: int, status: int | None, headers: Headers) -> Heard:
    """What came back to one request: 429 is a refusal; an error of the server, or nothing, a lost answer."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Heard(epoch, refused=1, retry_after=retry_after(headers))
    if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Heard(epoch, lost=1)
    return Heard(epoch, answered=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """The state of a provider. Seconds of the database's clock.

    A refusal ends an epoch, and so does the first answer after one; slots of an older epoch are void. Requests of it
    that are still under way are its echoes: they were sent before anybody could know, so they neither slow the pace a
    second time nor open or close the breaker.
    """

    pace: Pace
    breaker: Breaker = field(default_factory=Breaker)
    epoch: int = 0
    answered: int = 0
    refused: int = 0
    lost: int = 0
    refused_at: float | None = None
    last_failure: Outcome | None = None
    """Of the last refusal or lost answer."""

    @property
    def closed_until(self) -> float:
        """Nobody is asked before; 0 where the provider may be asked."""
        return max(self.pace.paused_until, 0.0 if self.breaker.state is BreakerState.CLOSED else self.breaker.until)

    @property
    def is_open(self) -> bool:
        """Whether the breaker keeps everybody but a probe away."""
        return self.breaker.state is not BreakerState.CLOSED


@dataclass(frozen=True, slots=True)
class Grant:
    """The state as it is now, and when requests may be sent: as many as asked for, fewer or none."""

    limit: Limit
    slots: tuple[float, ...]
    now: float


class Limits(Protocol):
    """Where limits are kept, for all who ask."""

    async def exchange(self, provider: str, heard: Sequence[Heard], wanted: int) -> Grant:
        """Tell what was heard and take slots, in one step among all who do."""
        ...


def step(limit: Limit, heard: Sequence[Heard], wanted: int, now: float) -> tuple[Limit, tuple[float, ...]]:
    """The state after what was heard and after `wanted` slots were taken; the slots."""
    for one in heard:
        limit = _after(limit, one, now)
    if limit.is_open:
        return _probe(limit, wanted, now)
    if not wanted:
        return limit, ()
    pace, slots = pacing.reserved(limit.pace, wanted, now)
    return replace(limit, pace=pace), tuple(slots)


def _probe(limit: Limit, wanted: int, now: float) -> tuple[Limit, tuple[float, ...]]:
    if not wanted or now < limit.closed_until:
        return limit, ()
    # A new epoch: an answer counts only if it is the probe's.
    return replace(limit, breaker=breakers.probing(limit.breaker, now), epoch=limit.epoch + 1), (now,)


def _after(limit: Limit, heard: Heard, now: float) -> Limit:
    limit = replace(
        limit,
        answered=limit.answered + heard.answered,
        refused=limit.refused + heard.refused,
        lost=limit.lost + heard.lost,
    )
    if heard.epoch != limit.epoch:
        return _longer(limit, heard.retry_after, now)
    is_news = bool(heard.refused or (heard.answered and limit.pace.pauses))
    if heard.answered:
        pace = pacing.after_answers(limit.pace, heard.answered, now)
        limit = replace(limit, pace=pace, breaker=breakers.after_answer(limit.breaker))
    elif heard.lost:
        limit = replace(limit, breaker=breakers.after_failures(limit.breaker, heard.lost, now))
    if heard.lost:
        limit = replace(limit, last_failure=Outcome.TRANSPORT)
    if heard.refused:
        pace = pacing.after_refusal(limit.pace, now, heard.retry_after)
        breaker = breakers.after_failures(limit.breaker, 1, now, pace.paused_until)
        limit = replace(limit, pace=pace, breaker=breaker, refused_at=now, last_failure=Outcome.RATE_LIMITED)
    return replace(limit, epoch=limit.epoch + 1) if is_news or limit.is_open else limit


def _longer(limit: Limit, retry_after: float | None, now: float) -> Limit:
    """An echo may still say that the pause is longer than was heard first."""
    if retry_after is None:
        return limit
    until = now + min(retry_after, pacing.LONGEST_RETRY_AFTER)
    if until <= limit.pace.paused_until:
        return limit
    pace = replace(limit.pace, paused_until=until, next_slot=0.0)
    return replace(limit, pace=pace, epoch=limit.epoch + 1)
