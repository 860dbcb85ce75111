"""The risk model as of one session: how factors move together, what each symbol holds of them, and what is its own.

A book with weights w and loadings `x = w'β` has the variance `x'Fx + w'Ψw`: F is `FactorRisk.covariance`, and Ψ comes
from the symbols' residual series (docs/adr/0010-risk-model.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstream.market.risk_factors import BENCHMARKS, MARKET, RIDGE_PENALTIES, risk_factor_returns
from riskstream.market.weights import session_weights
from symbol_batch.factors.arrays import Bools, Floats
from symbol_batch.factors.covariance import Covariance, shrunk_covariance
from symbol_batch.factors.ridge import ridge
from symbol_batch.factors.sample import ROUNDING, by_blocks

WINDOW = 252
MINIMUM = 126
HALF_LIFE = 42
"""Sessions, of the weights of variances and correlations; the regression weighs its sessions equally."""
STRESS_SESSIONS = 1260
SECTOR_MINIMUM = 5
"""Estimated symbols without which a sector's median says nothing."""

WHOLE_MARKET = ""
"""The key of the median over all sectors."""

ModelReason: TypeAlias = Literal["benchmark_missing", "benchmark_too_few_observations", "benchmark_does_not_vary"]
LoadingReason: TypeAlias = Literal["", "too_few_observations", "degenerate_regressor"]
LOADING_REASONS: tuple[LoadingReason, ...] = ("", "too_few_observations", "degenerate_regressor")
"""Why loadings are assumed; the first stands for estimated ones."""


@dataclass(frozen=True, slots=True)
class FactorRisk:
    """Daily covariances of the eight factors: weighted towards the recent for forecasts, equally over years for stress.

    `reason` says why there are none, and with them no loadings.
    """

    as_of: date
    covariance: Covariance | None
    stress_covariance: Covariance | None
    reason: ModelReason | None = None


@dataclass(frozen=True, slots=True)
class Loadings:
    """What S symbols hold of the factors: betas (S, 8) in the order of `RISK_FACTORS`, per unit of factor return.

    `residuals` (S, 252), the newest last: what the factors do not explain of a session's return, NaN where the symbol
    or a factor has no return. `specific_variance` (S,): their exponentially weighted mean square, daily. `observations`
    (S,): sessions in the regression. `reason` (S,) indexes `LOADING_REASONS`.

    Symbols with a reason are assumed to move with the market one to one and to have no other loading. They have no
    residuals, and the specific variance that is typical of their sector: NaN until `with_typical_variances`.
    """

    as_of: date
    symbols: tuple[str, ...]
    betas: Floats
    specific_variance: Floats
    observations: npt.NDArray[np.int64]
    reason: npt.NDArray[np.int8]
    residuals: Floats

    @property
    def estimated(self) -> Bools:
        """Which symbols' loadings are regressions; the others' are assumed."""
        return np.equal(self.reason, 0)


def estimate_factor_risk(benchmark_returns: Floats, long_benchmark_returns: Floats, as_of: date) -> FactorRisk:
    """Both covariances as of the last row.

    Daily total returns of `BENCHMARKS` in decimals, NaN where missing: benchmark_returns (T, 8), of which the last 252
    rows are used, and long_benchmark_returns (T', 8), of which the last 1,260 or what there is of them. Without a
    return of every benchmark on the last session, with fewer than 126 sessions in the window on which all have one, or
    with a factor that does not vary over them there is no model but a reason.
    """
    recent = risk_factor_returns(benchmark_returns[-WINDOW:])
    reason = _problem(recent)
    if reason is not None:
        return FactorRisk(as_of, None, None, reason)
    return FactorRisk(
        as_of,
        shrunk_covariance(recent, half_life=HALF_LIFE),
        shrunk_covariance(risk_factor_returns(long_benchmark_returns[-STRESS_SESSIONS:]), half_life=None),
    )


def estimate_loadings(
    returns: Floats, benchmark_returns: Floats, symbols: Sequence[str], sessions: Sequence[date]
) -> Loadings:
    """Regress each symbol on the eight factors jointly, over its own sessions among the last 252.

    returns (T, S) and benchmark_returns (T, 8): daily total returns in decimals, NaN where missing, rows on the
    consecutive `sessions`. Ridge with α = 1 on standardised factors, the market and the intercept unpenalised. With
    fewer than 126 observations, or a factor that does not vary over them, loadings are assumed. Raises ValueError for
    infinite returns and shapes that do not fit.
    """
    if returns.shape != (len(sessions), len(symbols)) or benchmark_returns.shape != (len(sessions), len(BENCHMARKS)):
        raise ValueError(
            f"returns {returns.shape} and benchmark returns {benchmark_returns.shape} do not fit {len(sessions)} "
            f"sessions, {len(symbols)} symbols and the benchmarks {', '.join(BENCHMARKS)}"
        )
    own, factors = returns[-WINDOW:], risk_factor_returns(benchmark_returns[-WINDOW:])
    fit = ridge(own, factors, alpha=RIDGE_PENALTIES)
    reason = np.where(
        fit.observations < MINIMUM,
        LOADING_REASONS.index("too_few_observations"),
        np.where(np.isnan(fit.beta).any(axis=1), LOADING_REASONS.index("degenerate_regressor"), 0),
    ).astype(np.int8)
    betas = np.where((reason == 0)[:, None], fit.beta, np.nan)
    rows = by_blocks(np.concatenate([own, betas.T]), partial(_residual_block, factors))
    residuals = np.full((len(symbols), WINDOW), np.nan)
    residuals[:, WINDOW - len(own) :] = rows[:-1].T
    betas[reason != 0] = 0.0
    betas[reason != 0, MARKET] = 1.0
    return Loadings(sessions[-1], tuple(symbols), betas, rows[-1], fit.observations, reason, residuals)


def typical_variances(loadings: Loadings, sectors: Mapping[str, str]) -> dict[str, float]:
    """The median specific variance of the estimated symbols of each sector, and of all of them under `WHOLE_MARKET`.

    Benchmarks do not count: a factor leaves hardly a residual of itself. A sector with fewer than five estimated
    symbols is left out; so is the whole market where nothing is estimated.
    """
    variances: dict[str, list[float]] = {}
    for symbol, variance, estimated in zip(
        loadings.symbols, loadings.specific_variance.tolist(), loadings.estimated.tolist(), strict=True
    ):
        if estimated and symbol not in BENCHMARKS:
            variances.setdefault(WHOLE_MARKET, []).append(variance)
            if symbol in sectors:
                variances.setdefault(sectors[symbol], []).append(variance)
    return {
        sector: float(np.median(values))
        for sector, values in variances.items()
        if sector == WHOLE_MARKET or len(values) >= SECTOR_MINIMUM
    }


def with_typical_variances(loadings: Loadings, sectors: Mapping[str, str], typical: Mapping[str, float]) -> Loadings:
    """The same with the assumed symbols' specific variance: their sector's, or else the whole market's.

    NaN stays where `typical` has neither: in a universe in which no symbol has half a year of history.
    """
    variance = loadings.specific_variance.copy()
    for index in np.flatnonzero(~loadings.estimated).tolist():
        sector = sectors.get(loadings.symbols[index], WHOLE_MARKET)
        variance[index] = typical.get(sector, typical.get(WHOLE_MARKET, np.nan))
    return replace(loadings, specific_variance=variance)


def _problem(factors: Floats) -> ModelReason | None:
    complete = np.asarray(np.isfinite(factors).all(axis=1))
    if not complete[-1:].any():
        return "benchmark_missing"
    if complete.sum() < MINIMUM:
        return "benchmark_too_few_observations"
    return "benchmark_does_not_vary" if (factors[complete].std(axis=0) <= ROUNDING).any() else None


def _residual_block(factors: Floats, block: Floats) -> Floats:
    """(W + 1, B): residuals and their weighted mean square, from W rows of returns and eight of betas.

    The intercept is unpenalised, so it is what makes the residuals' mean 0. No betas, no residuals.
    """
    residuals, betas = block[: len(factors)].copy(), block[len(factors) :]
    for factor, beta in zip(factors.T, betas, strict=True):
        residuals -= factor[:, None] * beta
    observed = np.isfinite(residuals)
    filled = np.where(observed, residuals, 0.0)
    mean = filled.sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    residuals -= mean
    squares = np.where(observed, filled - mean, 0.0) ** 2
    weights = session_weights(len(factors), HALF_LIFE)[:, None]
    weight = (weights * observed).sum(axis=0)
    variance = np.where(weight > 0, (weights * squares).sum(axis=0) / np.where(weight > 0, weight, 1.0), np.nan)
    return np.concatenate([residuals, variance[None]])
