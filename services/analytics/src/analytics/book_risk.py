"""The variance of a book by the risk model, and who adds what to it (docs/adr/0010-risk-model.md).

Use: `loadings = loadings_of(edition.risk, holdings.rows)` once, then `book_risk(loadings, holdings.market_values)` for
as many books over these symbols as are asked about. Values in USD give figures in USD, whatever NAV is; weights give
figures relative to NAV.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.loadings import Loadings
from analytics.risk_model import RiskModel
from riskstream.market.arrays import Floats
from riskstream.market.risk_factors import RISK_FACTORS

NoRiskReason = Literal["no_risk_model", "residuals_not_kept"]


@dataclass(frozen=True)
class BookRisk:
    """Daily, in the unit of the values that it was computed from, or that unit squared where it is a variance.

    Contributions are Euler's: those of symbols sum to the volatility, and so do those of factors and the specific one.
    They are 0 where the volatility is.
    """

    exposures: Floats
    """(8,): what is held of each factor, x."""
    factor_variance: float
    """x'Fx"""
    specific_variance: float
    """w'Ψw"""
    contributions: Floats
    """(N,) by symbol, 0 for one that does not enter."""
    factor_contributions: Floats
    """(8,)"""
    specific_contribution: float

    @property
    def volatility(self) -> float:
        """Of a day."""
        return float(np.sqrt(self.factor_variance + self.specific_variance))


NOTHING_AT_RISK = BookRisk(np.zeros(len(RISK_FACTORS)), 0.0, 0.0, np.zeros(0), np.zeros(len(RISK_FACTORS)), 0.0)
"""The risk of a book without holdings, whatever the model."""


def why_no_risk(risk: RiskModel) -> NoRiskReason | None:
    """Why the edition can forecast no book; None where it can."""
    if risk.factors is None:
        return "no_risk_model"
    return None if risk.residuals_kept else "residuals_not_kept"


def loadings_of(risk: RiskModel, rows: NDArray[np.intp]) -> Loadings:
    """The model's rows (N,), all of them in the edition as those of `Holdings` are.

    Raises ValueError for a row that is not, and where the edition has no model or its residuals were dropped: ask
    `why_no_risk` first.
    """
    if risk.factors is None or not risk.residuals_kept:
        raise ValueError(f"the edition forecasts no book: {why_no_risk(risk)} ({risk.reason or 'it is old'})")
    if (rows < 0).any():
        raise ValueError(f"{int((rows < 0).sum())} of {len(rows)} symbols are not in the edition: leave them out first")
    return risk.loadings.of(rows)


def book_risk(loadings: Loadings, values: Floats) -> BookRisk:
    """`x'Fx + w'Ψw` of the book that holds signed `values` (N,) of the symbols, and the contributions to its root.

    w'Ψw is `Σ_t ω_t · [(Σ_{i seen on t} w_i e_it)² + Σ_{i not seen on t} w_i² D_i]`: the exponentially weighted mean
    square of the book's own residual series, in which a symbol without residual adds what is expected of it, as if
    independent. Volatility is homogeneous of degree one in `values`, so that `w_i ∂σ/∂w_i` add up to it (Euler).
    """
    values = np.where(loadings.entered, values, 0.0)
    exposures = values @ loadings.betas
    moved = loadings.factor_covariance @ exposures
    own = values @ loadings.residuals
    unseen = values**2 * loadings.unseen_variance
    # F is positive semidefinite, but what is summed up of a book without exposures may end below 0 by a rounding.
    factor_variance = max(float(exposures @ moved), 0.0)
    specific_variance = float(loadings.session_weights @ own**2 + unseen.sum())
    volatility = float(np.sqrt(factor_variance + specific_variance))
    per_volatility = 1.0 / volatility if volatility > 0 else 0.0
    by_symbol = values * (loadings.betas @ moved + loadings.residuals @ (loadings.session_weights * own)) + unseen
    return BookRisk(
        exposures=exposures,
        factor_variance=factor_variance,
        specific_variance=specific_variance,
        contributions=by_symbol * per_volatility,
        factor_contributions=exposures * moved * per_volatility,
        specific_contribution=specific_variance * per_volatility,
    )
