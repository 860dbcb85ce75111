"""Sessions and when their nights are due."""

from datetime import UTC, date, datetime

import pytest

from symbol_batch.calendar import Calendar, calendar_at, due_at

pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning")

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return calendar_at(TODAY)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("session", "due"),
    [
        (date(2026, 3, 6), "2026-03-07T02:00:00+00:00"),
        (date(2026, 3, 9), "2026-03-10T01:00:00+00:00"),
        (date(2026, 10, 30), "2026-10-31T01:00:00+00:00"),
        (date(2026, 11, 2), "2026-11-03T02:00:00+00:00"),
    ],
)
def test_a_night_is_due_at_21_in_new_york_on_both_sides_of_a_clock_change(session: date, due: str) -> None:
    assert due_at(session) == instant(due)
    assert due_at(session).tzinfo is UTC


def test_a_session_is_due_at_its_minute_and_not_before(calendar: Calendar) -> None:
    before, at = instant("2026-11-20T20:59:59-05:00"), instant("2026-11-20T21:00:00-05:00")
    assert calendar.due(before, after=date(2026, 11, 19)) == []
    assert calendar.due(at, after=date(2026, 11, 19)) == [date(2026, 11, 20)]


def test_a_half_day_is_due_at_21_like_any_other_and_says_when_it_closed(calendar: Calendar) -> None:
    [half] = [session for session in calendar.sessions if session.day == date(2026, 11, 27)]
    assert half.early_close
    assert half.closes_at == instant("2026-11-27T18:00:00+00:00")
    assert half.due_at == instant("2026-11-28T02:00:00+00:00")


def test_holidays_and_a_day_of_mourning_are_no_sessions(calendar: Calendar) -> None:
    assert date(2026, 11, 26) not in calendar
    assert date(2025, 1, 9) not in calendar
    assert date(2025, 1, 8) in calendar


def test_a_weekend_has_nothing_new_to_run(calendar: Calendar) -> None:
    assert calendar.due(instant("2026-11-22T23:00:00-05:00"), after=date(2026, 11, 20)) == []


def test_the_calendar_reaches_ten_years_back_and_one_ahead(calendar: Calendar) -> None:
    assert calendar.days[0] == date(2016, 11, 22)
    assert calendar.days[-1] == date(2027, 11, 22)


def test_windows_count_sessions(calendar: Calendar) -> None:
    assert calendar.window(date(2026, 11, 30), 3) == [date(2026, 11, 25), date(2026, 11, 27), date(2026, 11, 30)]
    assert calendar.back(date(2026, 11, 30), 1) == date(2026, 11, 27)
    assert calendar.back(date(2026, 11, 29), 0) == date(2026, 11, 27)
    with pytest.raises(ValueError, match="not a session"):
        calendar.window(date(2026, 11, 26), 3)
