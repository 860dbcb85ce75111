"""Peers in the same run: the figures of `make bench` that have one, and how ours and theirs grow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import exposures, peers
from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.measuring import median
from benchmarks.scale.growth import Beside, Pair, sizes_asked

SYMBOLS = (1_000, 5_000, 20_000)
NAMES = (1_000, 2_500, 5_000, 10_000)
SAMPLE = 1_000
"""Symbols that the loop over symbols is timed on: of more it is what it takes a symbol, times their number."""


@dataclass(frozen=True)
class Peers:
    figures: tuple[Figure, ...]
    grown: tuple[Beside, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "figures": [figure.as_json() for figure in self.figures],
            "grown": [beside.as_json() for beside in self.grown],
        }


def measure(bench: Bench, up_to: int) -> Peers:
    """Every comparison first holds the results against each other, and breaks where they differ."""
    figures = (*exposures.measure(bench), *peers.measure(bench))
    return Peers(
        figures,
        (_exposures(bench, sizes_asked(bench, SYMBOLS, up_to)), *_books(bench, sizes_asked(bench, NAMES, up_to))),
    )


def _exposures(bench: Bench, sizes: Sequence[int]) -> Beside:
    pairs = []
    for size in sizes:
        with bench.narrator.step(f"exposures of {size:,} symbols, and the loop over {min(size, SAMPLE):,} of them"):
            found = exposures.compare(size, SAMPLE, newey_west=True, runs=bench.size(5, 3), loops=1)
        pairs.append(Pair(size, median(found.ours), found.scaled))
    return Beside(
        name="exposures",
        what="twelve factor exposures a symbol, with Newey–West errors",
        unit="symbols",
        peer="statsmodels + scikit-learn",
        pairs=tuple(pairs),
        note=f"the loop was timed on at most {SAMPLE:,} symbols, and scaled: it takes one at a time",
    )


def _books(bench: Bench, sizes: Sequence[int]) -> tuple[Beside, Beside]:
    risk, tails = [], []
    for size in sizes:
        with bench.narrator.step(f"a book of {size:,} names: ours, skfolio and pandas"):
            held = peers.Held.of_market(size)
            risk.append(_pair(size, peers.risk_beside_skfolio(held, bench.size(11, 3), bench.size(3, 1))))
            tails.append(_pair(size, peers.tails_beside_pandas(held, bench.size(11, 3))))
    return (
        Beside(
            name="risk",
            what="variance of a book, factor and specific, and what each name adds",
            unit="names",
            peer="skfolio",
            pairs=tuple(risk),
            note="its dense matrix of specific covariances was made for it beforehand",
        ),
        Beside(
            name="tails",
            what=f"historical VaR and ES at 95 and 99 % over {peers.SESSIONS} sessions",
            unit="names",
            peer="pandas",
            pairs=tuple(tails),
            note="ours looks for holes as well, and gives intervals and standard errors",
        ),
    )


def _pair(size: int, figure: Figure) -> Pair:
    """Of a figure in milliseconds."""
    if figure.unit != "ms" or figure.reference_value is None:
        raise ValueError(f"a pair is of milliseconds beside a reference, not of {figure.unit}: {figure.what}")
    return Pair(size, figure.value / 1000, figure.reference_value / 1000)
