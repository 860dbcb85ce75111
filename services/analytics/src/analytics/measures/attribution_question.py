"""What may be asked of an attribution: a day, or a range of them."""

from datetime import date, timedelta
from typing import Self

from pydantic import Field, model_validator

from analytics.measures.measure import Parameters

LONGEST = timedelta(days=366)


class AttributionParameters(Parameters):
    since: date | None = Field(
        default=None, description="The first day; by default the last one alone.", examples=["2024-12-02"]
    )
    until: date | None = Field(
        default=None, description="The last day; by default the valuation's session.", examples=["2024-12-13"]
    )
    top: int = Field(default=10, ge=0, le=1_000, description="How many of the symbols that made or lost most to list.")

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.since is not None and self.until is not None:
            if self.since > self.until:
                raise ValueError(f"since {self.since} is after until {self.until}; swap them")
            if self.until - self.since > LONGEST:
                raise ValueError(f"at most {LONGEST.days} days can be attributed at once; ask for a part of them")
        return self
