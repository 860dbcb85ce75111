"""The planted betas against textbook regressions of what a client would read."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from market_simulator.as_of import history_as_of
from market_simulator.market import Market
from market_simulator.synthetic.generate import generate, synthesis_at
from market_simulator.truth import STYLES, UNIVARIATE, expected_ridge, planted_betas, style_coefficients

SYMBOLS = 200


def market_of(seed: int) -> tuple[Market, int]:
    market = generate(synthesis_at(date(2025, 7, 9), seed=seed, symbols=SYMBOLS))
    return market, market.sessions.first_from(date(2025, 7, 9))


def returns_of(market: Market, symbol: str, last: int) -> np.ndarray:
    """(sessions,) total returns as read at session `last`; NaN where there is none."""
    returns = np.full(last + 1, np.nan)
    history = history_as_of(market.series[symbol], last)
    if history is None:
        return returns
    dividends = {dividend.session: dividend.amount for dividend in history.dividends}
    for row in range(1, len(history.session)):
        session = int(history.session[row])
        if history.session[row - 1] == session - 1:
            returns[session] = (history.close[row] + dividends.get(session, 0.0)) / history.close[row - 1] - 1
    return returns


def univariate(y: np.ndarray, z: np.ndarray) -> tuple[float, float]:
    X = np.column_stack([np.ones_like(z), z])
    inverse = np.linalg.inv(X.T @ X)
    coefficients = inverse @ X.T @ y
    residual = y - X @ coefficients
    return coefficients[1], np.sqrt(residual @ residual / (len(y) - 2) * inverse[1, 1])


def ridge(y: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    deviation = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / deviation
    fitted = Ridge(alpha=1.0).fit(Z, y)
    A = np.linalg.inv(Z.T @ Z + np.eye(6)) @ Z.T
    residual = y - fitted.predict(Z)
    variance = residual @ residual / (len(y) - 1 - np.trace(Z @ A))
    return fitted.coef_ / deviation, np.sqrt(np.diag(A @ A.T) * variance) / deviation


def misses(market: Market, last: int, truth: dict[str, dict[str, float]]) -> tuple[int, int]:
    """How many planted betas lie more than three standard errors from their estimates, and how many there are."""
    funds = {symbol: returns_of(market, symbol, last) for symbol in market.planted.benchmarks}
    missed = compared = 0
    for symbol, planted in truth.items():
        y = returns_of(market, symbol, last)
        for factor, weights in UNIVARIATE.items():
            if factor in planted:
                rows = window(y, last, 180 if factor.endswith("spread") else 90)
                beta, error = univariate(y[rows], sum(weight * funds[fund][rows] for fund, weight in weights.items()))
                missed, compared = missed + (abs(beta - planted[factor]) > 3 * error), compared + 1
        if "value" in planted:
            rows = window(y, last, 90)
            betas, errors = ridge(y[rows], np.column_stack([funds[fund][rows] for fund in STYLES.values()]))
            expected = np.array([planted[factor] for factor in STYLES])
            missed, compared = missed + int(np.sum(np.abs(betas - expected) > 3 * errors)), compared + 6
    return missed, compared


def window(y: np.ndarray, last: int, length: int) -> np.ndarray:
    first = last + 1 - length
    return first + np.flatnonzero(np.isfinite(y[first : last + 1]))


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_ninety_nine_percent_of_planted_betas_lie_within_three_standard_errors(seed):
    market, last = market_of(seed)
    missed, compared = misses(market, last, planted_betas(market, last))
    assert compared > 0.97 * 12 * (SYMBOLS - 8)
    assert missed <= 0.01 * compared


def test_betas_that_were_not_planted_do_not_pass():
    market, last = market_of(7)
    truth = planted_betas(market, last)
    complete = {symbol: betas for symbol, betas in truth.items() if len(betas) == 12}
    shifted = dict(zip(complete, [*list(complete.values())[1:], next(iter(complete.values()))], strict=True))
    missed, compared = misses(market, last, shifted)
    assert missed > 0.05 * compared


def test_the_ridge_is_compared_with_its_shrunken_expectation_not_with_the_population():
    market, last = market_of(7)
    symbol = next(iter(market.planted.loadings))
    population = style_coefficients(market.planted, symbol)
    styles = [market.planted.benchmarks.index(fund) for fund in STYLES.values()]
    returns = market.planted.benchmark_returns[last - 89 : last + 1][:, styles]
    assert expected_ridge(population, returns, alpha=0.0) == pytest.approx(population, rel=1e-8)
    exact = Ridge(alpha=1.0).fit((returns - returns.mean(axis=0)) / returns.std(axis=0), returns @ population)
    assert expected_ridge(population, returns) == pytest.approx(exact.coef_ / returns.std(axis=0), rel=1e-8)


def test_a_short_history_has_no_truth_to_compare_with():
    market, _ = market_of(7)
    symbol, series = next((name, one) for name, one in market.series.items() if one.session[0] > 0)
    first = int(series.session[0])
    assert planted_betas(market, first + 59)[symbol] == {}
    assert len(planted_betas(market, first + 60)[symbol]) == 8
    assert len(planted_betas(market, first + 120)[symbol]) == 12


def test_funds_have_no_planted_betas():
    market, last = market_of(7)
    assert not set(market.planted.benchmarks) & set(planted_betas(market, last))


def test_recorded_prices_have_no_truth():
    market, _ = market_of(7)
    with pytest.raises(ValueError, match="no planted betas"):
        planted_betas(replace(market, planted=None))
