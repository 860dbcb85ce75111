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

from analytics.book_risk import loadings_of, why_no_risk
from analytics.edition import Edition
from analytics.loading_regressions import FACTORS, UNBROKEN, LoadingRegressions
from analytics.loadings import Loadings
from riskstream.market.arrays import Bools, Floats


@dataclass(frozen=True)
class LoadingErrors:
    """What the regressions of N symbols on the eight factors left, over T sessions. What is not known is off by 0."""

    known: Bools
    """(N,) whether the loadings were estimated, and from series that are here."""
    residuals: Floats
    """(N, T) daily, 0 on sessions outside of the symbol's regression."""
    sets: NDArray[np.intp]
    """(N,) of sessions, in `regressions`."""
    regressions: LoadingRegressions

    def scores(self, amounts: Floats, rows: NDArray[np.intp] | None = None) -> Floats:
        """(T, 8) what each session adds to the errors of `Σ_i amounts_ik β_ik`, for every factor k, over `rows` or all.

        `amounts` (N, 8), or (N,) of which as much is held of every factor, in any unit. The standard error of a sum of
        them over factors is the root of its sum of squares over sessions.
        """
        own, sets, known = self.residuals, self.sets, self.known
        if rows is not None:
            own, sets, known, amounts = own[rows], sets[rows], known[rows], amounts[rows]
        unbroken = known & (sets == UNBROKEN)
        broken = np.flatnonzero(known & ~unbroken)
        # Those that share one regression are added up first.
        found: Floats = (own.T @ (amounts.T * unbroken).T).reshape(len(own.T), -1) * self.regressions.unbroken
        return found + self._of_broken(own[broken], amounts[broken], sets[broken]) if len(broken) else found

    def covariances(self, rows: NDArray[np.intp]) -> Floats:
        """(n, 8, 8) of the errors of each symbol's loadings alone; NaN for one that is not known."""
        sets = self.sets[rows]
        centred = self.regressions.factor_returns - self.regressions.means[sets, None]
        scores = self.residuals[rows, :, None] * (centred @ self.regressions.inverses[sets])
        found: Floats = np.swapaxes(scores, 1, 2) @ scores
        found[~self.known[rows]] = np.nan
        return found

    def _of_broken(self, residuals: Floats, amounts: Floats, sets: NDArray[np.intp]) -> Floats:
        """Of symbols with a regression each: `Σ_i e_it amounts_ik inverse_ikl` first, then times the factors."""
        weighted = amounts.reshape(len(sets), -1, 1) * self.regressions.inverses[sets]
        centres = np.einsum("nkl,nl->nk", weighted, self.regressions.means[sets])
        together = residuals.T @ np.concatenate([weighted.reshape(len(sets), FACTORS**2), centres], axis=1)
        by_factor = together[:, : FACTORS**2].reshape(-1, FACTORS, FACTORS)
        found: Floats = np.einsum("tkl,tl->tk", by_factor, self.regressions.factor_returns) - together[:, FACTORS**2 :]
        return found


def root_sum_of_squares(scores: Floats) -> Floats:
    """Over sessions, the first axis: standard errors."""
    found: Floats = np.sqrt((scores**2).sum(axis=0))
    return found


def loading_errors_of(edition: Edition, rows: NDArray[np.intp], loadings: Loadings | None = None) -> LoadingErrors:
    """Of the edition's rows (N,), all of them in it as those of `Holdings` are.

    `loadings` are the model's of the same rows, for who has looked them up before.
    """
    regressions = edition.loading_regressions
    if loadings is None and why_no_risk(edition.risk) is None:
        loadings = loadings_of(edition.risk, rows)
    residuals: Floats = np.broadcast_to(0.0, (len(rows), len(regressions.complete)))
    known = np.zeros(len(rows), dtype=bool)
    if loadings is not None:
        known = regressions.known[rows] & loadings.entered
        # Almost always all factors are known.
        residuals = loadings.residuals if regressions.complete.all() else loadings.residuals * regressions.complete
    return LoadingErrors(known=known, residuals=residuals, sets=regressions.sets[rows], regressions=regressions)
