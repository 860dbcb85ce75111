"""Least squares of many ragged symbols at once, against statsmodels one by one."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_batch.factors.regression import ols


def ragged(seed: int, window: int = 90, symbols: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Returns with gaps, late starts and early ends, and a regressor that itself misses some sessions."""
    random = np.random.default_rng(seed)
    regressor = random.normal(0.0003, 0.01, window)
    returns = regressor[:, None] * random.normal(1, 0.5, symbols) + random.normal(0, 0.015, (window, symbols))
    returns[random.random(returns.shape) < random.uniform(0, 0.5, symbols)] = np.nan
    returns[: window // 4, ::3] = np.nan
    returns[-window // 5 :, ::4] = np.nan
    regressor[random.random(window) < 0.04] = np.nan
    return returns, regressor


@pytest.mark.parametrize("window", [90, 180])
@pytest.mark.parametrize("seed", range(4))
def test_every_figure_equals_statsmodels_on_the_symbols_own_observations(seed: int, window: int) -> None:
    returns, regressor = ragged(seed, window)
    fit = ols(returns, regressor)
    for symbol in range(returns.shape[1]):
        own = np.isfinite(returns[:, symbol]) & np.isfinite(regressor)
        model = sm.OLS(returns[own, symbol], sm.add_constant(regressor[own]))
        classical = model.fit()
        robust = model.fit(cov_type="HAC", cov_kwds={"maxlags": 5, "use_correction": False})
        ours = (fit.beta, fit.standard_error, fit.t, fit.r_squared, fit.standard_error_newey_west, fit.t_newey_west)
        theirs = (classical.params, classical.bse, classical.tvalues, None, robust.bse, robust.tvalues)
        for mine, reference in zip(ours, theirs, strict=True):
            expected = classical.rsquared if reference is None else reference[1]
            assert mine[symbol] == pytest.approx(expected, rel=1e-8, abs=1e-12)
        assert fit.observations[symbol] == own.sum()


def test_lags_count_observations_not_sessions() -> None:
    returns, regressor = ragged(11, symbols=1)
    regressor = np.nan_to_num(regressor)
    own = np.isfinite(returns[:, 0])
    spread_out, packed = ols(returns, regressor), ols(returns[own], regressor[own])
    assert spread_out.standard_error_newey_west == pytest.approx(packed.standard_error_newey_west, rel=1e-14)
    holes_at_zero = ols(np.where(np.isnan(returns), 0.0, returns), regressor)
    assert holes_at_zero.standard_error_newey_west != pytest.approx(packed.standard_error_newey_west, rel=1e-3)


def test_newey_west_can_be_left_out() -> None:
    returns, regressor = ragged(0)
    fit = ols(returns, regressor, lags=None)
    assert np.isnan(fit.standard_error_newey_west).all()
    np.testing.assert_array_equal(fit.standard_error, ols(returns, regressor).standard_error)


@pytest.mark.parametrize("scale", [1.0, -0.7, 3.0])
def test_a_symbol_regressed_on_itself_has_no_t_instead_of_an_enormous_one(scale: float) -> None:
    regressor = np.random.default_rng(5).normal(0.0003, 0.01, 90)
    fit = ols((scale * regressor + 0.0001)[:, None], regressor)
    assert fit.beta[0] == pytest.approx(scale, rel=1e-12)
    assert (fit.standard_error[0], fit.standard_error_newey_west[0], fit.r_squared[0]) == (0.0, 0.0, 1.0)
    assert np.isnan([fit.t[0], fit.t_newey_west[0]]).all()


def test_a_fund_at_another_price_level_counts_as_itself() -> None:
    closes = 400 * np.exp(np.cumsum(np.random.default_rng(6).normal(0, 0.01, 91)))
    regressor, clone = closes[1:] / closes[:-1] - 1, (closes[1:] / 7) / (closes[:-1] / 7) - 1
    assert not np.array_equal(regressor, clone)
    assert np.isnan(ols(clone[:, None], regressor).t[0])


def test_a_real_but_tiny_residual_keeps_its_t() -> None:
    random = np.random.default_rng(5)
    regressor = random.normal(0, 0.01, 90)
    fit = ols((regressor + random.normal(0, 1e-9, 90))[:, None], regressor)
    assert 1e6 < fit.t[0] < np.inf


@pytest.mark.parametrize("level", [0.0, 0.0123])
def test_constant_returns_have_a_beta_of_zero_and_neither_t_nor_r_squared(level: float) -> None:
    fit = ols(np.full((90, 1), level), np.random.default_rng(1).normal(0, 0.01, 90))
    assert (fit.beta[0], fit.standard_error[0]) == (0.0, 0.0)
    assert np.isnan([fit.t[0], fit.t_newey_west[0], fit.r_squared[0]]).all()


@pytest.mark.parametrize("level", [0.0, 0.0123])
def test_a_regressor_that_does_not_vary_gives_nothing(level: float) -> None:
    fit = ols(np.random.default_rng(1).normal(0, 0.01, (90, 1)), np.full(90, level))
    assert np.isnan([fit.beta[0], fit.standard_error[0], fit.standard_error_newey_west[0], fit.r_squared[0]]).all()
    assert fit.observations[0] == 90


def test_the_rounding_noise_of_two_equal_funds_is_no_regressor() -> None:
    random = np.random.default_rng(1)
    noise = random.normal(0, 2e-16, 90)
    assert np.isnan(ols(random.normal(0, 0.01, (90, 1)), noise).beta[0])


def test_a_regressor_flat_only_on_the_symbols_own_sessions_is_flat_for_that_symbol_alone() -> None:
    random = np.random.default_rng(2)
    regressor, returns = random.normal(0, 0.01, 90), random.normal(0, 0.01, (90, 2))
    regressor[60:] = 0.01
    returns[:60, 1] = np.nan
    fit = ols(returns, regressor)
    np.testing.assert_array_equal(np.isnan(fit.beta), [False, True])


@pytest.mark.parametrize(("observations", "has_beta"), [(0, False), (1, False), (2, False), (3, True)])
def test_fewer_than_three_observations_give_nothing(observations: int, has_beta: bool) -> None:
    random = np.random.default_rng(3)
    returns = random.normal(0, 0.01, (90, 1))
    returns[observations:] = np.nan
    fit = ols(returns, random.normal(0, 0.01, 90))
    assert fit.observations[0] == observations
    assert np.isfinite(fit.beta[0]) == has_beta
    assert np.isfinite(fit.standard_error[0]) == has_beta


@pytest.mark.parametrize("symbols", [0, 1, 255, 256, 257, 600])
def test_a_symbol_alone_and_among_others_in_any_order_gets_the_same_bits(symbols: int) -> None:
    returns, regressor = ragged(9, symbols=max(symbols, 1))
    order = np.random.default_rng(0).permutation(symbols)
    fit, shuffled = ols(returns[:, :symbols], regressor), ols(returns[:, order], regressor)
    assert len(fit.beta) == symbols
    for name in ("beta", "standard_error", "standard_error_newey_west", "r_squared", "observations"):
        np.testing.assert_array_equal(getattr(fit, name)[order], getattr(shuffled, name))
        if symbols:
            alone = ols(returns[:, symbols - 1 : symbols], regressor)
            np.testing.assert_array_equal(getattr(alone, name), getattr(fit, name)[-1:])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3), shift=st.floats(-0.1, 0.1))
def test_scaling_and_shifting_returns_scales_the_beta_and_keeps_t(seed: int, scale: float, shift: float) -> None:
    returns, regressor = ragged(seed, symbols=4)
    fit, other = ols(returns, regressor), ols(returns * scale + shift, regressor)
    np.testing.assert_allclose(other.beta, fit.beta * scale, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.t, fit.t, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.r_squared, fit.r_squared, rtol=1e-6, atol=1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), victim=st.integers(0, 39), share=st.floats(0, 1))
def test_one_symbols_gaps_never_touch_another(seed: int, victim: int, share: float) -> None:
    returns, regressor = ragged(seed)
    before = ols(returns, regressor)
    returns[np.random.default_rng(seed).random(len(returns)) < share, victim] = np.nan
    after = ols(returns, regressor)
    others = np.arange(returns.shape[1]) != victim
    for name in ("beta", "standard_error", "standard_error_newey_west", "r_squared", "observations"):
        np.testing.assert_array_equal(getattr(before, name)[others], getattr(after, name)[others])


@pytest.mark.parametrize("where", ["returns", "regressor"])
def test_an_infinite_return_is_refused(where: str) -> None:
    returns, regressor = ragged(0)
    (returns[3:4, 2] if where == "returns" else regressor[3:4])[:] = np.inf
    with pytest.raises(ValueError, match="a return is infinite"):
        ols(returns, regressor)


@pytest.mark.parametrize("shape", [(90,), (80, 3), (0, 3)])
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="have as many sessions"):
        ols(np.zeros(shape), np.zeros(0 if shape[0] == 0 else 90))
