"""What a stress test lets happen: returns of the risk model's factors, some measured, some made up (`domain.md` §4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analytics.risk_model import RISK_FACTOR_NAMES

Kind = Literal["standard", "hypothetical", "measured", "own"]

DURATION = 16.5
"""Effective duration of the Rates factor's fund (TLT), years."""
CONVEXITY = 370.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Factors by slug to their return in decimals; a style's is that of its fund minus that of SPY.

    `yield_change` is a parallel move of yields in decimals (0.01 is 100 basis points), from which the return of Rates
    follows; a scenario has one of both at most.
    """

    slug: str
    name: str
    kind: Kind
    shocks: Mapping[str, float] = field(default_factory=dict)
    yield_change: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no factor is called, and Rates said twice."""
        unknown = sorted(set(self.shocks) - set(RISK_FACTOR_NAMES))
        if unknown:
            raise ValueError(f"no factor {', '.join(unknown)}; there are {', '.join(RISK_FACTOR_NAMES)}")
        if self.yield_change is not None and "rates" in self.shocks:
            raise ValueError("give the shock to rates or the yield change that makes it, not both")

    def returns(self, duration: float = DURATION, convexity: float = CONVEXITY) -> dict[str, float]:
        """The return of every factor that is named, in decimals."""
        if self.yield_change is None:
            return dict(self.shocks)
        return {**self.shocks, "rates": rates_return(self.yield_change, duration, convexity)}


def rates_return(yield_change: float, duration: float = DURATION, convexity: float = CONVEXITY) -> float:
    """The return of a fund of long bonds when yields move: `−D·Δy + ½·C·Δy²`. It falls when they rise."""
    return -duration * yield_change + 0.5 * convexity * yield_change**2


def _market(slug: str, name: str, shock: float) -> Scenario:
    return Scenario(slug, name, "standard", {"market": shock})


def _yields(slug: str, name: str, change: float) -> Scenario:
    return Scenario(slug, name, "standard", yield_change=change)


def _rotation(slug: str, name: str, **shocks: float) -> Scenario:
    return Scenario(slug, name, "standard", shocks)


SCENARIOS: Mapping[str, Scenario] = {
    scenario.slug: scenario
    for scenario in (
        _market("market_up_5", "Market up 5 %", 0.05),
        _market("market_down_5", "Market down 5 %", -0.05),
        _market("market_up_10", "Market up 10 %", 0.10),
        _market("market_down_10", "Market down 10 %", -0.10),
        _market("market_rally_25", "Market rally of 25 %", 0.25),
        _market("market_crash_35", "Market crash of 35 %", -0.35),
        _yields("rates_up_25bp", "Yields up 25 basis points", 0.0025),
        _yields("rates_down_25bp", "Yields down 25 basis points", -0.0025),
        _yields("rates_up_50bp", "Yields up 50 basis points", 0.005),
        _yields("rates_down_50bp", "Yields down 50 basis points", -0.005),
        _yields("rates_up_100bp", "Yields up 100 basis points", 0.01),
        _yields("rates_down_100bp", "Yields down 100 basis points", -0.01),
        _yields("rate_spike_300bp", "Yields up 300 basis points", 0.03),
        _rotation("value_rotation_20", "Rotation into value", value=0.20, growth=-0.10),
        _rotation("growth_rally_15", "Rally of growth", growth=0.15, momentum=0.10),
        _rotation("small_cap_outperformance_10", "Small companies ahead by 10 %", size=0.10),
        _rotation("quality_flight_12", "Flight to quality", quality=0.12, market=-0.05),
        _rotation("vix_spike_150", "Jump of volatility", market=-0.15, low_volatility=0.03),
        Scenario(
            "liquidity_crisis",
            "Liquidity crisis",
            "hypothetical",
            {"market": -0.20, "low_volatility": 0.04, "quality": 0.05, "size": -0.05},
        ),
        Scenario(
            "dotcom_crash_2000",
            "Crash of 2000",
            "hypothetical",
            {"market": -0.45, "growth": -0.15, "value": 0.10, "momentum": -0.10, "quality": 0.05},
        ),
        Scenario(
            "financial_crisis_2008",
            "Financial crisis of 2008",
            "measured",
            {"market": -0.552, "rates": 0.251, "value": -0.040, "growth": 0.048, "size": -0.032},
        ),
        Scenario(
            "covid_crash_2020",
            "Crash of 2020",
            "measured",
            {
                "market": -0.337,
                "rates": 0.142,
                "value": -0.027,
                "growth": 0.019,
                "momentum": -0.004,
                "quality": -0.003,
                "size": -0.070,
                "low_volatility": 0.007,
            },
        ),
    )
}
"""By slug, in the order in which they are shown."""
