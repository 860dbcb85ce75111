"""Which bars a chart request asks for: period1 and period2, or a range that ends with the last bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from market_simulator.as_of import History
from market_simulator.sessions import Sessions
from market_simulator.yahoo.refusals import bad_number, bad_range, nothing_that_early

VALID_RANGES = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")

_MONTHS = {"1mo": 1, "3mo": 3, "6mo": 6, "1y": 12, "2y": 24, "5y": 60, "10y": 120}
_SESSIONS = {"1d": 1, "5d": 5}


@dataclass(frozen=True)
class Period:
    """Bars `begin` up to, not including, `end` of a history; `range` as the answer's meta repeats it."""

    begin: int
    end: int
    range: str


def asked_period(parameters: Mapping[str, str], history: History, sessions: Sessions) -> Period:
    """The part of the history that the query asks for; period1 is included, period2 is not.

    Raises YahooError for numbers and ranges that Yahoo refuses, and for a period wholly before the first trade.
    """
    if "period1" in parameters or "period2" in parameters:
        return _between(parameters, history, sessions)
    asked = parameters.get("range", "1d")
    count = len(history.session)
    if asked in _SESSIONS:
        return Period(max(0, count - _SESSIONS[asked]), count, asked)
    if asked == "max":
        return Period(0, count, asked)
    first_session = sessions.first_from(_first_day(asked, sessions.day(int(history.session[-1]))))
    return Period(int(np.searchsorted(history.session, first_session)), count, asked)


def _between(parameters: Mapping[str, str], history: History, sessions: Sessions) -> Period:
    opens = sessions.opens[history.session]
    begin = _seconds(parameters, "period1", default=0)
    end = _seconds(parameters, "period2", default=int(opens[-1]) + 1)
    if end <= opens[0]:
        raise nothing_that_early(begin, end)
    return Period(int(np.searchsorted(opens, begin)), int(np.searchsorted(opens, max(begin, end))), "")


def _seconds(parameters: Mapping[str, str], name: str, *, default: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise bad_number(name, text) from None


def _first_day(asked: str, last: date) -> date:
    if asked == "ytd":
        return date(last.year, 1, 1)
    if asked not in _MONTHS:
        raise bad_range(asked)
    months = last.year * 12 + last.month - 1 - _MONTHS[asked]
    # The 28th at most: a month back from the 31st must exist in every month.
    return date(months // 12, months % 12 + 1, min(last.day, 28))
