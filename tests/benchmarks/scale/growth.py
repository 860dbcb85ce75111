"""A curve: what some work takes at several sizes, and how it grows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log
from typing import Any


@dataclass(frozen=True)
class Point:
    """One size, measured once; what is not measured is None."""

    size: int
    seconds: float
    processor_seconds: float | None = None
    """Of the process that did the work, user and system."""
    peak_bytes: int | None = None
    """The most memory that this process has held so far."""
    wal_bytes: int | None = None
    """Of write-ahead log that Postgres wrote meanwhile."""
    rows: int | None = None
    """In the tables that were written, afterwards."""
    stored_bytes: int | None = None
    """Of these tables, indexes included."""


@dataclass(frozen=True)
class Curve:
    """Points by ascending size."""

    name: str
    what: str
    unit: str
    """Of size: symbols, portfolios."""
    points: tuple[Point, ...]
    note: str = ""

    @property
    def exponent(self) -> float | None:
        """b of seconds = a·sizeᵇ, by least squares of logarithms: 1 is linear, less is better. None of one point."""
        return exponent_of([point.size for point in self.points], [point.seconds for point in self.points])

    @property
    def last_exponent(self) -> float | None:
        """The same of the two largest sizes alone, where what is fixed at every size counts least."""
        last = self.points[-2:]
        return exponent_of([point.size for point in last], [point.seconds for point in last])

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"exponent": self.exponent, "last_exponent": self.last_exponent}


def exponent_of(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """The slope of log value on log size; None where there are fewer than two sizes."""
    if len(set(sizes)) < 2:
        return None
    xs, ys = [log(size) for size in sizes], [log(value) for value in values]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle_x) ** 2 for x in xs)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread
