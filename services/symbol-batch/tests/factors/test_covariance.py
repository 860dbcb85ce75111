"""Weighted covariance with a shrunken correlation, against scikit-learn and numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf
from sklearn.preprocessing import StandardScaler

from riskstream.market.weights import session_weights
from symbol_batch.factors.covariance import shrunk_covariance


def series(seed: int, sessions: int = 252) -> np.ndarray:
    """Eight series with one common part and volatilities that differ thirtyfold."""
    random = np.random.default_rng(seed)
    common = random.standard_t(5, (sessions, 1))
    mixed = common * random.uniform(-3, 3, 8) + random.standard_t(5, (sessions, 8))
    return 0.0003 + mixed * np.geomspace(0.0005, 0.015, 8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sessions", [30, 252, 1260])
def test_with_equal_weights_the_correlation_is_scikit_learns_on_standardised_returns(seed: int, sessions: int) -> None:
    returns = series(seed, sessions)
    found = shrunk_covariance(returns, half_life=None)
    scaler = StandardScaler().fit(returns)
    correlation, shrinkage = ledoit_wolf(scaler.transform(returns))
    assert found.shrinkage == pytest.approx(shrinkage, abs=1e-10)
    expected = correlation * np.outer(scaler.scale_, scaler.scale_)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-10, atol=1e-18)
    assert found.sessions == sessions


@pytest.mark.parametrize("half_life", [10, 42, 400])
def test_variances_are_the_weighted_ones_and_correlations_the_weighted_ones_times_one_factor(half_life: int) -> None:
    returns = series(5)
    found = shrunk_covariance(returns, half_life=half_life)
    plain = np.cov(returns.T, aweights=session_weights(252, half_life), ddof=0)
    np.testing.assert_allclose(np.diag(found.matrix), np.diag(plain), rtol=1e-12)
    off = ~np.eye(8, dtype=bool)
    np.testing.assert_allclose(found.matrix[off], (1 - found.shrinkage) * plain[off], rtol=1e-9)
    assert 0 < found.shrinkage < 1


def test_the_intensity_is_the_formula_with_weighted_means_and_the_effective_number_of_sessions() -> None:
    returns = series(6)
    weights = session_weights(252, 42)
    z = (returns - weights @ returns) / np.sqrt(np.diag(np.cov(returns.T, aweights=weights, ddof=0)))
    correlation = sum(w * np.outer(row, row) for w, row in zip(weights, z, strict=True))
    spread = sum(
        w * np.sum((np.outer(row, row) - correlation) ** 2) for w, row in zip(weights, z, strict=True)
    ) * np.sum(weights**2)
    expected = spread / np.sum((correlation - np.eye(8)) ** 2)
    assert shrunk_covariance(returns, half_life=42).shrinkage == pytest.approx(expected, rel=1e-10)


def test_a_short_half_life_shrinks_more_because_it_sees_fewer_sessions() -> None:
    shrinkages = [shrunk_covariance(series(7), half_life=half_life).shrinkage for half_life in (5, 21, 84, None)]
    assert shrinkages == sorted(shrinkages, reverse=True)
    assert shrinkages[0] > 2 * shrinkages[-1]


def test_weights_halve_every_half_life_and_sum_to_one() -> None:
    weights = session_weights(100, 42)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert weights[57] / weights[99] == pytest.approx(0.5, abs=1e-12)
    np.testing.assert_array_equal(session_weights(4, None), [0.25] * 4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), sessions=st.integers(2, 60), half_life=st.one_of(st.none(), st.floats(2, 100)))
def test_the_matrix_is_symmetric_and_positive_semidefinite_even_with_fewer_sessions_than_series(
    seed: int, sessions: int, half_life: float | None
) -> None:
    found = shrunk_covariance(series(seed, sessions), half_life=half_life)
    np.testing.assert_array_equal(found.matrix, found.matrix.T)
    deviations = np.sqrt(np.diag(found.matrix))
    assert np.linalg.eigvalsh(found.matrix / np.outer(deviations, deviations)).min() > -1e-12
    assert 0 <= found.shrinkage <= 1


def test_two_series_that_nearly_are_one_stay_two_and_the_matrix_stays_definite() -> None:
    returns = series(8)
    returns[:, 3] = -returns[:, 2] + np.random.default_rng(1).normal(0, 1e-5, 252)
    matrix = shrunk_covariance(returns, half_life=42).matrix
    correlation = matrix[2, 3] / np.sqrt(matrix[2, 2] * matrix[3, 3])
    assert -1 < correlation < -0.8
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_a_quiet_series_keeps_its_own_variance_beside_a_loud_one() -> None:
    returns = series(9)
    alone = shrunk_covariance(returns[:, :4], half_life=42).matrix[0, 0]
    assert shrunk_covariance(returns, half_life=42).matrix[0, 0] == pytest.approx(alone, rel=1e-12)


def test_a_session_with_a_hole_is_left_out_and_the_others_keep_their_age() -> None:
    returns = series(10)
    whole = returns.copy()
    returns[200, 4] = np.nan
    found = shrunk_covariance(returns, half_life=42)
    weights = session_weights(252, 42)
    weights[200] = 0.0
    assert found.matrix[0, 0] == pytest.approx(np.cov(whole[:, 0], aweights=weights, ddof=0), rel=1e-12)
    assert found.sessions == 251


def test_too_few_sessions_a_constant_series_and_infinite_returns_are_refused() -> None:
    returns = series(11, 10)
    returns[1:, 0] = np.nan
    with pytest.raises(ValueError, match="1 of 10 sessions have a return of every series"):
        shrunk_covariance(returns, half_life=42)
    constant = series(11)
    constant[:, [2, 6]] = 0.0004
    with pytest.raises(ValueError, match=r"series \[2, 6\] do not vary over the 252 sessions"):
        shrunk_covariance(constant, half_life=None)
    endless = series(11)
    endless[7, 7] = np.inf
    with pytest.raises(ValueError, match="a return is infinite"):
        shrunk_covariance(endless, half_life=42)
