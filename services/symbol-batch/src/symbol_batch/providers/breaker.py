"""The breaker: a provider that answers nothing is left alone, then asked once before it is asked again. No clock."""

from dataclasses import dataclass, replace
from enum import StrEnum

FAILURES = 5
"""Refusals and lost answers in a row that open it."""
FIRST_OPEN, LONGEST_OPEN = 5.0, 60.0
"""Seconds; doubles with each probe that fails."""
PROBE_SECONDS = 120.0
"""After which a probe of which nothing was heard is taken for lost with its process."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """One request is under way, the probe; everybody else waits for what it comes to."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a provider may be asked. `until` is when that changes by itself: in OPEN and HALF_OPEN a probe may go."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    opened: int = 0
    """Times it opened since it was last closed."""
    until: float = 0.0

    def may_probe(self, now: float) -> bool:
        """Whether it is time for a probe."""
        return self.state is not BreakerState.CLOSED and now >= self.until


def after_answer(breaker: Breaker) -> Breaker:
    """Closed: the provider answers."""
    return breaker if breaker == _CLOSED else _CLOSED


def after_failures(breaker: Breaker, count: int, now: float, not_before: float = 0.0) -> Breaker:
    """After `count` refusals or lost answers more. Open from `FAILURES` on, and at once where a probe failed; never for
    less than until `not_before`.
    """
    failures = breaker.failures + count
    if failures < FAILURES and breaker.state is BreakerState.CLOSED:
        return replace(breaker, failures=failures)
    seconds = min(FIRST_OPEN * 2.0 ** min(breaker.opened, 20), LONGEST_OPEN)
    return Breaker(BreakerState.OPEN, failures, breaker.opened + 1, max(now + seconds, not_before))


def probing(breaker: Breaker, now: float) -> Breaker:
    """After the probe was given to somebody."""
    return replace(breaker, state=BreakerState.HALF_OPEN, until=now + PROBE_SECONDS)


_CLOSED = Breaker()
