"""The exposure kernel against a loop of statsmodels and scikit-learn over the symbols, giving the same numbers."""

from collections.abc import Iterator
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
    market = Market.made(bench.size(5_000, 500), SESSIONS)
    returns = total_returns(market.closes)
    benchmarks = returns[:, : len(BENCHMARKS)]
    ordinary = np.arange(len(BENCHMARKS), len(market.symbols))
    sample = sorted(np.random.default_rng(1).choice(ordinary, SAMPLE, replace=False).tolist())
    for newey_west, goal in ((False, 100.0), (True, 50.0)):
        words = "with Newey–West" if newey_west else "without Newey–West"
        estimate = partial(
            compute_exposures, returns, benchmarks, market.symbols, market.sessions, newey_west=newey_west
        )
        with bench.narrator.step(f"kernel and peer {words}"):
            estimate()
            ours = timed(estimate, bench.size(7, 3))
            theirs = timed(partial(_peer, returns, sample, newey_west=newey_west), bench.size(3, 1))
        _raise_if_different(estimate(), _peer(returns, sample, newey_west=newey_west), sample, newey_west=newey_west)
        scaled = median(theirs) / SAMPLE * len(market.symbols)
        yield Figure(
            name="exposures",
            what=f"{len(market.symbols):,} symbols × {SESSIONS} sessions, twelve factors, {words}",
            value=median(ours) * 1000,
            unit="ms",
            runs=tuple(seconds * 1000 for seconds in ours),
            reference="statsmodels + scikit-learn, ms",
            reference_value=scaled * 1000,
            ratio=scaled / median(ours),
            sense="at least",
            goal=goal,
            goal_is_on="ratio",
            note=f"peer measured on {SAMPLE} symbols and scaled; equal there to {TOLERANCE:g}; one BLAS thread both",
        )


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
