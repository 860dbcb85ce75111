"""What a forecast of the risk model was estimated from."""

from analytics.forecast import Forecast
from analytics.measures.measure import Result
from analytics.risk_model import RiskModel


class RiskEstimation(Result):
    """The sessions behind a forecast, each counting half as much as the one `half_life` sessions later."""

    sessions: int
    half_life: int
    effective_observations: float
    """`1 / Σω²`: as many sessions of equal weight would say as much (Kish)."""


def estimation_of(forecast: Forecast, model: RiskModel) -> RiskEstimation | None:
    """None where the edition has no model."""
    if model.factors is None or forecast.observations is None:
        return None
    return RiskEstimation(
        sessions=model.factors.sessions,
        half_life=model.factors.half_life,
        effective_observations=forecast.observations,
    )
