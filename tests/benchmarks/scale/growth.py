"""A curve: what some work takes at several sizes, and how it grows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import log
from typing import Any

from benchmarks.bench import Bench

SMALL = 20
"""By which --quick divides every size."""


def sizes_asked(bench: Bench, sizes: Sequence[int], up_to: int) -> list[int]:
    """Those of the sizes up to `up_to`, as this run has them."""
    return [bench.size(size, size // SMALL) for size in sizes if size <= up_to]


@dataclass(frozen=True)
class Point:
    """One size; what is not measured is None."""

    size: int
    seconds: float
    runs: tuple[float, ...] = ()
    """Of several measurements, the middle one of which is this; empty where there was one."""
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
    details: Mapping[str, float] = field(default_factory=dict)
    """What else was measured of it, by name and unit."""


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

    @property
    def last_processor_exponent(self) -> float | None:
        """The same of processor time; None where it was not measured."""
        last = [point for point in self.points[-2:] if point.processor_seconds]
        return exponent_of([point.size for point in last], [point.processor_seconds or 0.0 for point in last])

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "exponent": self.exponent,
            "last_exponent": self.last_exponent,
            "last_processor_exponent": self.last_processor_exponent,
        }


@dataclass(frozen=True)
class Pair:
    """One size of the same work done by ours and by a peer, with the same result."""

    size: int
    ours: float
    """Seconds, as the peer's."""
    peer: float

    @property
    def ratio(self) -> float:
        """How many times as long the peer takes."""
        return self.peer / self.ours


@dataclass(frozen=True)
class Beside:
    """How ours and a peer's grow at the same work. Pairs by ascending size."""

    name: str
    what: str
    unit: str
    peer: str
    pairs: tuple[Pair, ...]
    note: str = ""

    @property
    def exponents(self) -> tuple[float | None, float | None]:
        """Of ours and of the peer's, over all sizes."""
        sizes = [pair.size for pair in self.pairs]
        return (
            exponent_of(sizes, [pair.ours for pair in self.pairs]),
            exponent_of(sizes, [pair.peer for pair in self.pairs]),
        )

    def as_json(self) -> dict[str, Any]:
        ours, peer = self.exponents
        pairs = [asdict(pair) | {"ratio": pair.ratio} for pair in self.pairs]
        return asdict(self) | {"pairs": pairs, "exponent": ours, "exponent_of_peer": peer}


def exponent_of(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """The slope of log value on log size; None where there are fewer than two sizes."""
    if len(set(sizes)) < 2:
        return None
    xs, ys = [log(size) for size in sizes], [log(value) for value in values]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle_x) ** 2 for x in xs)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread
