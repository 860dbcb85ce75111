"""How old a datum is, counted in sessions, by the one clock."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from riskstream.runtime.clock import NEW_YORK

NIGHTLY_RUN = time(21, 0)
"""New York time at which a session's run is due."""
RUN_MAY_TAKE_UNTIL = time(23, 0)
"""New York time on the same day, up to which a missing session is not worth a warning."""

Level = Literal["fine", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Age:
    """`sessions` from the datum's session to the last due one; null where the calendar does not reach to today."""

    sessions: int | None
    level: Level
    last_due_session: date | None


def age(session: date, now: datetime, trading_sessions: Sequence[date]) -> Age:
    """The age at instant `now` (aware) of a datum of `session`, by the ascending calendar `trading_sessions`.

    0 is fine, 1 a warning once the last due session's run should have ended (23:00 New York), 2 and more critical
    (`domain.md` §6). A calendar that ends before today cannot vouch for anything: critical, without a number.
    """
    local = now.astimezone(NEW_YORK)
    last_due_day = local.date() if local.time() >= NIGHTLY_RUN else local.date() - timedelta(days=1)
    if not trading_sessions or trading_sessions[-1] < last_due_day:
        return Age(None, "critical", None)
    due = bisect_right(trading_sessions, last_due_day)
    last_due = trading_sessions[due - 1] if due else None
    behind = max(0, due - bisect_right(trading_sessions, session))
    return Age(behind, _level(behind, last_due, local), last_due)


def _level(behind: int, last_due: date | None, local: datetime) -> Level:
    if behind == 0:
        return "fine"
    run_under_way = local.date() == last_due and local.time() < RUN_MAY_TAKE_UNTIL
    if behind == 1:
        return "fine" if run_under_way else "warning"
    return "critical"
