"""What a benchmark says: a number, what it is held against, and the goal."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Sense = Literal["at least", "at most"]
_SIGNS: dict[Sense, str] = {"at least": "≥", "at most": "≤"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `ratio` is value over reference, or the other way round where the benchmark says so."""

    name: str
    """The benchmark it belongs to."""
    what: str
    value: float
    unit: str
    sense: Sense
    goal: float
    reference: str | None = None
    """What it is held against, measured in the same run."""
    reference_value: float | None = None
    ratio: float | None = None
    goal_is_on: Literal["value", "ratio"] = "value"
    runs: tuple[float, ...] = ()
    """The single measurements of which `value` is the median."""
    note: str = ""

    @property
    def met(self) -> bool:
        held = self.value if self.goal_is_on == "value" else self.ratio
        assert held is not None, "a goal on the ratio needs one"
        return held >= self.goal if self.sense == "at least" else held <= self.goal

    @property
    def goal_text(self) -> str:
        unit = f" {self.unit}" if self.goal_is_on == "value" and self.unit else ""
        return f"{_SIGNS[self.sense]} {plain(self.goal)}{'×' if self.goal_is_on == 'ratio' else unit}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.met, "goal_text": self.goal_text}


def plain(number: float) -> str:
    """Three significant digits, no exponent."""
    if number == 0:
        return "0"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
