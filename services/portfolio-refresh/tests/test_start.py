"""Where a fold begins, from data alone."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from portfolio_refresh.start import fold_start
from portfolio_refresh.store.states import Head, PortfolioState

SESSIONS = [date(2024, 12, day) for day in (2, 3, 4, 5, 6, 9, 10)]
CALENDAR = np.array(SESSIONS, dtype="datetime64[D]")
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, NEXT_MONDAY, TARGET = SESSIONS

UP_TO_DATE = PortfolioState(
    portfolio_id=UUID(int=1),
    owner_id="alice",
    version=3,
    first_session=TUESDAY,
    declared_equity=Decimal(100),
    deleted=False,
    head=Head(valuation=9, portfolio_version=3, edition=7, session=TARGET),
    became_known=False,
    changed_from=None,
    revised_from=None,
)
BEHIND_A_NIGHT = replace(UP_TO_DATE, head=Head(9, 3, 6, NEXT_MONDAY))


def begins(state):
    place = fold_start(state, CALENDAR)
    return None if place is None else SESSIONS[place]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (UP_TO_DATE, None),
        (BEHIND_A_NIGHT, TARGET),
        (replace(UP_TO_DATE, head=None), TUESDAY),
        (replace(UP_TO_DATE, became_known=True), TUESDAY),
        (replace(UP_TO_DATE, revised_from=THURSDAY), THURSDAY),
        (replace(UP_TO_DATE, revised_from=date(2024, 12, 7)), NEXT_MONDAY),
        (replace(UP_TO_DATE, revised_from=date(2019, 1, 2)), TUESDAY),
        (replace(UP_TO_DATE, revised_from=date(2024, 12, 11)), None),
        (replace(BEHIND_A_NIGHT, revised_from=FRIDAY), FRIDAY),
        (replace(UP_TO_DATE, version=4, changed_from=WEDNESDAY), WEDNESDAY),
        (replace(UP_TO_DATE, version=4, changed_from=date(2025, 1, 2)), TARGET),
        (replace(UP_TO_DATE, version=5, changed_from=WEDNESDAY, revised_from=THURSDAY), WEDNESDAY),
        (replace(UP_TO_DATE, head=None, first_session=date(2025, 1, 2)), None),
        (replace(UP_TO_DATE, head=None, first_session=date(2024, 12, 7)), NEXT_MONDAY),
        (replace(UP_TO_DATE, head=None, first_session=date(2001, 1, 2)), MONDAY),
        (replace(UP_TO_DATE, head=None, deleted=True), None),
    ],
)
def test_a_fold_begins_at_the_earliest_session_that_anything_affects(state, expected):
    assert begins(state) == expected
