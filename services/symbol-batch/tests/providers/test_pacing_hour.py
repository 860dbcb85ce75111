"""An hour of asking in virtual time: what rate is found, and at how many refusals."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from symbol_batch.providers.limit import Heard, Limit, step
from symbol_batch.providers.pacing import FASTEST, Pace

HOUR = 3_600.0
WARM_UP = 600.0


class Server(Protocol):
    def allows(self, now: float) -> bool: ...


@dataclass
class TokenBucket:
    rate: float
    burst: float
    tokens: float = field(init=False)
    seen: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def allows(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.seen) * self.rate)
        self.seen = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class SlidingWindow:
    """Refused requests do not count."""

    count: int
    seconds: float
    sent: deque[float] = field(default_factory=deque)

    def allows(self, now: float) -> bool:
        while self.sent and self.sent[0] <= now - self.seconds:
            self.sent.popleft()
        if len(self.sent) >= self.count:
            return False
        self.sent.append(now)
        return True


@dataclass
class Hour:
    """What the asking came to: when and how each request ended."""

    ends: list[tuple[float, bool]]
    limit: Limit

    def rate(self, begin: float, end: float) -> float:
        """Answers a second."""
        return sum(ok for at, ok in self.ends if begin <= at < end) / (end - begin)

    def refused(self, begin: float, end: float) -> float:
        """The share of requests that were refused."""
        of = [ok for at, ok in self.ends if begin <= at < end]
        return 1 - sum(of) / max(len(of), 1)

    def found_after(self, allowed: float, since: float = 0.0) -> float:
        """Seconds until a minute's (or sixty requests') mean first comes to 80 % of what is allowed."""
        span = max(60.0, 60 / allowed)
        starts = range(int(since), int(self.ends[-1][0] - span), 5)
        return next((at - since for at in starts if self.rate(at, at + span) >= 0.8 * allowed), HOUR)


def ask_for_an_hour(
    server_at: Callable[[float], Server],
    in_flight: int,
    latency: float,
    *,
    until: float = HOUR,
    retry_after: float | None = None,
) -> Hour:
    """`in_flight` clients that always want something, a state that all share, answers after about `latency`.

    Time is virtual: seconds, from 0 to `until`.
    """
    draw = random.Random(11)
    limit = Limit(Pace(FASTEST))
    # (time, number, what happens, client, epoch, whether allowed)
    events: list[tuple[float, int, str, int, int, bool]] = [(0.0, n, "want", n, 0, True) for n in range(in_flight)]
    number, ends = in_flight, []
    while events:
        now, _, kind, client, epoch, allowed = heapq.heappop(events)
        if now > until:
            break
        number += 1
        if kind == "want":
            limit, slots = step(limit, (), 1, now)
            at = slots[0] if slots else max(limit.closed_until, now + 0.05)
            heapq.heappush(events, (at, number, "send" if slots else "want", client, limit.epoch, True))
        elif kind == "send" and epoch != limit.epoch:
            heapq.heappush(events, (now, number, "want", client, 0, True))
        elif kind == "send":
            there = now + latency / 2 * draw.lognormvariate(0, 0.3)
            heapq.heappush(events, (there, number, "arrive", client, epoch, True))
        elif kind == "arrive":
            back = now + latency / 2 * draw.lognormvariate(0, 0.3)
            heapq.heappush(events, (back, number, "hear", client, epoch, server_at(now).allows(now)))
        else:
            heard = Heard(epoch, answered=1) if allowed else Heard(epoch, refused=1, retry_after=retry_after)
            limit, _ = step(limit, [heard], 0, now)
            ends.append((now, allowed))
            heapq.heappush(events, (now, number, "want", client, 0, True))
    return Hour(ends, limit)


SERVERS: dict[str, Callable[[float], Server]] = {
    "bucket, one second's burst": lambda rate: TokenBucket(rate, max(rate, 1.0)),
    "bucket, a minute's burst": lambda rate: TokenBucket(rate, max(60 * rate, 1.0)),
    "window of a second": lambda rate: SlidingWindow(max(round(rate), 1), max(1.0, 1 / rate)),
    "window of ten seconds": lambda rate: SlidingWindow(round(10 * rate), 10.0),
}


def latency_at(allowed: float, in_flight: int) -> float:
    """200 ms, or less where so few in flight could not use what is allowed."""
    return min(0.2, 0.7 * in_flight / allowed)


@pytest.mark.parametrize(
    ("allowed", "in_flight", "until"),
    [
        (0.5, 1, HOUR),
        (0.5, 10, HOUR),
        (2.0, 1, HOUR),
        (2.0, 3, HOUR),
        (2.0, 10, HOUR),
        (10.0, 10, 2_400),
        (50.0, 10, 1_200),
    ],
)
@pytest.mark.parametrize("kind", SERVERS)
def test_the_rate_that_is_allowed_is_found_and_hardly_ever_overstepped(
    kind: str, allowed: float, in_flight: int, until: float
) -> None:
    server = SERVERS[kind](allowed)
    hour = ask_for_an_hour(lambda _: server, in_flight, latency_at(allowed, in_flight), until=until)
    found, refused = hour.rate(WARM_UP, until), hour.refused(WARM_UP, until)
    print(
        f"{kind}, {allowed:g}/s allowed, {in_flight} in flight: {found:.2f}/s after ten minutes, "
        f"{100 * refused:.2f} % refused, {sum(not ok for at, ok in hour.ends if at < WARM_UP)} refusals before, "
        f"80 % first reached after {hour.found_after(allowed):.0f} s"
    )
    assert found > 0.8 * allowed
    assert refused < 0.01


@pytest.mark.parametrize(("before", "after"), [(2.0, 10.0), (2.0, 50.0), (0.5, 5.0)])
def test_a_limit_that_was_raised_is_found_again_within_minutes(before: float, after: float) -> None:
    low, high = TokenBucket(before, max(before, 1.0)), TokenBucket(after, after)
    hour = ask_for_an_hour(lambda now: low if now < WARM_UP else high, 10, 0.1, until=2_400)
    took = hour.found_after(after, since=WARM_UP)
    print(f"{before:g}/s raised to {after:g}/s: 80 % of it after {took:.0f} s")
    assert took < 600 / min(before, 1.0)


@pytest.mark.parametrize(("before", "after"), [(50.0, 2.0), (2.0, 0.5)])
def test_a_limit_that_was_lowered_costs_few_refusals(before: float, after: float) -> None:
    high, low = TokenBucket(before, before), TokenBucket(after, 1.0)
    hour = ask_for_an_hour(lambda now: high if now < WARM_UP else low, 10, 0.1, until=2_400)
    refused = sum(not ok for at, ok in hour.ends if WARM_UP <= at < 1_200)
    print(f"{before:g}/s lowered to {after:g}/s: {refused} refusals, then {hour.rate(1_200, 2_400):.2f}/s")
    assert refused < 60
    assert hour.rate(1_200, 2_400) > 0.75 * after


class Nothing:
    """Refuses everybody."""

    def allows(self, now: float) -> bool:
        return False


def test_a_provider_that_refuses_everything_is_asked_less_and_less_and_found_again() -> None:
    willing = TokenBucket(100.0, 100.0)
    hour = ask_for_an_hour(lambda now: Nothing() if 60 <= now < 1_860 else willing, 10, 0.2)
    asked = [at for at, _ in hour.ends if 61 <= at < 1_860]
    back = next(at for at, ok in hour.ends if at > 1_860 and ok) - 1_860
    print(f"half an hour of refusals: asked {len(asked)} times; answered again {back:.0f} s after its end")
    assert len(asked) < 16
    assert back <= 300
    assert hour.rate(3_000, HOUR) > 0.8 * hour.rate(0, 60)


def test_a_willing_provider_is_never_slowed_down() -> None:
    hour = ask_for_an_hour(lambda _: TokenBucket(1e9, 1e9), 10, 0.05, until=120)
    assert hour.rate(10, 110) > 0.9 * 10 / 0.05
    assert hour.limit.pace.rate == FASTEST


def test_nothing_is_asked_between_a_refusal_and_the_end_of_what_it_asked_for() -> None:
    server = TokenBucket(2.0, 2.0)
    hour = ask_for_an_hour(lambda _: server, 10, 0.2, until=1_200, retry_after=20.0)
    refusals = [at for at, ok in hour.ends if not ok]
    first = [at for at, before in zip(refusals, [-60.0, *refusals], strict=False) if at - before > 1]
    for refusal in first:
        # What was under way comes back within a second; the next answer takes a little more than the pause.
        assert not [at for at, _ in hour.ends if refusal + 1 < at < refusal + 20]
    assert len(first) > 2
