from datetime import date, datetime

import numpy as np
import pytest

from market_simulator.sessions import nyse_sessions


def last_published(instant: str) -> str:
    sessions = nyse_sessions(date(2024, 11, 1), date(2025, 3, 31))
    index = sessions.last_published(datetime.fromisoformat(instant))
    return sessions.day(index).isoformat()


@pytest.mark.parametrize(
    ("instant", "session"),
    [
        ("2024-12-31T16:04:59-05:00", "2024-12-30"),
        ("2024-12-31T16:05:00-05:00", "2024-12-31"),
        ("2025-01-01T21:00:00-05:00", "2024-12-31"),
        ("2024-11-29T13:04:59-05:00", "2024-11-27"),
        ("2024-11-29T13:05:00-05:00", "2024-11-29"),
        ("2025-01-09T21:00:00-05:00", "2025-01-08"),
        ("2025-01-04T12:00:00+00:00", "2025-01-03"),
    ],
    ids=["before the close", "after it", "holiday", "before an early close", "after it", "day of mourning", "weekend"],
)
def test_a_session_is_published_five_minutes_after_its_close(instant, session):
    assert last_published(instant) == session


def test_before_the_first_session_nothing_is_published():
    sessions = nyse_sessions(date(2024, 11, 1), date(2024, 11, 29))
    assert sessions.last_published(datetime.fromisoformat("2024-11-01T09:00:00-04:00")) == -1


def test_sessions_open_at_half_past_nine_in_winter_and_in_summer():
    sessions = nyse_sessions(date(2025, 3, 7), date(2025, 3, 10))
    assert sessions.opens.tolist() == [1741357800, 1741613400]
    assert np.diff(sessions.opens) == [3 * 86400 - 3600]


def test_a_calendar_that_runs_backwards_is_refused():
    with pytest.raises(ValueError, match="earlier first day"):
        nyse_sessions(date(2025, 1, 2), date(2024, 1, 2))
