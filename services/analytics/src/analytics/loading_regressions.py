"""The regressions behind an edition's loadings, one for each set of sessions that symbols were seen on.

They depend on the factors and on which sessions a symbol has, not on its returns: most symbols miss nothing and share
one. Made once for an edition (`Edition.loading_regressions`), they are looked up for every book.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk_model import RiskModel
from riskstream.market.arrays import Bools, Floats
from riskstream.market.risk_factors import RIDGE_PENALTIES

FACTORS = len(RIDGE_PENALTIES)
UNBROKEN = 0
"""The set of a symbol that misses no session on which all factors are known."""


@dataclass(frozen=True)
class LoadingRegressions:
    """M sets of sessions, and which of them each of the edition's S symbols has, over the T sessions of residuals."""

    sets: NDArray[np.intp]
    """(S,) the set of each symbol."""
    known: Bools
    """(S,) whether the loadings were estimated, and from series that are here."""
    inverses: Floats
    """(M, 8, 8), symmetric: `(Z'Z + P)⁻¹` in units of returns, times `√(n / (n − 1 − tr(ZA)))` for what the regression
    fitted of its own errors. 0 where there can be no regression."""
    means: Floats
    """(M, 8) of the factors over the sessions of the set."""
    factor_returns: Floats
    """(T, 8), 0 where one of them is not known."""
    complete: Bools
    """(T,) whether all factors are known."""
    unbroken: Floats
    """(T, 8) `(f_t − mean) (Z'Z + P)⁻¹` of the set without a hole: times a symbol's residual, what session t adds to
    the errors of its loadings."""


def loading_regressions(risk: RiskModel, factor_returns: Floats) -> LoadingRegressions:
    """Of an edition with these `factor_returns` (T', 8), the edition's session last, NaN where there is none.

    A symbol's sessions are those with its residual and all factors. Not known is a symbol whose loadings are assumed
    or lacking, whose residuals were dropped, or that has hardly more sessions than factors.
    """
    factors = _last(factor_returns, risk.residuals.shape[1])
    complete: Bools = np.asarray(np.isfinite(factors).all(axis=1))
    factors = np.where(complete[:, None], factors, 0.0)
    masks, sets = _distinct(np.isfinite(risk.residuals), complete)
    inverses, means, enough = _regressions(masks, factors)
    return LoadingRegressions(
        sets=sets,
        known=enough[sets] & ~risk.assumed & np.asarray(np.isfinite(risk.betas).all(axis=1)),
        inverses=inverses,
        means=means,
        factor_returns=factors,
        complete=complete,
        unbroken=(factors - means[UNBROKEN]) @ inverses[UNBROKEN],
    )


def _distinct(seen: Bools, complete: Bools) -> tuple[Floats, NDArray[np.intp]]:
    """The M different rows of (S, T), where complete, as 0 and 1, (M, T), and which of them each is (S,)."""
    broken = np.flatnonzero(~(seen | ~complete).all(axis=1))
    rows, those = np.unique(np.packbits(seen[broken] & complete, axis=1), axis=0, return_inverse=True)
    sets = np.full(len(seen), UNBROKEN, dtype=np.intp)
    sets[broken] = 1 + those.reshape(-1)
    return np.concatenate([complete[None].astype(float), np.unpackbits(rows, axis=1, count=seen.shape[1])]), sets


def _last(factors: Floats, sessions: int) -> Floats:
    """(sessions, 8) ending with the last, NaN before the first."""
    found = np.full((sessions, FACTORS), np.nan)
    there = min(sessions, len(factors))
    found[sessions - there :] = factors[len(factors) - there :]
    return found


def _regressions(masks: Floats, factors: Floats) -> tuple[Floats, Floats, Bools]:
    """For M sets of sessions (M, T): `inverses` (M, 8, 8) and `means` (M, 8), and whether there can be a regression."""
    count = masks.sum(axis=1)
    divisor = np.maximum(count, 1.0)
    means = masks @ factors / divisor[:, None]
    products = (masks @ (factors[:, :, None] * factors[:, None, :]).reshape(len(factors), -1)).reshape(
        -1, FACTORS, FACTORS
    ) - divisor[:, None, None] * means[:, :, None] * means[:, None, :]
    variances = np.einsum("mkk->mk", products) / divisor[:, None]
    enough = (count > 2 * FACTORS) & (variances > 1e-16).all(axis=1)
    sigma = np.sqrt(np.where(enough[:, None], variances, 1.0))
    units = sigma[:, :, None] * sigma[:, None, :]
    gram = np.where(enough[:, None, None], products / units, np.eye(FACTORS))
    inverse = np.linalg.inv(gram + np.diag(RIDGE_PENALTIES))
    spent = 1.0 + np.einsum("mkl,mlk->m", inverse, gram)
    scale = np.sqrt(np.where(enough, count / np.where(enough, count - spent, 1.0), 0.0))
    return np.where(enough[:, None, None], inverse / units * scale[:, None, None], 0.0), means, enough
