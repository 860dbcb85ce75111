"""All measures. To add one: a module with a `MEASURE`, and a line here; its address and documentation follow."""

from analytics.measures import factor_exposures, overview
from analytics.measures.measure import AnyMeasure

MEASURES: dict[str, AnyMeasure] = {
    measure.name: measure
    for measure in (
        overview.MEASURE,
        factor_exposures.MEASURE,
    )
}
