import pytest

from riskstream.runtime import rate_limits
from riskstream.runtime.problems import Problem
from riskstream.runtime.rate_limits import Allowance, RateLimits
from riskstream.runtime.settings import RateSettings


class Seconds:
    now = 50.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    seconds = Seconds()
    monkeypatch.setattr(rate_limits, "time", seconds)
    return seconds


def taken(allowance: Allowance, owner: str = "alice") -> int:
    """How many can be taken at this moment."""
    count = 0
    while not allowance.take(owner):
        count += 1
    return count


@pytest.mark.parametrize("per_minute", [1, 7, 60, 6_000])
def test_the_whole_allowance_can_be_taken_at_once_and_comes_back_evenly(seconds: Seconds, per_minute: int) -> None:
    allowance = Allowance("reads", per_minute)
    assert taken(allowance) == per_minute
    assert allowance.take("alice") == pytest.approx(60 / per_minute)
    seconds.now += 60 / per_minute
    assert taken(allowance) == 1
    seconds.now += 60
    assert taken(allowance) == per_minute


def test_one_owners_flood_takes_nothing_from_another(seconds: Seconds) -> None:
    allowance = Allowance("reads", 5)
    assert taken(allowance, "alice") == 5
    assert taken(allowance, "bob") == 5


def test_what_is_refused_does_not_push_the_next_one_further_away(seconds: Seconds) -> None:
    allowance = Allowance("reads", 60)
    taken(allowance)
    for _ in range(1_000):
        assert allowance.take("alice") == pytest.approx(1.0)


def test_owners_who_have_not_come_for_a_minute_are_forgotten(seconds: Seconds) -> None:
    allowance = Allowance("reads", 5)
    for number in range(1_000):
        allowance.take(f"owner-{number}")
    seconds.now += 61
    allowance.take("alice")
    assert list(allowance._whole_at) == ["alice"]


def test_zero_is_without_limit(seconds: Seconds) -> None:
    limits = RateLimits(RateSettings(reads_per_minute=0, writes_per_minute=1))
    for _ in range(10_000):
        limits.count("alice", "read")


def test_reads_and_writes_are_counted_apart_and_the_refusal_says_when_to_come_back(seconds: Seconds) -> None:
    limits = RateLimits(RateSettings(reads_per_minute=2, writes_per_minute=1))
    limits.count("alice", "write")
    for _ in range(2):
        limits.count("alice", "read")
    with pytest.raises(Problem) as refused:
        limits.count("alice", "write")
    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert refused.value.headers == {
        "Retry-After": "60",
        "RateLimit-Policy": '"writes";q=1;w=60',
        "RateLimit": '"writes";r=0;t=60',
    }
    with pytest.raises(Problem, match="2 reads a minute; the next one in 30 s"):
        limits.count("alice", "operator")
