"""The New York Stock Exchange's sessions. Nobody else asks the calendar; all read the table it is published to."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from riskstream.runtime.clock import NEW_YORK

if TYPE_CHECKING:
    import pandas as pd

YEARS_BACK = 10
YEARS_AHEAD = 1
NIGHT = time(21, 0)
"""When a session's run is due, in New York, whatever UTC says. It is after every close, early ones included."""


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day; instants are aware, in UTC."""

    day: date
    opens_at: datetime
    closes_at: datetime
    early_close: bool

    @property
    def due_at(self) -> datetime:
        """When the session's run may begin."""
        return due_at(self.day)


def due_at(session: date) -> datetime:
    """21:00 in New York on the session's date, in UTC: 02:00 the next day in winter, 01:00 in summer."""
    return datetime.combine(session, NIGHT, NEW_YORK).astimezone(UTC)


class Calendar:
    """Consecutive sessions, oldest first."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = tuple(sessions)
        self.days = [session.day for session in sessions]
        self._known = frozenset(self.days)

    def __contains__(self, day: object) -> bool:
        return day in self._known

    def due(self, now: datetime, *, after: date | None = None) -> list[date]:
        """The sessions whose 21:00 has passed at `now`, in order, and which come after `after`."""
        begin = 0 if after is None else bisect.bisect_right(self.days, after)
        end = bisect.bisect_right(self.sessions, now, key=lambda session: session.due_at)
        return self.days[begin:end]

    def back(self, day: date, count: int) -> date:
        """The session `count` sessions before the last one on or before `day`, or the calendar's first."""
        return self.days[max(bisect.bisect_right(self.days, day) - 1 - count, 0)]

    def between(self, first: date, last: date) -> list[date]:
        """The sessions between two days, both included."""
        return self.days[bisect.bisect_left(self.days, first) : bisect.bisect_right(self.days, last)]

    def window(self, last: date, count: int) -> list[date]:
        """The `count` sessions that end with `last`, or what there is of them. ValueError where `last` is none."""
        if last not in self._known:
            raise ValueError(f"{last} is not a session of the calendar, which runs {self.days[0]} to {self.days[-1]}")
        end = bisect.bisect_right(self.days, last)
        return self.days[max(end - count, 0) : end]


@lru_cache(maxsize=2)
def calendar_at(today: date) -> Calendar:
    """The calendar from ten years before `today` to one year after it.

    Takes a second, hence the cache of one day's; unscheduled closures arrive with a new version of the package and
    are seen at the next start or midnight.
    """
    # Here, because it brings pandas along: half a second for every command, most of which need no calendar.
    import exchange_calendars  # noqa: PLC0415

    nyse = exchange_calendars.get_calendar(
        "XNYS", start=_shifted(today, -YEARS_BACK).isoformat(), end=_shifted(today, YEARS_AHEAD).isoformat()
    )
    days = nyse.sessions.to_numpy().astype("datetime64[D]").tolist()
    opens = _epoch_seconds(nyse.opens)
    closes = _epoch_seconds(nyse.closes)
    early = {moment.date() for moment in nyse.early_closes}
    return Calendar(
        [
            Session(day, datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC), day in early)
            for day, begin, end in zip(days, opens, closes, strict=True)
        ]
    )


def _epoch_seconds(instants: "pd.Series[pd.Timestamp]") -> list[int]:
    naive = instants.dt.tz_convert(None).to_numpy()
    seconds: list[int] = naive.astype("datetime64[s]").astype(np.int64).tolist()
    return seconds


def _shifted(day: date, years: int) -> date:
    return date(day.year + years, day.month, min(day.day, 28))
