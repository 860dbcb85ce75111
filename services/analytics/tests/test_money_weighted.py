"""The money-weighted return: by hand, by its own equation, and where no rate or several solve it."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from analytics.money_weighted import InternalRate, internal_rate

START = date(2024, 1, 1)


def _rate(*dated: tuple[int, float]) -> InternalRate:
    days = np.array([START + timedelta(days=day) for day, _ in dated], dtype="datetime64[D]")
    return internal_rate(days, np.array([amount for _, amount in dated], dtype=np.float64))


def test_without_flows_it_is_the_growth_of_the_money() -> None:
    found = _rate((0, -100.0), (365, 110.0))
    assert found.period == pytest.approx(0.1, rel=1e-12)
    assert found.annual == pytest.approx(0.1, rel=1e-12)
    half = _rate((0, -100.0), (73, 110.0))
    assert half.annual == pytest.approx(1.1**5 - 1, rel=1e-12)
    assert half.period == pytest.approx(0.1, rel=1e-12)


def test_a_spreadsheets_example() -> None:
    """The one in the manuals of XIRR: 37.34 %."""
    paid = [("2008-01-01", -10_000), ("2008-03-01", 2_750), ("2008-10-30", 4_250), ("2009-02-15", 3_250),
            ("2009-04-01", 2_750)]  # fmt: skip
    days = np.array([day for day, _ in paid], dtype="datetime64[D]")
    found = internal_rate(days, np.array([amount for _, amount in paid], dtype=np.float64))
    assert found.annual == pytest.approx(0.373362535, abs=1e-8)
    assert (found.rates, found.reason) == (1, None)


def test_money_that_came_late_weighs_less() -> None:
    """Two equal years, the second with ten times the money: 21 % time-weighted would be 10 % a year."""
    found = _rate((0, -100.0), (365, -900.0), (730, 1_111.0))
    assert found.annual == pytest.approx(brentq(lambda r: -100 * (1 + r) ** 2 - 900 * (1 + r) + 1_111, 0, 1), rel=1e-10)


@pytest.mark.parametrize(
    "dated",
    [
        [],
        [(0, -100.0)],
        [(0, -100.0), (365, 0.0)],
        [(0, -100.0), (100, -50.0), (365, -1.0)],
        [(0, 0.0), (100, 0.0)],
        [(0, 50.0), (365, 0.0)],
    ],
)
def test_without_a_change_of_sign_there_is_none(dated: list[tuple[int, float]]) -> None:
    found = _rate(*dated)
    assert (found.period, found.annual, found.reason, found.rates) == (None, None, "no_sign_change", 0)


def test_of_several_rates_it_is_the_one_nearest_zero() -> None:
    """−100, +250, −156 in three years: 20 % and 30 %."""
    found = _rate((0, -100.0), (365, 250.0), (730, -156.0))
    assert (found.rates, found.reason) == (2, None)
    assert found.annual == pytest.approx(0.2, rel=1e-10)


def test_two_changes_of_sign_may_leave_no_rate_at_all() -> None:
    found = _rate((0, -100.0), (365, 200.0), (730, -150.0))
    assert (found.growth, found.reason) == (None, "no_rate")


def test_a_few_days_that_grow_beyond_all_numbers_have_a_rate_of_the_period_and_an_infinite_one_a_year() -> None:
    found = _rate((0, -1.0), (1, 1e9))
    assert found.period == pytest.approx(1e9 - 1, rel=1e-9)
    assert found.annual == np.inf


def test_a_growth_that_nobody_had_is_said_not_to_be_found() -> None:
    assert _rate((0, -1e-300), (9, 1e300)).reason == "not_converged"


def test_nearly_everything_lost_is_found_too() -> None:
    assert _rate((0, -1e9), (365, 1e-3)).annual == pytest.approx(-1.0, abs=1e-11)


amounts = st.floats(-1e6, 1e6).filter(lambda amount: abs(amount) > 1e-2)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 3_000), amounts), min_size=2, max_size=12, unique_by=lambda one: one[0]))
def test_the_present_value_at_the_rate_is_zero(dated: list[tuple[int, float]]) -> None:
    dated.sort()
    found = _rate(*dated)
    signs = [amount > 0 for _, amount in dated]
    changes = sum(one != other for one, other in pairwise(signs))
    if found.growth is None:
        assert found.reason in ("no_sign_change", "no_rate", "not_converged")
        assert (changes == 0) == (found.reason == "no_sign_change")
        return
    first, last = dated[0][0], dated[-1][0]
    terms = [amount * np.exp(-found.growth * (day - first) / (last - first)) for day, amount in dated]
    assert abs(sum(terms)) <= 1e-9 * sum(abs(term) for term in terms)
    assert 1 <= found.rates <= changes


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2_000), st.floats(1, 1e6)), min_size=0, max_size=8), st.floats(1, 1e7))
def test_with_deposits_only_there_is_exactly_one_rate(deposits: list[tuple[int, float]], worth: float) -> None:
    paid = sorted([(0, -1_000.0), *((day, -amount) for day, amount in deposits)])
    found = _rate(*paid, (2_001, worth))
    if found.reason == "not_converged":
        return
    assert found.rates == 1
    total = sum(-amount for _, amount in paid)
    assert found.period is not None
    assert (found.period > 0) == (worth > total) or worth == pytest.approx(total, rel=1e-9)
