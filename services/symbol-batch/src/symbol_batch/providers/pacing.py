"""The pace of asking one provider: fast until it refuses, then as fast as it turns out to allow. No I/O, no clock.

The rate is looked for between one that was answered for a while and one that was refused, by halving, and held once the
two are close. From there it is raised a little now and then, by more and more while nothing is refused: a limit that
was raised is found again. Times are seconds of one clock, rates are requests a second.
"""

from dataclasses import dataclass, replace
from math import sqrt

FASTEST = 500.0
"""More than ten requests in flight ever come to: a provider that refuses nothing is never slowed down."""
SLOWEST = 0.02

PAUSE = 1.0
"""After a refusal; doubles with each further one while nothing is answered. Until then requests are as far apart, too:
a whole rank of them would meet the same refusal.
"""
LONGEST_PAUSE = 300.0
LONGEST_RETRY_AFTER = 6 * 3_600.0
"""What a provider says beyond that is not believed."""

TRIAL_REQUESTS, TRIAL_SECONDS = 30, 10.0
"""So much must be answered at a rate before it counts as proven."""
HOLD_REQUESTS, HOLD_SECONDS = 200, 60.0
"""So much at a held rate before a faster one is tried; doubles with each try that is refused, up to:"""
LONGEST_HOLD_REQUESTS, LONGEST_HOLD_SECONDS = 300, 300.0
CLOSE = 1.1
"""A refused rate is no further above the proven one than this when the search ends."""
FIRST_RAISE, LARGEST_RAISE = 1.05, 2.0
UNUSED = 1.6
"""A stage that takes this many times as long as its rate allows was not limited by the rate, and proves nothing."""
IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a provider is asked now, and what is known of its limit."""

    rate: float
    next_slot: float = 0.0
    """When the next request may be sent."""
    paused_until: float = 0.0
    pauses: int = 0
    """Refusals since anything was answered."""
    proven_rate: float | None = None
    refused_rate: float | None = None
    refused_tries: int = 0
    """Tries above a held rate that were refused, in a row."""
    raised_by: float = FIRST_RAISE
    stage_began: float = 0.0
    """A stage is a time at one rate."""
    stage_answered: int = 0

    @property
    def is_held(self) -> bool:
        """Whether the search is over for now."""
        return self.rate == self.proven_rate and not self._has_room

    @property
    def _has_room(self) -> bool:
        return (
            self.refused_rate is not None
            and self.proven_rate is not None
            and self.refused_rate > CLOSE * self.proven_rate
        )


def reserved(pace: Pace, count: int, now: float) -> tuple[Pace, list[float]]:
    """When the next `count` requests may be sent, oldest first, none before `now`."""
    if now - max(pace.next_slot, pace.paused_until) > IDLE_SECONDS:
        pace = _stage(pace, pace.rate, now)
    first = max(pace.next_slot, pace.paused_until, now)
    apart = max(1 / pace.rate, PAUSE if pace.pauses else 0.0)
    return replace(pace, next_slot=first + count * apart), [first + number * apart for number in range(count)]


def after_answers(pace: Pace, count: int, now: float) -> Pace:
    """The pace once `count` requests more were answered."""
    if pace.pauses:
        pace = replace(pace, pauses=0, next_slot=now + 1 / pace.rate)
    pace = replace(pace, stage_answered=pace.stage_answered + count)
    wanted = _wanted(pace)
    if now - pace.stage_began > UNUSED * wanted / pace.rate:
        return _stage(pace, pace.rate, now)
    return pace if pace.stage_answered < wanted else _proven(pace, now)


def after_refusal(pace: Pace, now: float, retry_after: float | None) -> Pace:
    """The pace once a request was refused. `retry_after`: for how many seconds the provider wants to be left alone.

    A refusal that follows another, with nothing answered between, says nothing about the rate: only the pause grows.
    """
    said = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
    until = now + max(said, min(PAUSE * 2.0 ** min(pace.pauses, 20), LONGEST_PAUSE))
    if not pace.pauses:
        pace = _slower(pace, now)
    pace = replace(pace, pauses=pace.pauses + 1, paused_until=max(until, pace.paused_until), next_slot=0.0)
    return _stage(pace, pace.rate, pace.paused_until)


def _wanted(pace: Pace) -> float:
    """Answers after which the stage is over."""
    if not pace.is_held:
        return max(TRIAL_REQUESTS, TRIAL_SECONDS * pace.rate)
    longer = 2.0 ** min(pace.refused_tries, 10)
    hold = longer * max(HOLD_REQUESTS, HOLD_SECONDS * pace.rate)
    return min(hold, max(LONGEST_HOLD_REQUESTS, LONGEST_HOLD_SECONDS * pace.rate))


def _proven(pace: Pace, now: float) -> Pace:
    was_held, was_raised = pace.is_held, pace.refused_rate is None and pace.proven_rate is not None
    pace = replace(pace, proven_rate=pace.rate)
    if was_held:
        pace = replace(pace, refused_rate=None, raised_by=FIRST_RAISE)
    elif was_raised:
        pace = replace(pace, refused_tries=0, raised_by=min(2 * pace.raised_by - 1, LARGEST_RAISE))
    if pace.refused_rate is None:
        return _stage(pace, min(pace.rate * pace.raised_by, FASTEST), now)
    return _stage(pace, sqrt(pace.rate * pace.refused_rate) if pace._has_room else pace.rate, now)


def _slower(pace: Pace, now: float) -> Pace:
    if pace.proven_rate is not None and pace.rate > pace.proven_rate:
        missed = pace.refused_rate is None and pace.rate <= CLOSE * pace.proven_rate
        return replace(
            pace,
            rate=pace.proven_rate,
            refused_rate=pace.rate,
            refused_tries=pace.refused_tries + missed,
        )
    refused = min(pace.rate, _seen(pace, now))
    # The longer a rate was answered, the nearer it is to what is allowed.
    kept = 0.93 if pace.stage_answered >= TRIAL_REQUESTS else 0.7 if pace.stage_answered >= TRIAL_REQUESTS / 3 else 0.5
    return replace(pace, rate=max(refused * kept, SLOWEST), refused_rate=refused, proven_rate=None)


def _seen(pace: Pace, now: float) -> float:
    """The rate at which the stage was really answered; the pace's own where that says nothing yet."""
    if not pace.stage_answered:
        return pace.rate
    return max(pace.stage_answered / max(now - pace.stage_began, 0.001), SLOWEST)


def _stage(pace: Pace, rate: float, now: float) -> Pace:
    return replace(pace, rate=rate, stage_began=now, stage_answered=0)
