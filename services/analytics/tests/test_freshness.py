"""Staleness is counted in sessions, by New York's clock."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.freshness import age

NEW_YORK = ZoneInfo("America/New_York")
# Thanksgiving week 2024 and its neighbours: no session on Thursday 28 November.
SESSIONS = [
    date(2024, 11, 21),
    date(2024, 11, 22),
    date(2024, 11, 25),
    date(2024, 11, 26),
    date(2024, 11, 27),
    date(2024, 11, 29),
    date(2024, 12, 2),
    date(2024, 12, 3),
]
THURSDAY, FRIDAY, MONDAY, WEDNESDAY = (date(2024, 11, day) for day in (21, 22, 25, 27))


@pytest.mark.parametrize(
    ("session", "now", "sessions", "level"),
    [
        (FRIDAY, "2024-11-25 12:00", 0, "fine"),  # Friday's on Monday noon
        (THURSDAY, "2024-11-25 12:00", 1, "warning"),  # Thursday's on Monday noon
        (FRIDAY, "2024-11-23 12:00", 0, "fine"),  # on Saturday
        (THURSDAY, "2024-11-24 23:59", 1, "warning"),  # Sunday night: Friday's run should have ended long ago
        (FRIDAY, "2024-11-25 20:59", 0, "fine"),  # a minute before the run
        (FRIDAY, "2024-11-25 21:00", 1, "fine"),  # the run begins
        (FRIDAY, "2024-11-25 22:59", 1, "fine"),  # and may take until 23:00
        (FRIDAY, "2024-11-25 23:00", 1, "warning"),
        (FRIDAY, "2024-11-26 00:30", 1, "warning"),
        (THURSDAY, "2024-11-25 21:30", 2, "critical"),  # one missed for certain, whatever the running one brings
        (WEDNESDAY, "2024-11-28 22:00", 0, "fine"),  # no run on a holiday
        (WEDNESDAY, "2024-11-29 12:00", 0, "fine"),
        (WEDNESDAY, "2024-12-02 12:00", 1, "warning"),  # Friday's half day was a session
        (date(2024, 12, 2), "2024-11-29 12:00", 0, "fine"),  # ahead of the schedule is not stale
    ],
)
def test_the_age_of_a_datum(session: date, now: str, sessions: int, level: str) -> None:
    found = age(session, datetime.fromisoformat(now).replace(tzinfo=NEW_YORK), SESSIONS)
    assert (found.sessions, found.level) == (sessions, level)


def test_the_day_is_new_yorks_whatever_utc_says() -> None:
    at_night_in_utc = datetime(2024, 11, 26, 3, 0, tzinfo=ZoneInfo("UTC"))  # Monday 22:00 in New York
    assert age(MONDAY, at_night_in_utc, SESSIONS).last_due_session == MONDAY


@pytest.mark.parametrize("now", ["2024-12-05 12:00", "2025-03-01 12:00"])
def test_a_calendar_that_has_ended_vouches_for_nothing(now: str) -> None:
    found = age(date(2024, 12, 3), datetime.fromisoformat(now).replace(tzinfo=NEW_YORK), SESSIONS)
    assert (found.sessions, found.level, found.last_due_session) == (None, "critical", None)


def test_without_a_calendar_there_is_no_number() -> None:
    assert age(MONDAY, datetime(2024, 11, 25, tzinfo=NEW_YORK), []).sessions is None
