"""What both regressions share: blocks of symbols, and when a number is nothing but rounding noise."""

from collections.abc import Callable, Iterator

import numpy as np

from symbol_batch.factors.arrays import Bools, Floats

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
    if returns.ndim != 2 or len(returns) == 0 or len(regressors) != len(returns):
        raise ValueError(
            f"returns {returns.shape} must be (sessions, symbols), at least one session, and regressors "
            f"{regressors.shape} have as many sessions"
        )
    if np.isinf(returns).any() or np.isinf(regressors).any():
        raise ValueError("a return is infinite: a price of zero got past the quality gate; mark it missing (NaN)")


class Sample:
    """The observations of a block of symbols: sessions on which both the symbol and every regressor have a return.

    returns (W, B) and regressors (W, K). `observed` (W, B) says where, `count` (B,) how many.
    """

    def __init__(self, returns: Floats, regressors: Floats) -> None:
        """Find the observations and centre the returns."""
        usable = np.isfinite(regressors)
        self.observed: Bools = np.isfinite(returns) & np.asarray(usable.all(axis=1))[:, None]
        self.count = self.observed.sum(axis=0)
        self._weight = self.observed.astype(np.float64)
        self._divisor = np.maximum(self.count, 1)
        self._regressors = np.where(usable, regressors, 0.0)
        filled = np.where(self.observed, returns, 0.0)
        self._noise = ROUNDING**2 * sum_of_products(filled, filled)
        self.y: Floats = (filled - filled.sum(axis=0) / self._divisor) * self._weight
        """(W, B): returns minus each symbol's mean, 0 where not observed."""

    def regressor(self, k: int) -> Floats:
        """(W, B): the k-th regressor minus its mean over each symbol's own observations, 0 where not observed."""
        column = self._regressors[:, k]
        mean = np.einsum("t,ts->s", column, self._weight) / self._divisor
        centred: Floats = (column[:, None] - mean) * self._weight
        return centred

    def varies(self, k: int, sum_of_squares: Floats) -> Bools:
        """(B,): whether the k-th regressor, with this sum of squares, is more than rounding noise of its scale."""
        scale = max(1.0, float(np.abs(self._regressors[:, k]).max()))
        varies: Bools = sum_of_squares > self.count * (ROUNDING * scale) ** 2
        return varies

    def without_noise(self, sum_of_squares: Floats) -> Floats:
        """A residual or total sum of squares (B,), exactly 0 where it is rounding noise of the returns themselves."""
        return np.where(sum_of_squares <= self._noise, 0.0, sum_of_squares)


def sum_of_products(left: Floats, right: Floats) -> Floats:
    """Per symbol: (W, B) and (W, B) to (B,)."""
    products: Floats = np.einsum("ts,ts->s", left, right)
    return products


def t_statistic(beta: Floats, standard_error: Floats) -> Floats:
    """Estimate over standard error; NaN, never an infinity, where the error is 0 or missing."""
    t = np.full(beta.shape, np.nan)
    np.divide(beta, standard_error, out=t, where=standard_error > 0)
    return t
