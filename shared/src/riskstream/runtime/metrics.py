"""The catalogue of metrics: every number for Prometheus is declared through it, by a rule that is checked.

A package declares its metrics in one module with one `Catalogue`, and names that in the entry points
`riskstream.metrics`; `catalogue()` finds those of all installed packages. The rule for names, after Prometheus' own
(https://prometheus.io/docs/practices/naming/): `riskstream_<subject>_<what>`, then the base unit (`seconds`, `bytes`,
`ratio`) where there is one; `_total` ends counters and nothing else; what only carries labels ends in `_info`. Labels
take values from sets that are known beforehand; each says which.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Literal, TypeAlias

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

ENTRY_POINTS = "riskstream.metrics"
PREFIX = "riskstream_"

FAST = (0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Bucket bounds in seconds for what somebody waits for."""
SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Bucket bounds in seconds for work in the background."""

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Labels: TypeAlias = Mapping[str, str]
"""By name what the label's values are."""

_SHAPE = re.compile(r"riskstream(_[a-z][a-z0-9]*){2,}")
_NOT_BASE_UNITS = frozenset(
    {"ms", "milliseconds", "micros", "minutes", "hours", "days", "kb", "mb", "kilobytes", "percent"}
)
_OF_HISTOGRAMS = ("_bucket", "_count", "_sum", "_created")
_WITHOUT: Labels = {}

# The time of a counter's birth beside each counter: series that nobody asks for and the catalogue does not name.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the client has no types here


@dataclass(frozen=True, slots=True)
class Declaration:
    """One metric as its catalogue knows it."""

    name: str
    """As it is scraped, `_total` included."""
    kind: Kind
    meaning: str
    labels: Labels
    exported_by: str
    unit: str | None
    """The base unit that the name ends with; null for plain counts."""

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which samples are scraped."""
        if self.kind != "histogram":
            return (self.name,)
        return tuple(f"{self.name}{suffix}" for suffix in ("_bucket", "_count", "_sum"))


class Catalogue:
    """The metrics of one module. Declaring one makes it, and registers it with the process's registry."""

    def __init__(self, exported_by: str) -> None:
        """`exported_by` says in a few words which processes show these metrics."""
        self._exported_by = exported_by
        self._declared: list[Declaration] = []

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(self._declared)

    def counter(self, name: str, meaning: str, labels: Labels = _WITHOUT) -> Counter:
        """What only grows; ValueError where the name breaks the rule."""
        self._declare(name, "counter", meaning, labels)
        return Counter(name, meaning, tuple(labels))

    def gauge(self, name: str, meaning: str, labels: Labels = _WITHOUT) -> Gauge:
        """What goes up and down; ValueError where the name breaks the rule."""
        self._declare(name, "gauge", meaning, labels)
        return Gauge(name, meaning, tuple(labels))

    def histogram(self, name: str, meaning: str, buckets: Sequence[float], labels: Labels = _WITHOUT) -> Histogram:
        """How often what size was seen; ValueError where the name breaks the rule."""
        self._declare(name, "histogram", meaning, labels)
        return Histogram(name, meaning, tuple(labels), buckets=buckets)

    def _declare(self, name: str, kind: Kind, meaning: str, labels: Labels) -> None:
        if (fault := fault_of_name(name, kind)) is not None:
            raise ValueError(f"the metric {name} {fault}; riskstream.runtime.metrics says the rule")
        self._declared.append(Declaration(name, kind, meaning, dict(labels), self._exported_by, _unit(name)))


def fault_of_name(name: str, kind: Kind) -> str | None:
    """What is wrong with a metric's name, None where nothing is."""
    if not _SHAPE.fullmatch(name):
        return f"is not {PREFIX}<subject>_<what> in small letters"
    if (kind == "counter") != name.endswith("_total"):
        return "ends in _total and is no counter" if kind != "counter" else "is a counter and does not end in _total"
    if name.endswith(_OF_HISTOGRAMS):
        return "ends as the series of a histogram do"
    if kind == "histogram" and _unit(name) is None:
        return "is a histogram and does not end in its base unit"
    if wrong := _NOT_BASE_UNITS.intersection(name.split("_")):
        return f"is not in a base unit ({', '.join(sorted(wrong))})"
    return None


def _unit(name: str) -> str | None:
    last = name.removesuffix("_total").rpartition("_")[2]
    return last if last in {"seconds", "bytes", "ratio"} else None


def catalogue() -> tuple[Declaration, ...]:
    """Every metric of the installed packages, by name."""
    found = (declaration for point in entry_points(group=ENTRY_POINTS) for declaration in point.load().declarations)
    return tuple(sorted(found, key=lambda declaration: declaration.name))


def page(declarations: Iterable[Declaration]) -> str:
    """The catalogue as a page in Markdown."""
    rows = [
        f"| `{one.name}` | {one.kind} | {_labels(one.labels)} | {one.meaning} | {one.exported_by} |"
        for one in declarations
    ]
    return "\n".join(
        [
            "# Metrics",
            "",
            "Every metric that a service shows at `/metrics`, beside `python_*` and `process_*` of the Prometheus",
            "client. Written by `riskstream metrics page` from the declarations in the code; a test keeps it current.",
            "",
            "| name | type | labels | meaning | exported by |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _labels(labels: Labels) -> str:
    return "; ".join(f"`{name}`: {values}" for name, values in labels.items()) or "—"
