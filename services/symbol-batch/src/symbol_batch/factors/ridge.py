"""Ridge regression of many symbols on the same few regressors jointly, each symbol on its own observations."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Floats
from symbol_batch.factors.sample import Sample, by_blocks, checked, sum_of_products, t_statistic

ALPHA = 1.0


@dataclass(frozen=True, slots=True)
class RidgeFit:
    """Joint betas of S symbols on K regressors: `beta` and `standard_error` (S, K), the rest (S,).

    Betas are NaN where a regressor does not vary over the symbol's observations, or these are fewer than three.
    `standard_error` is conditional on α and 0 for an exact fit; `r_squared` is NaN for constant returns.
    """

    beta: Floats
    standard_error: Floats
    r_squared: Floats
    observations: npt.NDArray[np.int64]

    @property
    def t(self) -> Floats:
        """(S, K); NaN where the standard error is 0."""
        return t_statistic(self.beta, self.standard_error)


def ridge(returns: Floats, regressors: Floats, *, alpha: float | Sequence[float] = ALPHA) -> RidgeFit:
    """Regress each column of `returns` (W, S) on an unpenalised intercept and `regressors` (W, K) jointly, in decimals.

    An observation is a session with the return and all regressors. Within a symbol's observations the regressors are
    standardised (mean 0, population standard deviation σ), the betas penalised by α, then scaled back by 1/σ: without
    standardising, α = 1 against daily returns would crush them. α is one number for all regressors or one for each, of
    which one may be 0: that beta is not penalised. With Z standardised, P = diag(α) and `A = (Z'Z + P)⁻¹Z'`, standard
    errors are `sqrt(diag(AA')·s²)/σ`, `s² = RSS/(n − 1 − tr(ZA))`.

    Equal to scikit-learn's `Ridge(alpha)` on standardised regressors. Source: Hoerl and Kennard (1970), Technometrics
    12. Raises ValueError for infinite values, shapes that do not fit, and an α that is negative, or 0 more than once.
    """
    checked(returns, regressors)
    k = regressors.shape[1]
    rows = by_blocks(returns, partial(_ridge_block, regressors, _penalty(alpha, k)))
    return RidgeFit(rows[:k].T, rows[k : 2 * k].T, rows[-2], rows[-1].astype(np.int64))


def _penalty(alpha: float | Sequence[float], k: int) -> Floats:
    """(K, K): diag(α), with at most one 0, so that `Z'Z + P` can be inverted however alike the regressors are."""
    penalties = np.full(k, alpha) if isinstance(alpha, int | float) else np.asarray(alpha, dtype=np.float64)
    if penalties.shape != (k,) or not ((penalties >= 0) & np.isfinite(penalties)).all() or (penalties == 0).sum() > 1:
        raise ValueError(f"alpha is {alpha}: ridge needs a positive penalty on each of its {k} regressors but one")
    return np.diag(penalties)


def _ridge_block(regressors: Floats, penalty: Floats, returns: Floats) -> Floats:
    """(2K + 2, B): betas, standard errors, R², observations."""
    sample = Sample(returns, regressors)
    count, y, k = sample.count, sample.y, regressors.shape[1]
    x = [sample.regressor(column) for column in range(k)]
    products = _products(x)
    squares: Floats = np.einsum("skk->ks", products)
    usable = np.all([sample.varies(column, squares[column]) for column in range(k)], axis=0) & (count > 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(usable, np.sqrt(squares / count), 1.0).T
        gram = np.where(usable[:, None, None], products / (sigma[:, :, None] * sigma[:, None, :]), np.eye(k))
        syy = sample.without_noise(sum_of_products(y, y))
        moments = np.stack([sum_of_products(column, y) for column in x], axis=1) / sigma
        moments[(syy == 0) | ~usable] = 0.0

        inverse = np.linalg.solve(gram + penalty, np.broadcast_to(np.eye(k), gram.shape))
        beta = np.where(usable[:, None], np.einsum("skl,sl->sk", inverse, moments) / sigma, np.nan)
        residuals = y - sum(slope * column for slope, column in zip(beta.T, x, strict=True))
        rss = sample.without_noise(sum_of_products(residuals, residuals))

        shrunk = inverse @ gram
        freedom = count - 1.0 - np.einsum("skk->s", shrunk)
        variance = np.where(freedom > 0, rss / freedom, np.nan)
        spread = np.einsum("skl,slk->sk", shrunk, inverse)
        error = np.sqrt(spread * variance[:, None]) / sigma
        r_squared = 1.0 - rss / syy
    error[~usable], r_squared[~usable] = np.nan, np.nan
    return np.concatenate([beta.T, error.T, r_squared[None], count[None]])


def _products(x: list[Floats]) -> Floats:
    """(B, K, K): sums of products of every two of the K centred regressors (W, B)."""
    k = len(x)
    products = np.empty((x[0].shape[1], k, k))
    for i in range(k):
        for j in range(i + 1):
            products[:, i, j] = products[:, j, i] = sum_of_products(x[i], x[j])
    return products
