"""The twelve exposures of all symbols as of one session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.factors.arrays import Bools, Floats, nullable
from symbol_batch.factors.definitions import FACTORS, STYLES, Factor
from symbol_batch.factors.regression import NEWEY_WEST_LAGS, ols
from symbol_batch.factors.ridge import ridge
from symbol_batch.factors.sample import t_statistic

Reason: TypeAlias = Literal[
    "", "too_few_observations", "degenerate_regressor", "benchmark_missing", "benchmark_too_few_observations"
]
REASONS: tuple[Reason, ...] = (
    "",
    "too_few_observations",
    "degenerate_regressor",
    "benchmark_missing",
    "benchmark_too_few_observations",
)
"""Why an exposure is null; the first stands for an estimated one."""

EXTREME_BETA = 5.0
"""Beyond this a beta is flagged, and stored as estimated."""


@dataclass(frozen=True, slots=True)
class ExposureTable:
    """Exposures of S symbols to the twelve factors, in the order of `FACTORS`: every array is (S, 12).

    Betas and errors are per unit of the factor's daily return. NaN is a null: everywhere with a reason, in both
    Newey–West figures of ridge factors, in t where the error is 0, in R² of constant returns. `observations` is what
    the symbol had in the window, for nulls too. `reason` indexes `REASONS`.
    """

    as_of: date
    symbols: tuple[str, ...]
    beta: Floats
    standard_error: Floats
    standard_error_newey_west: Floats
    r_squared: Floats
    observations: npt.NDArray[np.int64]
    reason: npt.NDArray[np.int8]

    @property
    def t(self) -> Floats:
        """Of the classical (OLS) or conditional (ridge) standard error."""
        return t_statistic(self.beta, self.standard_error)

    @property
    def t_newey_west(self) -> Floats:
        """NaN for ridge factors."""
        return t_statistic(self.beta, self.standard_error_newey_west)

    @property
    def estimated(self) -> Bools:
        """Which exposures exist; the others have a reason."""
        return np.equal(self.reason, 0)

    @property
    def extreme(self) -> Bools:
        """Which betas are beyond ±5: a flag for readers, the beta stays as estimated."""
        return np.greater(np.abs(self.beta), EXTREME_BETA)

    def columns(self) -> dict[str, list[Any]]:
        """One list per stored column, 12·S long, a symbol's factors together: for `unnest` or COPY.

        Null is None. `status` is `estimated` or `null`, `reason` None where estimated.
        """
        count = len(self.symbols)
        return {
            "symbol": [symbol for symbol in self.symbols for _ in FACTORS],
            "factor": [factor.slug for factor in FACTORS] * count,
            "window": [factor.window for factor in FACTORS] * count,
            "method": [factor.method for factor in FACTORS] * count,
            "beta": nullable(self.beta),
            "standard_error": nullable(self.standard_error),
            "t": nullable(self.t),
            "standard_error_newey_west": nullable(self.standard_error_newey_west),
            "t_newey_west": nullable(self.t_newey_west),
            "r_squared": nullable(self.r_squared),
            "observations": self.observations.ravel().tolist(),
            "status": np.array(["null", "estimated"], dtype=object)[self.estimated.ravel().astype(np.intp)].tolist(),
            "reason": np.array([None, *REASONS[1:]], dtype=object)[self.reason.ravel()].tolist(),
            "extreme": self.extreme.ravel().tolist(),
        }


def compute_exposures(
    returns: Floats,
    benchmark_returns: Floats,
    symbols: Sequence[str],
    sessions: Sequence[date],
    *,
    newey_west: bool = True,
) -> ExposureTable:
    """Estimate every factor for every symbol as of the last session.

    returns (T, S): daily total returns in decimals, NaN where missing, rows on the consecutive `sessions`;
    benchmark_returns (T, 8) in the order of `BENCHMARKS`. A window is the last 90 or 180 rows, or what there is of
    them; inside it each symbol is regressed on its own observations, also when it has none on the last session. Fewer
    than the factor's minimum, or a regressor that does not vary, is null with a reason. So is every exposure to a
    factor with a problem in `benchmark_problems`: no number is estimated on a benchmark that is not there.

    `newey_west=False` leaves those standard errors NaN, for a faster backfill. Raises ValueError for shapes that do not
    fit, sessions that do not increase, and infinite returns.
    """
    _checked_panel(returns, benchmark_returns, symbols, sessions)
    shape = len(symbols), len(FACTORS)
    beta, error, newey_west_error, r_squared = (np.full(shape, np.nan) for _ in range(4))
    observations = np.zeros(shape, dtype=np.int64)

    for column, factor in enumerate(FACTORS):
        if factor.method == "ols":
            lags = NEWEY_WEST_LAGS if newey_west else None
            fit = ols(returns[-factor.window :], _regressor(factor, benchmark_returns)[-factor.window :], lags=lags)
            beta[:, column], error[:, column] = fit.beta, fit.standard_error
            newey_west_error[:, column] = fit.standard_error_newey_west
            r_squared[:, column], observations[:, column] = fit.r_squared, fit.observations

    window = STYLES[0].window
    styles = np.stack([_regressor(factor, benchmark_returns) for factor in STYLES], axis=1)
    joint = ridge(returns[-window:], styles[-window:])
    columns = [FACTORS.index(factor) for factor in STYLES]
    beta[:, columns], error[:, columns] = joint.beta, joint.standard_error
    r_squared[:, columns], observations[:, columns] = joint.r_squared[:, None], joint.observations[:, None]

    reason = _reasons(beta, observations, benchmark_problems(benchmark_returns))
    for estimate in (beta, error, newey_west_error, r_squared):
        estimate[reason != 0] = np.nan
    return ExposureTable(sessions[-1], tuple(symbols), beta, error, newey_west_error, r_squared, observations, reason)


def benchmark_problems(benchmark_returns: Floats) -> dict[str, Reason]:
    """Which factors, by slug, may not be published as of the last row of benchmark_returns (T, 8), and why.

    `benchmark_missing`: one that the factor needs has no return on that session. `benchmark_too_few_observations`:
    those it needs have fewer common returns in the window than the factor's minimum. Empty when all is well.
    """
    problems: dict[str, Reason] = {}
    for factor in FACTORS:
        needed = benchmark_returns[-factor.window :, [BENCHMARKS.index(symbol) for symbol in factor.benchmarks]]
        available = np.asarray(np.isfinite(needed).all(axis=1))
        if not available[-1:].any():
            problems[factor.slug] = "benchmark_missing"
        elif available.sum() < factor.minimum:
            problems[factor.slug] = "benchmark_too_few_observations"
    return problems


def _regressor(factor: Factor, benchmark_returns: Floats) -> Floats:
    """(T,): the factor's daily return."""
    long = benchmark_returns[:, BENCHMARKS.index(factor.long)]
    return long if factor.short is None else long - benchmark_returns[:, BENCHMARKS.index(factor.short)]


def _reasons(beta: Floats, observations: npt.NDArray[np.int64], problems: dict[str, Reason]) -> npt.NDArray[np.int8]:
    """(S, 12) indices into `REASONS`; a benchmark's problem comes before a symbol's own."""
    minimum = np.array([factor.minimum for factor in FACTORS])
    reason = np.where(
        observations < minimum,
        REASONS.index("too_few_observations"),
        np.where(np.isnan(beta), REASONS.index("degenerate_regressor"), 0),
    )
    for column, factor in enumerate(FACTORS):
        if factor.slug in problems:
            reason[:, column] = REASONS.index(problems[factor.slug])
    return reason.astype(np.int8)


def _checked_panel(
    returns: Floats, benchmark_returns: Floats, symbols: Sequence[str], sessions: Sequence[date]
) -> None:
    """Raise ValueError unless the panel has a row per session, a column per symbol and the eight benchmarks."""
    wanted = (len(sessions), len(symbols)), (len(sessions), len(BENCHMARKS))
    if (returns.shape, benchmark_returns.shape) != wanted or not sessions:
        raise ValueError(
            f"returns {returns.shape} and benchmark returns {benchmark_returns.shape} do not fit {len(sessions)} "
            f"sessions, {len(symbols)} symbols and the benchmarks {', '.join(BENCHMARKS)}"
        )
    if any(later <= earlier for earlier, later in pairwise(sessions)):
        raise ValueError("sessions must increase: the last row is the as-of session")
