"""An edition's risk model from a panel, and its rows. Pure; for thousands of symbols, so off the loop."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskstream.market.returns import total_returns
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.factors.arrays import Floats, nullable
from symbol_batch.factors.risk_model import (
    LOADING_REASONS,
    STRESS_SESSIONS,
    FactorRisk,
    Loadings,
    estimate_factor_risk,
    estimate_loadings,
    typical_variances,
    with_typical_variances,
)
from symbol_batch.panel import Panel

BENCHMARK_SESSIONS = STRESS_SESSIONS + 1
"""Closes of the benchmarks that the stress covariance needs."""


@dataclass(frozen=True)
class RiskModel:
    """Factor risk, the loadings of all symbols, and each sector's typical specific variance.

    Where `factors` has a reason instead of covariances there are no loadings either.
    """

    factors: FactorRisk
    loadings: Loadings | None
    typical: dict[str, float]

    def counts(self) -> dict[str, Any]:
        """For the run's record: symbols estimated and assumed, or why there is no model."""
        if self.loadings is None:
            return {"reason": self.factors.reason}
        estimated = int(self.loadings.estimated.sum())
        return {"estimated": estimated, "assumed": len(self.loadings.symbols) - estimated}


def risk_model_of(panel: Panel, benchmarks: Panel, symbols: Sequence[str]) -> RiskModel:
    """The model of `symbols` as of the panel's last session. The panel contains them and the benchmarks.

    `benchmarks` are the same funds over the years that the stress covariance is of.
    """
    returns, funds = _returns(panel, symbols), _returns(panel, BENCHMARKS)
    factors = estimate_factor_risk(funds, _returns(benchmarks, BENCHMARKS), panel.sessions[-1])
    if factors.reason is not None:
        return RiskModel(factors, None, {})
    loadings = estimate_loadings(returns, funds, symbols, panel.sessions)
    sectors = _sectors(panel)
    typical = typical_variances(loadings, sectors)
    return RiskModel(factors, with_typical_variances(loadings, sectors, typical), typical)


def loadings_of(panel: Panel, symbols: Sequence[str], typical: Mapping[str, float]) -> Loadings:
    """The loadings of symbols that join an edition whose model, and so whose typical variances, are there already."""
    loadings = estimate_loadings(_returns(panel, symbols), _returns(panel, BENCHMARKS), symbols, panel.sessions)
    return with_typical_variances(loadings, _sectors(panel), typical)


def loading_rows(loadings: Loadings, edition: int, *, without: Collection[str] = ()) -> Iterator[tuple[Any, ...]]:
    """A row a symbol but those of `without`, in the order of `store.risk_models.LOADING_COLUMNS`."""
    betas, variances = loadings.betas.tolist(), nullable(loadings.specific_variance)
    residuals = loadings.residuals.astype("<f8")
    for index, symbol in enumerate(loadings.symbols):
        if symbol in without:
            continue
        reason = LOADING_REASONS[loadings.reason[index]] or None
        yield (
            edition,
            symbol,
            betas[index],
            variances[index],
            int(loadings.observations[index]),
            "assumed" if reason else "estimated",
            reason,
            None,
            None if reason else residuals[index].tobytes(),
        )


def _returns(panel: Panel, symbols: Sequence[str]) -> Floats:
    own = panel.columns(symbols)
    return total_returns(panel.closes[:, own], panel.ratios[:, own], panel.dividends[:, own])


def _sectors(panel: Panel) -> dict[str, str]:
    return {symbol: facts.sector for symbol, facts in panel.companies.items() if facts.sector is not None}
