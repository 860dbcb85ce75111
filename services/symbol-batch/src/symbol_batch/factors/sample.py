"""What both regressions share: blocks of symbols, and when a number is nothing but rounding noise."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

BLOCK_WIDTH = 256
"""Symbols regressed at once: 180 sessions of them stay in a processor's cache."""

ROUNDING = 1e-12
"""Below this share of its scale a deviation is rounding noise.

A return is a ratio of prices minus one, so it carries an absolute error of about 2e-16: some 1e-14 of a typical daily
return. Regressing SPY on SPY leaves residuals of that size and, without a threshold, a t statistic of 1e14.
"""


def by_blocks(returns: Floats, regress: Callable[[Floats], Floats]) -> Floats:
    """Apply `regress`, which turns (W, BLOCK_WIDTH) returns into (k, BLOCK_WIDTH) results, to (W, S): gives (k, S).

    The last block is filled up with symbols that have no returns, so every array has the same shape whatever S is. A
    symbol's result is therefore the same to the last bit alone, among 5,000 others, and in any order.
    """
    results = [regress(block) for block in _blocks(returns)]
    return np.concatenate(results, axis=1)[:, : returns.shape[1]]


def _blocks(returns: Floats) -> Iterator[Floats]:
    window, count = returns.shape
    for start in range(0, max(count, 1), BLOCK_WIDTH):
        block = np.full((window, BLOCK_WIDTH), np.nan)
        part = returns[:, start : start + BLOCK_WIDTH]
        block[:, : part.shape[1]] = part
        yield block


def checked(returns: Floats, regressors: Floats) -> None:
    """Raise ValueError where shapes do not fit or a value is infinite; NaN is a missing observation."""
    if returns.ndim != 2 or len(regressors) != len(returns):
        raise ValueError(
            f"returns {returns.shape} must be (sessions, symbols) and regressors {regressors.shape} have as many sessions"
        )
    if np.isinf(returns).any() or np.isinf(regressors).any():
        raise ValueError("a return is infinite: a price of zero got past the quality gate; mark it missing (NaN)")


def centred(values: Floats, observed: Bools, count: npt.NDArray[np.intp]) -> Floats:
    """Values (W, B) or (W, 1) minus each symbol's mean over its own observations, 0 where it has none. Gives (W, B)."""
    mean = np.where(observed, values, 0.0).sum(axis=0) / count
    return np.where(observed, values - mean, 0.0)


def sum_of_products(left: Floats, right: Floats) -> Floats:
    """Per symbol: (W, B) and (W, B) to (B,)."""
    products: Floats = np.einsum("ts,ts->s", left, right)
    return products


def is_degenerate(sum_of_squares: Floats, count: npt.NDArray[np.intp], scale: float) -> Bools:
    """Whether a regressor does not vary: its standard deviation is rounding noise of values up to `scale`, or of 1."""
    degenerate: Bools = ~(sum_of_squares > count * (ROUNDING * max(1.0, scale)) ** 2)
    return degenerate


def without_noise(sum_of_squares: Floats, returns: Floats, observed: Bools) -> Floats:
    """A residual or total sum of squares, exactly 0 where it is rounding noise of the returns themselves."""
    scale = np.where(observed, returns, 0.0)
    return np.where(sum_of_squares <= ROUNDING**2 * sum_of_products(scale, scale), 0.0, sum_of_squares)


def t_statistic(beta: Floats, standard_error: Floats) -> Floats:
    """Estimate over standard error; NaN, never an infinity, where the error is 0 or missing."""
    return np.divide(beta, standard_error, out=np.full(np.shape(beta), np.nan), where=standard_error > 0)
