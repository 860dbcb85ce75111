"""The exposure kernel against a loop of statsmodels and scikit-learn over the symbols, giving the same numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.market import Market
from benchmarks.measuring import median, timed
from riskstream.market.returns import total_returns
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.factors.definitions import FACTORS
from symbol_batch.factors.exposures import ExposureTable, compute_exposures
from yardstick.exposures import JOINT, SINGLE, Expected, joint, single

SESSIONS = 252
SAMPLE = 60
TOLERANCE = 1e-7
"""Relative: two ways of the same arithmetic in double precision."""


def measure(bench: Bench) -> Iterator[Figure]:
    for newey_west, goal in ((False, 100.0), (True, 50.0)):
        words = "with Newey–West" if newey_west else "without Newey–West"
        with bench.narrator.step(f"kernel and peer {words}"):
            found = compare(
                bench.size(5_000, 500), SAMPLE, newey_west=newey_west, runs=bench.size(7, 3), loops=bench.size(3, 1)
            )
        yield Figure(
            name="exposures",
            what=f"{found.symbols:,} symbols × {SESSIONS} sessions, twelve factors, {words}",
            value=median(found.ours) * 1000,
            unit="ms",
            runs=tuple(seconds * 1000 for seconds in found.ours),
            reference="statsmodels + scikit-learn, ms",
            reference_value=found.scaled * 1000,
            ratio=found.scaled / median(found.ours),
            sense="at least",
            goal=goal,
            goal_is_on="ratio",
            note=f"peer measured on {SAMPLE} symbols and scaled; equal there to {TOLERANCE:g}; one BLAS thread both",
        )


@dataclass(frozen=True)
class Compared:
    """Seconds of each run: ours over all symbols, the peer's over a sample of them."""

    symbols: int
    ours: list[float]
    sample: int
    theirs: list[float]

    @property
    def scaled(self) -> float:
        """What the peer would take for all symbols: it goes through them one at a time."""
        return median(self.theirs) / self.sample * self.symbols


def compare(symbols: int, sample: int, *, newey_west: bool, runs: int, loops: int) -> Compared:
    """The kernel over a market, and the loop over `sample` of its symbols; raises where the two differ on these."""
    market = Market.made(symbols, SESSIONS)
    returns = total_returns(market.closes)
    benchmarks = returns[:, : len(BENCHMARKS)]
    ordinary = np.arange(len(BENCHMARKS), symbols)
    chosen = sorted(np.random.default_rng(1).choice(ordinary, min(sample, len(ordinary)), replace=False).tolist())
    estimate = partial(compute_exposures, returns, benchmarks, market.symbols, market.sessions, newey_west=newey_west)
    loop = partial(_peer, returns, chosen, newey_west=newey_west)
    _raise_if_different(estimate(), loop(), chosen, newey_west=newey_west)
    return Compared(symbols, timed(estimate, runs), len(chosen), timed(loop, loops))


def _peer(returns: NDArray[np.float64], sample: list[int], *, newey_west: bool) -> list[dict[str, Expected | int]]:
    series = {symbol: returns[:, column] for column, symbol in enumerate(BENCHMARKS)}
    found: list[dict[str, Expected | int]] = []
    for column in sample:
        own = returns[:, column]
        estimates = {factor: single(own, series, factor, newey_west=newey_west) for factor in SINGLE}
        styles = joint(own, series)
        estimates.update(dict.fromkeys(JOINT, styles) if isinstance(styles, int) else styles)
        found.append(estimates)
    return found


def _raise_if_different(
    table: ExposureTable, expected: list[dict[str, Expected | int]], sample: list[int], *, newey_west: bool
) -> None:
    """A comparison of speeds means nothing unless both give the same numbers."""
    for row, theirs in zip(sample, expected, strict=True):
        for column, factor in enumerate(FACTORS):
            one = theirs[factor.slug]
            if isinstance(one, int):
                same = bool(np.isnan(table.beta[row, column])) and table.observations[row, column] == one
            else:
                ours = [table.beta[row, column], table.standard_error[row, column], table.r_squared[row, column]]
                yours = [one.beta, one.standard_error, one.r_squared]
                if newey_west:
                    ours.append(table.standard_error_newey_west[row, column])
                    yours.append(one.standard_error_newey_west)
                same = np.allclose(ours, yours, rtol=TOLERANCE, atol=1e-12, equal_nan=True)
            if not same:
                raise RuntimeError(f"{table.symbols[row]}, {factor.slug}: the kernel and its peer differ")
