"""What may be asked of a stress test: scenarios of ours, and of one's own."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from analytics.measures.measure import Parameters
from analytics.risk_model import RISK_FACTOR_NAMES
from analytics.scenarios import CONVEXITY, DURATION, SCENARIOS

FACTORS = tuple(RISK_FACTOR_NAMES)
MOST_OWN = 50
LARGEST_SHOCK = 10.0
"""Of a factor's return in decimals: ten times its worth."""
LARGEST_YIELD_CHANGE = 0.2


def _known(slug: str) -> str:
    if slug not in SCENARIOS:
        raise ValueError(f"no scenario {slug!r}; there are {', '.join(SCENARIOS)}")
    return slug


class OwnShock(Parameters):
    """The return of a factor."""

    factor: str = Field(examples=["market"], description=f"One of {', '.join(FACTORS)}.")
    shock: float = Field(
        ge=-LARGEST_SHOCK,
        le=LARGEST_SHOCK,
        allow_inf_nan=False,
        description="In decimals; that of a style is its fund's return minus SPY's.",
        examples=[-0.2],
    )

    @field_validator("factor")
    @classmethod
    def _a_factor(cls, factor: str) -> str:
        if factor not in FACTORS:
            raise ValueError(f"no factor {factor!r}; there are {', '.join(FACTORS)}")
        return factor

    @model_validator(mode="after")
    def _funds_lose_no_more_than_all(self) -> Self:
        if self.factor in {"market", "rates"} and self.shock < -1:
            raise ValueError(f"{self.factor} is a fund: it cannot lose more than 100 %, a shock of -1")
        return self


class OwnScenario(Parameters):
    """What else may happen."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    shocks: tuple[OwnShock, ...] = Field(default=(), max_length=len(FACTORS))
    yield_change: float | None = Field(
        default=None,
        ge=-LARGEST_YIELD_CHANGE,
        le=LARGEST_YIELD_CHANGE,
        allow_inf_nan=False,
        description="Of all yields, in decimals: 0.01 is 100 basis points. In place of a shock to rates.",
    )

    @model_validator(mode="after")
    def _something_happens_once(self) -> Self:
        factors = [shock.factor for shock in self.shocks]
        if len(set(factors)) < len(factors):
            raise ValueError("a factor is shocked twice; give each one shock")
        if self.yield_change is not None and "rates" in factors:
            raise ValueError("give the shock to rates or the yield change that makes it, not both")
        if not factors and self.yield_change is None:
            raise ValueError("nothing happens in it; give shocks, or a yield change")
        return self


class StressTestParameters(Parameters):
    scenarios: tuple[Annotated[str, AfterValidator(_known)], ...] | None = Field(
        default=None, max_length=100, description="Which of ours, by id; all of them by default."
    )
    own: tuple[OwnScenario, ...] = Field(default=(), max_length=MOST_OWN, description="Scenarios of your own.")
    top: int = Field(default=5, ge=0, le=100, description="How many symbols to list for each, by absolute P&L.")
    duration: float = Field(
        default=DURATION, gt=0, le=50, allow_inf_nan=False, description="Years, of the fund behind rates."
    )
    convexity: float = Field(
        default=CONVEXITY, ge=0, le=5_000, allow_inf_nan=False, description="Of the fund behind rates."
    )
