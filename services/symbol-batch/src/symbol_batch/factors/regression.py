"""Ordinary least squares of many symbols on one regressor, each symbol on its own observations."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Bools, Floats
from symbol_batch.factors.sample import Sample, by_blocks, checked, sum_of_products, t_statistic

NEWEY_WEST_LAGS = 5


@dataclass(frozen=True, slots=True)
class OlsFit:
    """Slopes of S symbols, all arrays (S,). NaN where a number does not exist; `observations` always does.

    `beta` is NaN with fewer than three observations and where the regressor does not vary over them. An exact fit has
    standard errors of 0 and therefore no t. Constant returns have a beta of 0 and no R².
    """

    beta: Floats
    standard_error: Floats
    standard_error_newey_west: Floats
    r_squared: Floats
    observations: npt.NDArray[np.int64]

    @property
    def t(self) -> Floats:
        """Of the classical standard error."""
        return t_statistic(self.beta, self.standard_error)

    @property
    def t_newey_west(self) -> Floats:
        """Of the Newey–West standard error."""
        return t_statistic(self.beta, self.standard_error_newey_west)


def ols(returns: Floats, regressor: Floats, *, lags: int | None = NEWEY_WEST_LAGS) -> OlsFit:
    """Regress each column of `returns` (W, S) on an intercept and `regressor` (W,), both in decimals.

    An observation is a session with both; NaN in one is no observation. Standard errors are classical (s² with n − 2
    degrees of freedom) and Newey–West: Bartlett weights `1 − l/(lags + 1)`, no small-sample correction, lags counted in
    a symbol's own observations, as when the gaps are dropped first. `lags=None` leaves the latter out (NaN).

    Equal to statsmodels `OLS(y, [1, x]).fit()` and `.fit(cov_type="HAC", cov_kwds={"maxlags": lags})`. Source: Newey
    and West (1987), Econometrica 55. Raises ValueError for infinite values and shapes that do not fit.
    """
    checked(returns, regressor)
    beta, error, newey_west, r_squared, count = by_blocks(returns, partial(_ols_block, regressor, lags))
    return OlsFit(beta, error, newey_west, r_squared, count.astype(np.int64))


def _ols_block(regressor: Floats, lags: int | None, returns: Floats) -> Floats:
    """(5, B): beta, standard error, Newey–West standard error, R², observations."""
    sample = Sample(returns, regressor[:, None])
    count, x, y = sample.count, sample.regressor(0), sample.y
    with np.errstate(divide="ignore", invalid="ignore"):
        sxx = sum_of_products(x, x)
        usable = sample.varies(0, sxx) & (count > 2)
        sxx = np.where(usable, sxx, np.nan)
        syy = sample.without_noise(sum_of_products(y, y))
        beta = np.where(syy == 0, 0.0, sum_of_products(x, y)) / sxx
        residuals = y - beta * x
        rss = sample.without_noise(sum_of_products(residuals, residuals))
        error = np.sqrt(rss / (count - 2) / sxx)
        newey_west = np.full(beta.shape, np.nan)
        if lags is not None:
            newey_west = np.where(rss == 0, 0.0, np.sqrt(_bartlett_sum(x * residuals, sample.observed, lags))) / sxx
        r_squared = 1.0 - rss / np.where(usable, syy, np.nan)
    return np.stack([beta, error, newey_west, r_squared, count])


def _bartlett_sum(scores: Floats, observed: Bools, lags: int) -> Floats:
    """Long-run sum of squares of scores (W, B), 0 where not observed: `Σu² + 2 Σ_l (1 − l/(L+1)) Σ u_t·u_{t−l}`."""
    scores = _closed_up(scores, observed)
    total = sum_of_products(scores, scores)
    for lag in range(1, lags + 1):
        weight = 1.0 - lag / (lags + 1.0)
        total += 2.0 * weight * sum_of_products(scores[lag:], scores[:-lag])
    return np.maximum(total, 0.0)  # positive in exact arithmetic, rounding may take it just below


def _closed_up(scores: Floats, observed: Bools) -> Floats:
    """The same with each symbol's observations moved up to follow each other without gaps.

    Only a gap between observations separates neighbours; zeros before the first and after the last add nothing.
    """
    starts = observed[0] + (observed[1:] & ~observed[:-1]).sum(axis=0)
    gapped = np.flatnonzero(starts > 1)
    mask = observed[:, gapped].T
    closed = np.zeros(mask.shape)
    closed[np.arange(mask.shape[1]) < mask.sum(axis=1, keepdims=True)] = scores[:, gapped].T[mask]
    result = scores.copy()
    result[:, gapped] = closed.T
    return result
