"""Ridge of many ragged symbols at once, against scikit-learn and the written-out formula one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from symbol_batch.factors.ridge import ridge


def ragged(seed: int, symbols: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Six funds that nearly are one, as the style ETFs are, and symbols with gaps and late starts."""
    random = np.random.default_rng(seed)
    regressors = random.normal(0.0004, 0.01, (90, 1)) + random.normal(0, 0.002, (90, 6))
    returns = regressors @ random.normal(0.2, 0.5, (6, symbols)) + random.normal(0, 0.015, (90, symbols))
    returns[random.random(returns.shape) < random.uniform(0, 0.4, symbols)] = np.nan
    returns[:25, ::3] = np.nan
    regressors[random.random(regressors.shape) < 0.01] = np.nan
    return returns, regressors


@pytest.mark.parametrize("seed", range(5))
def test_betas_equal_scikit_learn_on_standardised_regressors(seed: int) -> None:
    returns, regressors = ragged(seed)
    fit = ridge(returns, regressors)
    for symbol in range(returns.shape[1]):
        own = np.isfinite(returns[:, symbol]) & np.isfinite(regressors).all(axis=1)
        X, y = regressors[own], returns[own, symbol]
        Z = (X - X.mean(axis=0)) / X.std(axis=0)
        model = Ridge(alpha=1.0).fit(Z, y)
        np.testing.assert_allclose(fit.beta[symbol], model.coef_ / X.std(axis=0), rtol=1e-10, atol=1e-10)
        assert fit.r_squared[symbol] == pytest.approx(model.score(Z, y), abs=1e-10)
        assert fit.observations[symbol] == own.sum()


@pytest.mark.parametrize("alpha", [1.0, 25.0])
def test_standard_errors_are_those_of_the_formula(alpha: float) -> None:
    returns, regressors = ragged(21)
    fit = ridge(returns, regressors, alpha=alpha)
    for symbol in range(returns.shape[1]):
        own = np.isfinite(returns[:, symbol]) & np.isfinite(regressors).all(axis=1)
        X, y = regressors[own], returns[own, symbol] - returns[own, symbol].mean()
        Z = (X - X.mean(axis=0)) / X.std(axis=0)
        A = np.linalg.inv(Z.T @ Z + alpha * np.eye(6)) @ Z.T
        s2 = np.sum((y - Z @ A @ y) ** 2) / (len(y) - 1 - np.trace(Z @ A))
        expected = np.sqrt(np.diag(A @ A.T) * s2) / X.std(axis=0)
        np.testing.assert_allclose(fit.standard_error[symbol], expected, rtol=1e-10)
        np.testing.assert_allclose(fit.t[symbol], fit.beta[symbol] / expected, rtol=1e-10)


def test_without_standardising_the_same_penalty_crushes_the_betas() -> None:
    returns, regressors = ragged(4, symbols=60)
    crushed = []
    for symbol in range(returns.shape[1]):
        own = np.isfinite(returns[:, symbol]) & np.isfinite(regressors).all(axis=1)
        crushed.append(Ridge(alpha=1.0).fit(regressors[own], returns[own, symbol]).coef_.sum())
    assert np.median(crushed) < 0.2
    assert np.median(ridge(returns, regressors).beta.sum(axis=1)) > 0.8


def test_the_intercept_is_not_penalised() -> None:
    returns, regressors = ragged(8)
    np.testing.assert_allclose(ridge(returns + 0.5, regressors).beta, ridge(returns, regressors).beta, atol=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), scales=st.lists(st.floats(0.01, 100), min_size=6, max_size=6))
def test_rescaling_a_regressor_only_rescales_its_beta(seed: int, scales: list[float]) -> None:
    returns, regressors = ragged(seed, symbols=4)
    fit, other = ridge(returns, regressors), ridge(returns, regressors * scales)
    np.testing.assert_allclose(other.beta * scales, fit.beta, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(other.t, fit.t, rtol=1e-8, atol=1e-8)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), victim=st.integers(0, 39), share=st.floats(0, 1))
def test_one_symbols_gaps_never_touch_another(seed: int, victim: int, share: float) -> None:
    returns, regressors = ragged(seed)
    before = ridge(returns, regressors)
    returns[np.random.default_rng(seed).random(len(returns)) < share, victim] = np.nan
    after = ridge(returns, regressors)
    others = np.arange(returns.shape[1]) != victim
    for name in ("beta", "standard_error", "r_squared", "observations"):
        np.testing.assert_array_equal(getattr(before, name)[others], getattr(after, name)[others])


@pytest.mark.parametrize("symbols", [0, 1, 256, 300])
def test_a_symbol_alone_and_among_others_in_any_order_gets_the_same_bits(symbols: int) -> None:
    returns, regressors = ragged(9, symbols=max(symbols, 1))
    order = np.random.default_rng(0).permutation(symbols)
    fit, shuffled = ridge(returns[:, :symbols], regressors), ridge(returns[:, order], regressors)
    assert fit.beta.shape == (symbols, 6)
    for name in ("beta", "standard_error", "r_squared", "observations"):
        np.testing.assert_array_equal(getattr(fit, name)[order], getattr(shuffled, name))
        if symbols:
            alone = ridge(returns[:, symbols - 1 : symbols], regressors)
            np.testing.assert_array_equal(getattr(alone, name), getattr(fit, name)[-1:])


def test_two_equal_regressors_share_the_beta() -> None:
    returns, regressors = ragged(3)
    regressors[:, 1] = regressors[:, 0]
    fit = ridge(returns, regressors)
    np.testing.assert_allclose(fit.beta[:, 0], fit.beta[:, 1], rtol=1e-9)
    assert np.isfinite(fit.standard_error).all()


@pytest.mark.parametrize("level", [0.0, 0.01])
def test_one_regressor_that_does_not_vary_leaves_no_joint_estimate(level: float) -> None:
    returns, regressors = ragged(3)
    regressors[:, 4] = level
    fit = ridge(returns, regressors)
    assert np.isnan(fit.beta).all()
    assert np.isnan(fit.standard_error).all()
    assert np.isnan(fit.r_squared).all()
    assert (fit.observations > 30).all()


def test_constant_returns_have_betas_of_zero_and_neither_t_nor_r_squared() -> None:
    _, regressors = ragged(3)
    fit = ridge(np.full((90, 1), 0.001), regressors)
    assert (fit.beta == 0).all()
    assert (fit.standard_error == 0).all()
    assert np.isnan(fit.t).all()
    assert np.isnan(fit.r_squared).all()


@pytest.mark.parametrize("observations", [0, 1, 2])
def test_hardly_any_observations_give_nothing_and_stop_nobody_else(observations: int) -> None:
    returns, regressors = ragged(3)
    regressors = np.nan_to_num(regressors)
    returns[observations:, 0] = np.nan
    returns[:observations, 0] = 0.01
    fit = ridge(returns, regressors)
    assert np.isnan(fit.beta[0]).all()
    assert fit.observations[0] == observations
    assert np.isfinite(fit.beta[1:]).all()


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_a_penalty_that_is_not_positive_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="positive penalty"):
        ridge(*ragged(0), alpha=alpha)


def test_an_infinite_return_is_refused() -> None:
    returns, regressors = ragged(0)
    returns[0, 0] = -np.inf
    with pytest.raises(ValueError, match="a return is infinite"):
        ridge(returns, regressors)


@pytest.mark.parametrize("penalties", [(0.0, 1, 1, 1, 1, 1), (3.0, 0.5, 0.0, 2.0, 1.0, 40.0)])
def test_a_penalty_of_its_own_for_each_regressor_is_least_squares_with_a_row_for_each(penalties) -> None:
    """Ridge is least squares on the data and, for each regressor, one more row that pulls its beta towards 0."""
    returns, regressors = ragged(5)
    fit = ridge(returns, regressors, alpha=penalties)
    for symbol in range(returns.shape[1]):
        own = np.isfinite(returns[:, symbol]) & np.isfinite(regressors).all(axis=1)
        X, y = regressors[own], returns[own, symbol]
        Z = (X - X.mean(axis=0)) / X.std(axis=0)
        rows = np.vstack([Z, np.diag(np.sqrt(penalties))])
        pulled = np.linalg.lstsq(rows, np.concatenate([y - y.mean(), np.zeros(6)]), rcond=None)[0]
        np.testing.assert_allclose(fit.beta[symbol], pulled / X.std(axis=0), rtol=1e-9, atol=1e-10)
        A = np.linalg.inv(Z.T @ Z + np.diag(penalties)) @ Z.T
        s2 = np.sum((y - y.mean() - Z @ pulled) ** 2) / (len(y) - 1 - np.trace(Z @ A))
        np.testing.assert_allclose(
            fit.standard_error[symbol], np.sqrt(np.diag(A @ A.T) * s2) / X.std(axis=0), rtol=1e-9
        )


def test_one_penalty_for_all_is_the_same_penalty_for_each() -> None:
    returns, regressors = ragged(6)
    np.testing.assert_array_equal(
        ridge(returns, regressors, alpha=2.0).beta, ridge(returns, regressors, alpha=[2.0] * 6).beta
    )


@pytest.mark.parametrize(
    "penalties", [[1.0] * 5, [0.0, 0.0, 1, 1, 1, 1], [1, 1, 1, 1, 1, float("inf")], [-1, *[1] * 5]]
)
def test_penalties_that_do_not_fit_or_leave_two_regressors_free_are_refused(penalties) -> None:
    with pytest.raises(ValueError, match="positive penalty"):
        ridge(*ragged(0), alpha=penalties)
