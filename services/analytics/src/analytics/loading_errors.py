"""How far the risk model's loadings of a book may be off, as they are regressions and not known.

A symbol's loadings are linear in its returns: with Z its standardised factors, P the ridge's penalties and
`A = (Z'Z + P)⁻¹Z'`, they are off by `A ε`, ε what the factors do not explain. So what a book holds of the factors is
off by the same of the book's own ε, and its covariance is `Σ_t g_t g_t'`, `g_t` what session t adds: White's, for
residuals that are louder in some months than in others, and with those of symbols that move together in it. To take
symbols for independent, `Σ w² se²`, finds less than half of the errors of recorded sector baskets, as `Σ w²D` does of
their specific variances (docs/adr/0010-risk-model.md).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.edition import Edition
from riskstream.market.arrays import Bools, Floats
from riskstream.market.risk_factors import RIDGE_PENALTIES

FACTORS = len(RIDGE_PENALTIES)


@dataclass(frozen=True)
class LoadingErrors:
    """What the regressions of N symbols on the eight factors left, over T sessions. What is not known is off by 0."""

    known: Bools
    """(N,) whether the loadings were estimated, and from series that are here."""
    residuals: Floats
    """(N, T) daily, 0 on sessions outside of the symbol's regression."""
    inverses: Floats
    """(N, 8, 8): `(Z'Z + P)⁻¹` in units of returns, times `√(n / (n − 1 − tr(ZA)))` for what the regression fitted of
    its own errors."""
    means: Floats
    """(N, 8) of the factors over the symbol's sessions."""
    factor_returns: Floats
    """(T, 8), 0 where there is none."""

    def scores(self, amounts: Floats, rows: NDArray[np.intp]) -> Floats:
        """(T, 8) what each session adds to the errors of `Σ_i amounts_ik β_ik`, for every factor k, over `rows`.

        `amounts` (N, 8) in any unit. The standard error of a sum of them over factors is the root of its sum of
        squares over sessions.
        """
        weighted = amounts[rows, :, None] * self.inverses[rows]
        centres = np.einsum("nkl,nl->nk", weighted, self.means[rows])
        together = self.residuals[rows].T @ np.concatenate([weighted.reshape(len(rows), FACTORS**2), centres], axis=1)
        by_factor = together[:, : FACTORS**2].reshape(-1, FACTORS, FACTORS)
        found: Floats = np.einsum("tkl,tl->tk", by_factor, self.factor_returns) - together[:, FACTORS**2 :]
        return found

    def of_each(self, amounts: Floats, rows: NDArray[np.intp]) -> Floats:
        """(n,) standard errors of `Σ_k amounts_ik β_ik` for each of `rows` (n,) alone; NaN for one that is not known.

        `amounts` (n, 8).
        """
        moved = np.einsum("nk,nkl->nl", amounts, self.inverses[rows])
        centres = np.einsum("nl,nl->n", moved, self.means[rows])
        off = self.residuals[rows] * (moved @ self.factor_returns.T - centres[:, None])
        return np.where(self.known[rows], np.sqrt((off**2).sum(axis=1)), np.nan)


def root_sum_of_squares(scores: Floats) -> Floats:
    """Over sessions, the first axis: standard errors."""
    found: Floats = np.sqrt((scores**2).sum(axis=0))
    return found


def loading_errors_of(edition: Edition, rows: NDArray[np.intp]) -> LoadingErrors:
    """Of the edition's rows (N,), all of them in it as those of `Holdings` are.

    A symbol's sessions are those of the edition's with its residual and all factors. Not known is a symbol whose
    loadings are assumed or lacking, whose residuals were dropped, or that has hardly more sessions than factors.
    """
    risk = edition.risk
    sessions = risk.residuals.shape[1]
    factors = _last(edition.factor_returns, sessions)
    complete = np.asarray(np.isfinite(factors).all(axis=1))
    factors = np.where(complete[:, None], factors, 0.0)
    residuals = risk.residuals[rows]
    seen: Bools = np.asarray(np.isfinite(residuals) & complete)
    residuals[~seen] = 0.0
    patterns, pattern = _distinct(seen)
    inverses, means, enough = _regressions(patterns, factors)
    known = enough[pattern] & ~risk.assumed[rows] & np.asarray(np.isfinite(risk.betas[rows]).all(axis=1))
    return LoadingErrors(
        known=known,
        residuals=residuals,
        inverses=np.where(known[:, None, None], inverses[pattern], 0.0),
        means=means[pattern],
        factor_returns=factors,
    )


def _distinct(seen: Bools) -> tuple[Floats, NDArray[np.intp]]:
    """The M different rows of (N, T) as 0 and 1, (M, T), and which of them each is (N,). Most symbols miss nothing."""
    whole = seen.all(axis=1)
    patterns, those = np.unique(np.packbits(seen[~whole], axis=1), axis=0, return_inverse=True)
    pattern = np.zeros(len(seen), dtype=np.intp)
    pattern[~whole] = 1 + those.reshape(-1)
    sessions = seen.shape[1]
    return np.concatenate([np.ones((1, sessions)), np.unpackbits(patterns, axis=1, count=sessions)]), pattern


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
    return inverse / units * scale[:, None, None], means, enough
