"""What factors are said to do, and what that does to a book: K ways of moving, N symbols."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.evidence import Evidence
from analytics.holdings import Holdings
from analytics.loading_errors import loading_errors_of
from analytics.measures.stress_error import Moves, PnlErrors, StressErrors, pull_errors
from analytics.measures.stress_question import FACTORS, StressTestParameters
from analytics.risk_model import FactorCovariance, RiskModel
from analytics.scenarios import Scenario
from riskstream.market.arrays import Bools, Floats
from riskstream.market.risk_factors import MARKET


@dataclass(frozen=True)
class Exposed:
    """A book as scenarios meet it: N symbols, `moved` (N, 8) USD of each factor held with each of them."""

    holdings: Holdings
    entered: Bools
    moved: Floats
    worst: Floats
    """(N,) the P&L that a symbol cannot go beyond: a long position loses no more than it is worth."""


def exposed_to(holdings: Holdings, model: RiskModel) -> Exposed:
    betas = model.betas[holdings.rows]
    entered: Bools = np.asarray(np.isfinite(betas).all(axis=1)) & (model.factors is not None)
    values = np.where(entered, holdings.market_values, 0.0)
    return Exposed(
        holdings=holdings,
        entered=entered,
        moved=np.where(entered[:, None], betas, 0.0) * values[:, None],
        worst=np.where(holdings.market_values > 0, -holdings.market_values, -np.inf),
    )


def errors_of(exposed: Exposed, evidence: Evidence) -> StressErrors | None:
    """None without a risk model, and where nothing that is held has loadings whose errors are known."""
    holdings, factors = exposed.holdings, evidence.edition.risk.factors
    if factors is None:
        return None
    loadings = loading_errors_of(evidence.edition, holdings.rows, evidence.forecast.loadings)
    if exposed.entered.any() and not loadings.known.any():
        return None
    values = np.where(exposed.entered, holdings.market_values, 0.0)
    names, sector_of = holdings.by_sector
    return StressErrors(loadings, values, exposed.moved, sector_of, len(names), pull_errors(factors))


def moves_of(
    scenarios: Sequence[Scenario], factors: FactorCovariance | None, parameters: StressTestParameters
) -> Moves:
    """Two ways a scenario, one after the other: direct, and propagated."""
    asked = [scenario.returns(parameters.duration, parameters.convexity) for scenario in scenarios]
    shocks = np.array([[one.get(slug, 0.0) for slug in FACTORS] for one in asked]).reshape(-1, len(FACTORS))
    named = np.array([[slug in one for slug in FACTORS] for one in asked], dtype=bool).reshape(shocks.shape)
    pulled = ~named & named[:, [MARKET]] & (factors is not None)
    implied = shocks if factors is None else propagated(shocks, pulled, factors.stress)
    ways = 2 * len(scenarios), len(FACTORS)
    return Moves(
        returns=np.stack([shocks, implied], axis=1).reshape(ways),
        pulled=np.stack([np.zeros_like(pulled), pulled], axis=1).reshape(ways),
    )


def propagated(shocks: Floats, pulled: Bools, stress: Floats) -> Floats:
    """(S, 8) the returns of all factors: those `pulled` by their regression on the market's, the others as they are.

    `shocks` (S, 8) in decimals, `pulled` (S, 8), `stress` (8, 8) covariances. Where the market is not named nothing is
    pulled: what a style or rates would imply for the market is no more than noise (`domain.md` §4).
    """
    return np.where(pulled, shocks[:, [MARKET]] * (stress[:, MARKET] / stress[MARKET, MARKET]), shocks)


@dataclass(frozen=True)
class Happened:
    """What K moves do to N symbols."""

    moves: Moves
    pnl: Floats
    """(K, N) USD, losses capped."""
    spared: Floats
    """(K,) USD."""
    capped: Bools
    """(K, N)"""
    errors: PnlErrors | None


def happen(moves: Moves, exposed: Exposed, errors: StressErrors | None) -> Happened:
    uncapped = moves.returns @ exposed.moved.T
    pnl = np.maximum(uncapped, exposed.worst)
    capped = pnl > uncapped
    return Happened(
        moves=moves,
        pnl=pnl,
        spared=(pnl - uncapped).sum(axis=1),
        capped=capped,
        errors=None if errors is None else errors.of(moves, capped),
    )
