"""Order statistics against numpy's quantiles, the ruling, and what samples of known distributions do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics.tail import bounding_ranks, fewest_sessions, tail_count, tail_of


def test_of_a_year_the_thirteenth_and_the_third_worst_count() -> None:
    assert (tail_count(252, 95), tail_count(252, 99)) == (13, 3)
    losses = np.random.default_rng(1).permutation(np.arange(1.0, 253.0))
    five, one = tail_of(losses, 95), tail_of(losses, 99)
    assert (five.value_at_risk, five.expected_shortfall, five.count) == (240.0, 246.0, 13)
    assert (one.value_at_risk, one.expected_shortfall, one.count) == (250.0, 251.0, 3)
    assert (five.low, five.high) == (253.0 - 21, 253.0 - 6)
    assert (one.low, one.high) == (253.0 - 7, None)


@pytest.mark.parametrize("level", [95, 99])
@pytest.mark.parametrize("sessions", [100, 101, 119, 120, 200, 251, 252])
def test_the_rank_is_that_of_the_empirical_quantile(sessions: int, level: int) -> None:
    losses = np.random.default_rng(sessions).normal(size=sessions)
    assert tail_of(losses, level).value_at_risk == np.quantile(losses, level / 100, method="inverted_cdf")


@given(st.lists(st.floats(-1e9, 1e9), min_size=100, max_size=252))
def test_the_shortfall_is_never_smaller_and_a_higher_level_never_less(losses: list[float]) -> None:
    five, one = tail_of(np.array(losses), 95), tail_of(np.array(losses), 99)
    for tail in (five, one):
        assert tail.expected_shortfall >= tail.value_at_risk - 1e-6
        assert tail.low <= tail.value_at_risk
        assert tail.high is None or tail.high >= tail.value_at_risk
        assert tail.expected_shortfall_error >= 0
    assert one.value_at_risk >= five.value_at_risk


@pytest.mark.parametrize(("level", "fewest"), [(95, 20), (99, 100)])
def test_a_level_asks_for_as_many_losses_as_have_one_beyond_it(level: int, fewest: int) -> None:
    assert fewest_sessions(level) == fewest
    assert tail_of(np.arange(float(fewest)), level).count == 2
    with pytest.raises(ValueError, match=f"asks for at least {fewest}"):
        tail_of(np.arange(fewest - 1.0), level)


@pytest.mark.parametrize("level", [95, 99])
@pytest.mark.parametrize("sessions", [20, 71, 72, 100, 252, 367, 368, 500])
def test_bounds_are_the_narrowest_that_leave_out_at_most_a_fortieth_at_each_end(sessions: int, level: int) -> None:
    lower, upper = bounding_ranks(sessions, level)
    beyond = stats.binom(sessions, 1 - level / 100)
    assert beyond.sf(lower - 1) <= 0.025 < beyond.sf(lower - 2)
    if upper is None:
        assert beyond.pmf(0) > 0.025
    else:
        assert beyond.cdf(upper - 1) <= 0.025 < beyond.cdf(upper)


def test_at_99_per_cent_a_year_does_not_bound_from_above_and_368_sessions_do() -> None:
    assert bounding_ranks(252, 99)[1] is None
    assert bounding_ranks(367, 99)[1] is None
    assert bounding_ranks(368, 99)[1] == 1
    assert bounding_ranks(252, 95) == (21, 6)


def test_the_interval_holds_the_true_quantile_in_at_least_95_of_100_samples() -> None:
    dice = np.random.default_rng(7)
    truth = stats.t(6).ppf(0.95)
    tails = [tail_of(row, 95) for row in dice.standard_t(6, (3000, 252))]
    inside = np.mean([tail.low <= truth <= tail.high for tail in tails if tail.high is not None])
    assert 0.945 < inside < 0.985


def test_the_standard_error_is_what_the_shortfalls_of_samples_scatter_by() -> None:
    tails = [tail_of(row, 95) for row in np.random.default_rng(8).normal(size=(3000, 252))]
    scatter = np.std([tail.expected_shortfall for tail in tails])
    errors = np.mean([tail.expected_shortfall_error for tail in tails])
    assert errors == pytest.approx(scatter, rel=0.1)
