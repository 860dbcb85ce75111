"""The twelve factors in the order in which they are shown: the slug that data carries, the name that people read."""

FACTOR_NAMES = {
    "market_beta": "Market Beta",
    "ir_beta": "IR Beta",
    "value": "Value",
    "growth": "Growth",
    "momentum": "Momentum",
    "quality": "Quality",
    "size": "Size",
    "low_volatility": "Low Volatility",
    "growth_value_spread": "Growth-Value Spread",
    "momentum_spread": "Momentum Spread",
    "size_spread": "Size Spread",
    "quality_spread": "Quality Spread",
}
FACTORS = tuple(FACTOR_NAMES)
"""The slugs: columns of every array with one column per factor."""
