"""Covariance of a few return series: weighted, with a shrunken correlation."""

from dataclasses import dataclass

import numpy as np

from riskstream.market.weights import session_weights
from symbol_batch.factors.arrays import Floats
from symbol_batch.factors.sample import ROUNDING


@dataclass(frozen=True, slots=True)
class Covariance:
    """Of K series' daily returns: `matrix` (K, K), from `sessions` of them, the correlation shrunk by `shrinkage`."""

    matrix: Floats
    shrinkage: float
    sessions: int


def shrunk_covariance(returns: Floats, *, half_life: float | None) -> Covariance:
    """Covariance of the columns of `returns` (T, K), in decimals, of the sessions on which all have a return.

    Variances are weighted by `session_weights` and taken about the weighted mean. The correlation C of the returns z,
    standardised with those means and deviations, is shrunk towards the identity by the intensity of Ledoit and Wolf;
    shrinking the covariance itself would lend a quiet series the variance of a loud one. Weights w (they sum to 1)
    enter twice: every mean is a weighted one, and the number of observations is the effective one, `n = 1 / Σw²`:

        `C = Σ w·zz'`,  `b = (Σ w·|z|⁴ − |C|²) / n`,  `d = |C − I|²`,  shrinkage `min(b / d, 1)`

    With equal weights that is scikit-learn's `ledoit_wolf` on standardised returns. A session left out keeps its place
    in the ages of the others. The matrix is positive definite where the shrinkage is positive, otherwise at least semi.

    Source: Ledoit and Wolf (2004), Journal of Multivariate Analysis 88. Raises ValueError with fewer than two complete
    sessions, for a series that does not vary over them, and for infinite returns.
    """
    if np.isinf(returns).any():
        raise ValueError("a return is infinite: a price of zero got past the quality gate; mark it missing (NaN)")
    complete = np.isfinite(returns).all(axis=1)
    count = int(complete.sum())
    if count < 2:
        raise ValueError(f"{count} of {len(returns)} sessions have a return of every series: a covariance needs two")
    weights = session_weights(len(returns), half_life)[complete]
    weights /= weights.sum()
    centred = returns[complete] - weights @ returns[complete]
    deviations = np.sqrt(weights @ centred**2)
    if (deviations <= ROUNDING).any():
        raise ValueError(
            f"series {np.flatnonzero(deviations <= ROUNDING).tolist()} do not vary over the {count} sessions"
        )
    correlation, shrinkage = _shrunk_correlation(centred / deviations, weights)
    return Covariance(correlation * np.outer(deviations, deviations), shrinkage, count)


def _shrunk_correlation(z: Floats, weights: Floats) -> tuple[Floats, float]:
    """(K, K) and the shrinkage, of standardised returns (T, K)."""
    rooted = z * np.sqrt(weights)[:, None]
    correlation = rooted.T @ rooted
    np.fill_diagonal(correlation, 1.0)
    dispersion = (weights @ (z**2).sum(axis=1) ** 2 - (correlation**2).sum()) * (weights**2).sum()
    distance = ((correlation - np.eye(len(correlation))) ** 2).sum()
    shrinkage = float(min(max(dispersion, 0.0) / distance, 1.0)) if distance > 0 else 0.0
    return (1.0 - shrinkage) * correlation + shrinkage * np.eye(len(correlation)), shrinkage
