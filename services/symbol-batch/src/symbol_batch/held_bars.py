"""How many bars are held back, as a metric: somebody has to decide about those that no later night confirms."""

from symbol_batch import telemetry
from symbol_batch.prices import Prices
from symbol_batch.quality import Rule


async def measure_held_bars(prices: Prices) -> None:
    """Bring the gauge to what the database holds, every rule by which bars are held, 0 where there is none."""
    counts = await prices.pending()
    for rule in Rule:
        if rule.holds:
            telemetry.HELD_BARS.labels(str(rule)).set(counts.get(str(rule), 0))
