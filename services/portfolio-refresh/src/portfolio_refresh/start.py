"""Where a fold begins: decided from data alone, never from the event that made somebody look."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from portfolio_refresh.store.states import PortfolioState
from portfolio_refresh.valuation.arrays import Days


def first_place(state: PortfolioState, calendar: Days) -> int:
    """The calendar index of the portfolio's first snapshot: of `first_session`, or of the next session with prices."""
    return int(np.searchsorted(calendar, np.datetime64(state.first_session, "D")))


def fold_start(state: PortfolioState, calendar: Days, since: date | None = None) -> int | None:
    """The calendar index of the first session that must be folded; None where there is nothing to do.

    The target is the calendar's last session. The earliest of: the session after the head's, the first that a newer
    version or a newer revision affects, `since` where somebody ordered a fold from there, and the portfolio's first
    session where there is no head or a symbol became known. Never before the portfolio's first session. A new version
    always folds the target at least, so that the head comes to carry it.
    """
    target = len(calendar) - 1
    first = first_place(state, calendar)
    if first > target or state.deleted:
        return None
    if state.head is None or state.became_known:
        return first
    candidates = _places(calendar, (state.changed_from, state.revised_from, since))
    if state.head.portfolio_version < state.version:
        candidates.append(target)
    candidates.append(int(np.searchsorted(calendar, np.datetime64(state.head.session, "D"), side="right")))
    start = max(min(candidates), first)
    return None if start > target else start


def _places(calendar: Days, dates: Sequence[date | None]) -> list[int]:
    return [int(np.searchsorted(calendar, np.datetime64(day, "D"))) for day in dates if day is not None]
