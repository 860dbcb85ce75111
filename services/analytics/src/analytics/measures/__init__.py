"""All measures. To add one: a module with a `MEASURE`, and a line here; its addresses and documentation follow."""

from analytics.measures import (
    attribution,
    concentration,
    correlation_matrix,
    diversification,
    factor_exposures,
    historical_replay,
    overview,
    performance,
    position_factor_exposures,
    risk,
    sector_exposure,
    stress_test,
    var,
    volatility,
    what_if,
)
from analytics.measures.measure import AnyMeasure
from analytics.measures.together import together

MEASURES: dict[str, AnyMeasure] = {
    measure.name: measure
    for measure in (
        overview.MEASURE,
        factor_exposures.MEASURE,
        position_factor_exposures.MEASURE,
        risk.MEASURE,
        var.MEASURE,
        volatility.MEASURE,
        concentration.MEASURE,
        sector_exposure.MEASURE,
        correlation_matrix.MEASURE,
        diversification.MEASURE,
        stress_test.MEASURE,
        historical_replay.MEASURE,
        performance.MEASURE,
        attribution.MEASURE,
        what_if.MEASURE,
    )
}
TOGETHER: dict[str, AnyMeasure] = {name: together(measure) for name, measure in MEASURES.items()}
"""The same, of all of an owner's portfolios, under the same names."""
