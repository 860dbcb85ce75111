"""The population betas of a synthetic market: what each of the twelve regressions estimates.

All returns are jointly Gaussian and independent over sessions, hence for any regressors Z the conditional mean of a
company's return is linear in Z with coefficients cov(Z)⁻¹ cov(Z, r), and the residual is iid Gaussian:

- OLS on one regressor z estimates cov(r, z) / var(z).
- The joint style ridge is biased by its penalty, and its standard error is conditional on the regressors and on α.
  So the value to compare with is its expectation given the realised style returns of the window,
  E[β̂ | X] = D⁻¹ (Z'Z + αI)⁻¹ Z'Z D b, with b the population coefficients, Z the standardised X and D = diag(σ_x).
  Around that value β̂ is Gaussian with exactly the covariance behind its standard error (Hoerl and Kennard 1970, §4).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from market_simulator.market import Floats, Market, Planted, Series

STYLES: Mapping[str, str] = {
    "value": "VTV",
    "growth": "VUG",
    "momentum": "MTUM",
    "quality": "QUAL",
    "size": "IWM",
    "low_volatility": "USMV",
}
"""Factor → the benchmark it regresses on, all six jointly."""

_SINGLES: Mapping[str, Mapping[str, float]] = {"market_beta": {"SPY": 1.0}, "ir_beta": {"TLT": 1.0}}
_SPREADS: Mapping[str, Mapping[str, float]] = {
    "growth_value_spread": {"VUG": 1.0, "VTV": -1.0},
    "momentum_spread": {"MTUM": 1.0, "SPY": -1.0},
    "size_spread": {"IWM": 1.0, "SPY": -1.0},
    "quality_spread": {"QUAL": 1.0, "SPY": -1.0},
}
UNIVARIATE: Mapping[str, Mapping[str, float]] = {**_SINGLES, **_SPREADS}
"""Factor → its one regressor as weights of benchmark returns."""

STYLE_ALPHA = 1.0

_WINDOW, _FEWEST = 90, 60
_SPREAD_WINDOW, _FEWEST_FOR_SPREADS = 180, 120


def planted_betas(market: Market, session: int | None = None) -> dict[str, dict[str, float]]:
    """Symbol → factor → true value, for each company and each factor that its window up to `session` can estimate.

    `session` is an index, by default the market's last. A return exists where two consecutive sessions have a bar;
    under 60 returns of 90, or 120 of 180, a factor is left out. The benchmarks themselves have no planted betas: a
    fund regressed on itself leaves no noise to measure an error by. Raises ValueError where prices were recorded.
    """
    planted = market.planted
    if planted is None:
        raise ValueError("recorded prices have no planted betas; generate a synthetic market")
    last = len(market.sessions) - 1 if session is None else session
    betas: dict[str, dict[str, float]] = {}
    for symbol in planted.loadings:
        series = market.series.get(symbol)
        if series is not None:
            betas[symbol] = _company_betas(planted, symbol, _has_return(series, len(market.sessions)), last)
    return betas


def univariate_beta(planted: Planted, symbol: str, weights: Mapping[str, float]) -> float:
    """cov(r, z) / var(z) for the regressor z = Σ weight · benchmark return."""
    mix = np.array([weights.get(benchmark, 0.0) for benchmark in planted.benchmarks])
    return float(planted.loadings[symbol] @ planted.covariance @ mix / (mix @ planted.covariance @ mix))


def style_coefficients(planted: Planted, symbol: str) -> Floats:
    """(6,): the population coefficients of the joint regression on the six style benchmarks, in `STYLES` order."""
    columns = _style_columns(planted)
    covariance = planted.covariance[columns][:, columns]
    coefficients = np.linalg.solve(covariance, planted.covariance[columns] @ planted.loadings[symbol])
    return np.asarray(coefficients, dtype=np.float64)


def expected_ridge(coefficients: Floats, style_returns: Floats, alpha: float = STYLE_ALPHA) -> Floats:
    """(k,): the expected ridge estimate given the regressors.

    `coefficients` (k,) are the true ones, `style_returns` (n, k) the window's regressors in decimals without NaN;
    they are standardised to mean 0 and population standard deviation 1 before the penalty `alpha` applies.
    """
    deviation = style_returns.std(axis=0)
    standardised = (style_returns - style_returns.mean(axis=0)) / deviation
    gram = standardised.T @ standardised
    shrunk = np.linalg.solve(gram + alpha * np.eye(len(gram)), gram @ (deviation * coefficients))
    return np.asarray(shrunk / deviation, dtype=np.float64)


def _company_betas(planted: Planted, symbol: str, has_return: NDArray[np.bool_], last: int) -> dict[str, float]:
    betas: dict[str, float] = {}
    window = _window(has_return, last, _WINDOW)
    if len(window) >= _FEWEST:
        betas |= {factor: univariate_beta(planted, symbol, weights) for factor, weights in _SINGLES.items()}
        returns = planted.benchmark_returns[window][:, _style_columns(planted)]
        shrunk = expected_ridge(style_coefficients(planted, symbol), returns)
        betas |= dict(zip(STYLES, shrunk.tolist(), strict=True))
    if len(_window(has_return, last, _SPREAD_WINDOW)) >= _FEWEST_FOR_SPREADS:
        betas |= {factor: univariate_beta(planted, symbol, weights) for factor, weights in _SPREADS.items()}
    return betas


def _has_return(series: Series, count: int) -> NDArray[np.bool_]:
    has_bar = np.zeros(count, dtype=bool)
    has_bar[series.session] = True
    has_bar[1:] &= has_bar[:-1].copy()
    has_bar[0] = False
    return has_bar


def _window(has_return: NDArray[np.bool_], last: int, length: int) -> NDArray[np.int64]:
    first = max(0, last + 1 - length)
    return first + np.flatnonzero(has_return[first : last + 1])


def _style_columns(planted: Planted) -> list[int]:
    return [planted.benchmarks.index(benchmark) for benchmark in STYLES.values()]
