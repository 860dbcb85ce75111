"""The exchange's sessions: when each opens, closes, and is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import exchange_calendars
import numpy as np
from numpy.typing import NDArray

PUBLICATION_DELAY_SECONDS = 300
"""A session's bar, and the actions that went ex on it, appear this long after its close, early closes included."""


_MARGIN = timedelta(days=10)


@dataclass(frozen=True)
class Sessions:
    """Consecutive NYSE sessions, oldest first; index k means the same session in all three arrays."""

    dates: NDArray[np.datetime64]
    """New York dates, unit D."""
    opens: NDArray[np.int64]
    """Epoch seconds."""
    closes: NDArray[np.int64]
    """Epoch seconds; early closes as the calendar knows them."""

    def __len__(self) -> int:
        return len(self.dates)

    def last_published(self, now: datetime) -> int:
        """Index of the last session that is published at `now`; −1 before the first."""
        moment = int(now.timestamp()) - PUBLICATION_DELAY_SECONDS
        return int(np.searchsorted(self.closes, moment, side="right")) - 1

    def first_from(self, day: date) -> int:
        """Index of the first session on or after `day`; the number of sessions if there is none."""
        return int(np.searchsorted(self.dates, np.datetime64(day, "D"), side="left"))

    def day(self, index: int) -> date:
        """The date of one session."""
        return self.dates[index].astype(object)  # type: ignore[no-any-return]

    def part(self, begin: int) -> Sessions:
        """The sessions from index `begin` on."""
        return Sessions(self.dates[begin:], self.opens[begin:], self.closes[begin:])


def nyse_sessions(first: date, last: date) -> Sessions:
    """The NYSE sessions from `first` to `last`, both included."""
    if first > last:
        raise ValueError(f"the calendar cannot run from {first} back to {last}; give an earlier first day")
    # The library refuses a calendar of one day and bounds that are no sessions: ask for more and cut.
    calendar = exchange_calendars.get_calendar("XNYS", start=first - _MARGIN, end=last + _MARGIN)
    dates = calendar.sessions.values.astype("datetime64[D]")
    asked = slice(*np.searchsorted(dates, [np.datetime64(first, "D"), np.datetime64(last, "D") + 1]))
    return Sessions(
        dates=dates[asked],
        opens=calendar.opens_nanos[asked] // 1_000_000_000,
        closes=calendar.closes_nanos[asked] // 1_000_000_000,
    )
