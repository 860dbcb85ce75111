from datetime import UTC, date, datetime, timedelta

import pytest

from riskstream.runtime.clock import CLOCK_VARIABLE, NEW_YORK, Clock, clock_from_environment


def test_without_a_start_the_clock_is_the_real_one() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_started_clock_shows_its_start_and_runs_at_normal_speed() -> None:
    clock = Clock(datetime(2024, 12, 13, 21, tzinfo=NEW_YORK))
    first, second = clock.now(), clock.now()
    assert first.utcoffset() == timedelta(0)
    assert timedelta(0) <= first - datetime(2024, 12, 14, 2, tzinfo=UTC) < timedelta(seconds=5)
    assert timedelta(0) <= second - first < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2024-12-14T02:00:00+00:00", date(2024, 12, 13)),  # 21:00 in New York: still Friday there
        ("2024-07-13T01:30:00+00:00", date(2024, 7, 12)),  # 21:30 in summer time
        ("2024-12-14T05:00:00+00:00", date(2024, 12, 14)),
    ],
)
def test_today_is_new_yorks_date_whatever_utc_says(instant: str, day: date) -> None:
    assert Clock(datetime.fromisoformat(instant)).today() == day


def test_the_environment_starts_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, "2024-12-13T21:00:00-05:00")
    assert clock_from_environment().today() == date(2024, 12, 13)


def test_an_instant_without_zone_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, "2024-12-13T21:00:00")
    with pytest.raises(ValueError, match=r"no time zone; write 2024-12-13T21:00:00-05:00"):
        clock_from_environment()


def test_what_is_no_instant_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, "tomorrow")
    with pytest.raises(ValueError, match=r"RISKSTREAM_CLOCK='tomorrow' is not an instant"):
        clock_from_environment()


def test_clocks_made_at_different_moments_agree_when_they_are_told_when_it_was_set() -> None:
    start, hours = datetime(2024, 12, 13, 21, tzinfo=NEW_YORK), timedelta(hours=3)
    clock = Clock(start, set_at=datetime.now(UTC) - hours)
    assert abs(clock.now() - (start + hours)) < timedelta(seconds=5)


def test_another_process_makes_the_same_clock_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(datetime(2024, 12, 13, 21, tzinfo=NEW_YORK), set_at=datetime.now(UTC) - timedelta(minutes=7))
    for name, value in clock.environment().items():
        monkeypatch.setenv(name, value)
    assert abs(clock_from_environment().now() - clock.now()) < timedelta(seconds=0.5)
    assert Clock().environment() == {}
