"""The risk forecast of a book, as far as its edition can make one."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np

from analytics.book_risk import NOTHING_AT_RISK, BookRisk, NoRiskReason, book_risk, loadings_of, why_no_risk
from analytics.holdings import Holdings
from analytics.loadings import Loadings
from analytics.risk_model import RiskModel
from riskstream.market.arrays import Bools
from riskstream.market.weights import session_weights

NoForecastReason = NoRiskReason | Literal["no_position_has_it"]
"""The edition has no covariance of factors, or no longer the residuals, or nothing that is held has loadings."""
LackingReason = Literal["no_loadings", "no_specific_variance"]


@dataclass(frozen=True)
class Forecast:
    """What is expected of a book, in USD a day. There is a `risk` or a `reason`, never both."""

    risk: BookRisk | None
    reason: NoForecastReason | None
    entered: Bools
    """(N,) which of the holdings entered."""
    lacking: dict[int, LackingReason]
    """The place of each that did not, and why. Empty where the edition could forecast nothing."""
    coverage: float | None
    """Share of the book's gross market value that entered; None where gross is 0."""
    loadings: Loadings | None
    """Of the N symbols; None where the edition could forecast nothing."""
    observations: float | None
    """The effective number of sessions that the model was estimated from, `1 / Σω²` (Kish); None without a model."""

    def standard_error(self, figure: float) -> float:
        """Of the volatility or of a multiple of it, `figure / √(2n)`; without a model nothing but 0 is forecast.

        That is what the standard deviation of n independent normal observations has, n being large.
        """
        return figure / sqrt(2.0 * self.observations) if self.observations is not None else 0.0


def forecast_of(holdings: Holdings, model: RiskModel) -> Forecast:
    """A book that holds nothing at risk has risk 0; one of which nothing can enter has a reason instead."""
    nothing = np.zeros(len(holdings.symbols), dtype=bool)
    observations = effective_observations(model)
    if holdings.gross == 0:
        return Forecast(NOTHING_AT_RISK, None, nothing, {}, None, None, observations)
    missing = why_no_risk(model)
    if missing is not None:
        return Forecast(None, missing, nothing, {}, 0.0, None, observations)
    loadings = loadings_of(model, holdings.rows)
    lacking: dict[int, LackingReason] = {
        int(n): "no_loadings" if np.isnan(model.betas[holdings.rows[n]]).any() else "no_specific_variance"
        for n in np.flatnonzero(~loadings.entered)
    }
    if not loadings.entered.any():
        return Forecast(None, "no_position_has_it", loadings.entered, lacking, 0.0, loadings, observations)
    risk = book_risk(loadings, holdings.market_values)
    coverage = holdings.coverage(loadings.entered)
    return Forecast(risk, None, loadings.entered, lacking, coverage, loadings, observations)


def effective_observations(model: RiskModel) -> float | None:
    """`1 / Σω²` of the sessions that the covariance of the factors is of; None where there is none."""
    if model.factors is None:
        return None
    return float(1.0 / (session_weights(model.factors.sessions, model.factors.half_life) ** 2).sum())
