"""What a risk model says of symbols, ready to be summed over a book."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskstream.market.arrays import Bools, Floats
from riskstream.market.weights import session_weights


@dataclass(frozen=True)
class Loadings:
    """What the model says of N symbols, ready to be summed. Rows of symbols that do not enter are 0."""

    entered: Bools
    """(N,): whether the symbol has loadings and a specific variance."""
    betas: Floats
    """(N, 8)"""
    residuals: Floats
    """(N, T) daily, 0 where none was seen."""
    unseen_variance: Floats
    """(N,) daily: the specific variance times the weight of the sessions without residual."""
    factor_covariance: Floats
    """(8, 8) daily."""
    session_weights: Floats
    """(T,), summing to 1."""

    def of(self, places: Bools | NDArray[np.intp]) -> "Loadings":
        """Those of some of the symbols."""
        return replace(
            self,
            entered=self.entered[places],
            betas=self.betas[places],
            residuals=self.residuals[places],
            unseen_variance=self.unseen_variance[places],
        )

    @property
    def variances(self) -> Floats:
        """(N,) daily, of each symbol held alone: the diagonal of `covariance`."""
        factors = ((self.betas @ self.factor_covariance) * self.betas).sum(axis=1)
        found: Floats = factors + self.residuals**2 @ self.session_weights + self.unseen_variance
        return found

    def covariance(self) -> Floats:
        """(N, N) daily, positive semidefinite: `w' covariance w` is the variance of the book with weights w."""
        factors = self.betas @ self.factor_covariance @ self.betas.T
        return factors + self.specific_covariance()

    def specific_covariance(self) -> Floats:
        """(N, N) daily, positive semidefinite: Ψ."""
        weighted = self.residuals * np.sqrt(self.session_weights)
        found: Floats = weighted @ weighted.T + np.diag(self.unseen_variance)
        return found


def loadings(
    betas: Floats, specific_variance: Floats, residuals: Floats, factor_covariance: Floats, half_life: float
) -> Loadings:
    """Of N symbols with `betas` (N, 8), daily `specific_variance` (N,) and `residuals` (N, T), NaN where not known."""
    sessions = session_weights(residuals.shape[1], half_life)
    missing = np.isnan(residuals)
    entered: Bools = np.asarray(np.isfinite(betas).all(axis=1) & np.isfinite(specific_variance))
    seen = np.where(missing, 0.0, residuals)
    seen[~entered] = 0.0
    variances = np.where(entered, specific_variance, 0.0)
    return Loadings(
        entered=entered,
        betas=np.where(entered[:, None], betas, 0.0),
        residuals=seen,
        unseen_variance=variances * (missing.astype(np.float64) @ sessions),
        factor_covariance=factor_covariance,
        session_weights=sessions,
    )
