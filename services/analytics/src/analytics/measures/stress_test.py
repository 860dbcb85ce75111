"""What a portfolio would gain or lose if factors moved as in a scenario."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.edition import Edition
from analytics.evidence import Evidence
from analytics.holdings import Holdings
from analytics.loading_errors import loading_errors_of
from analytics.measures.excluded import ExcludedReason, excluded_symbols
from analytics.measures.measure import Finding, Measure
from analytics.measures.stress_error import Moves, PnlError, StressErrors, pull_errors
from analytics.measures.stress_question import FACTORS, StressTestParameters
from analytics.measures.stress_result import (
    ErrorReason,
    Reason,
    StressByFactor,
    StressBySector,
    StressBySymbol,
    StressOutcome,
    StressPnl,
    StressTest,
)
from analytics.risk_model import RISK_FACTOR_NAMES, RiskModel
from analytics.scenarios import SCENARIOS, Scenario
from riskstream.market.arrays import Bools, Floats
from riskstream.market.risk_factors import MARKET


@dataclass(frozen=True)
class _Exposed:
    """A book as scenarios meet it: N symbols, `moved` (N, 8) USD of each factor held with each of them."""

    holdings: Holdings
    entered: Bools
    moved: Floats
    worst: Floats
    """(N,) the P&L that a symbol cannot go beyond: a long position loses no more than it is worth."""
    sectors: list[str]
    sector_of: NDArray[np.intp]
    """(N,) the place in `sectors`, where the first may be empty: no sector."""


def compute(evidence: Evidence, parameters: StressTestParameters) -> Finding[StressTest]:
    """`Σ market value × β'·shock` over symbols, β of the joint risk model, market values signed (`domain.md` §4).

    A symbol whose loadings are assumed moves with the market one to one. First-order in the factors: no convexity of
    positions, and nothing specific. A symbol without loadings is left out and named.
    """
    return _stressed(evidence, parameters, in_parts=True)


def totals(evidence: Evidence, parameters: StressTestParameters) -> Finding[StressTest]:
    """The same without what factors, symbols and sectors add, for who compares books: a third of the time."""
    return _stressed(evidence, parameters, in_parts=False)


def _stressed(evidence: Evidence, parameters: StressTestParameters, *, in_parts: bool) -> Finding[StressTest]:
    model = evidence.edition.risk
    holdings = evidence.holdings
    exposed = _exposed(holdings, model)
    reason: Reason | None = None
    if holdings.gross > 0 and model.factors is None:
        reason = "no_risk_model"
    elif holdings.gross > 0 and not exposed.entered.any():
        reason = "no_position_has_it"
    errors = None if reason or model.factors is None else _errors(exposed, evidence.edition, pull_errors(model.factors))
    stress = None if model.factors is None else model.factors.stress
    outcomes = (
        []
        if reason
        else [_outcome(one, exposed, stress, errors, parameters, in_parts=in_parts) for one in _asked(parameters)]
    )
    lacking: dict[int, ExcludedReason] = {}
    if model.factors is not None:
        lacking = {int(n): "no_loadings" for n in np.flatnonzero(~exposed.entered)}
    known = np.zeros_like(exposed.entered) if errors is None else errors.loadings.known
    entered_gross = float(holdings.gross_values[exposed.entered].sum())
    result = StressTest(
        outcomes=outcomes,
        reason=reason,
        model_reason=model.reason,
        relative_reason=None if holdings.nav > 0 else "nav_not_positive",
        stress_sessions=None if model.factors is None else model.factors.stress_sessions,
        assumed_positions=int((exposed.entered & model.assumed[holdings.rows]).sum()),
        standard_error_coverage=float(holdings.gross_values[known].sum()) / entered_gross if entered_gross else None,
        standard_error_reason=_why_no_error(reason, exposed, known, model),
        excluded=excluded_symbols(holdings, lacking),
    )
    return Finding(result, holdings.coverage(exposed.entered))


def _why_no_error(reason: Reason | None, exposed: _Exposed, known: Bools, model: RiskModel) -> ErrorReason | None:
    if reason is not None:
        return reason
    if known.any() or not exposed.entered.any():
        return None
    return "nothing_estimated" if model.residuals_kept else "residuals_not_kept"


def _exposed(holdings: Holdings, model: RiskModel) -> _Exposed:
    betas = model.betas[holdings.rows]
    entered: Bools = np.asarray(np.isfinite(betas).all(axis=1)) & (model.factors is not None)
    values = np.where(entered, holdings.market_values, 0.0)
    names = sorted({sector or "" for sector in holdings.sectors})
    place = {name: n for n, name in enumerate(names)}
    return _Exposed(
        holdings=holdings,
        entered=entered,
        moved=np.where(entered[:, None], betas, 0.0) * values[:, None],
        worst=np.where(holdings.market_values > 0, -holdings.market_values, -np.inf),
        sectors=names,
        sector_of=np.array([place[sector or ""] for sector in holdings.sectors], dtype=np.intp),
    )


def _errors(exposed: _Exposed, edition: Edition, pull: Floats) -> StressErrors | None:
    """None where nothing that is held has loadings whose errors are known."""
    holdings = exposed.holdings
    loadings = loading_errors_of(edition, holdings.rows)
    if exposed.entered.any() and not loadings.known.any():
        return None
    values = np.where(exposed.entered, holdings.market_values, 0.0)
    return StressErrors(loadings, values, exposed.moved, exposed.sector_of, len(exposed.sectors), pull)


def propagated(shocks: Floats, named: Bools, stress: Floats) -> Floats:
    """(8,) the returns of all factors: those named as they are, the others by their regression on the market's.

    `shocks` (8,) in decimals, `named` (8,), `stress` (8, 8) covariances. Where the market is not named nothing is
    added: what a style or rates would imply for the market is no more than noise (`domain.md` §4).
    """
    if not named[MARKET]:
        return shocks
    implied = stress[:, MARKET] / stress[MARKET, MARKET] * shocks[MARKET]
    return np.where(named, shocks, implied)


def _asked(parameters: StressTestParameters) -> list[Scenario]:
    slugs = SCENARIOS if parameters.scenarios is None else dict.fromkeys(parameters.scenarios)
    own = [
        Scenario(one.name, one.name, "own", {s.factor: s.shock for s in one.shocks}, one.yield_change)
        for one in parameters.own
    ]
    return [*(SCENARIOS[slug] for slug in slugs), *own]


def _outcome(
    scenario: Scenario,
    exposed: _Exposed,
    stress: Floats | None,
    errors: StressErrors | None,
    parameters: StressTestParameters,
    *,
    in_parts: bool,
) -> StressOutcome:
    """Without `stress`, the covariances, nothing is held that could be moved."""
    returns = scenario.returns(parameters.duration, parameters.convexity)
    named = np.array([slug in returns for slug in FACTORS])
    direct = np.array([returns.get(slug, 0.0) for slug in FACTORS])
    alone = Moves(direct, np.zeros_like(named))
    pulled = alone if stress is None else Moves(propagated(direct, named, stress), ~named & named[MARKET])
    return StressOutcome(
        scenario=scenario.slug,
        name=scenario.name,
        kind=scenario.kind,
        yield_change=scenario.yield_change,
        direct=_pnl(alone, exposed, errors, parameters.top if in_parts else None),
        propagated=_pnl(pulled, exposed, errors, parameters.top if in_parts else None),
    )


def _pnl(moves: Moves, exposed: _Exposed, errors: StressErrors | None, top: int | None) -> StressPnl:
    """With `top` None no more than the totals."""
    uncapped = exposed.moved @ moves.returns
    by_symbol = np.maximum(uncapped, exposed.worst)
    capped = by_symbol > uncapped
    total, nav = float(by_symbol.sum()), exposed.holdings.nav
    error = None if errors is None else errors.of(moves, capped)
    in_parts = top is not None
    return StressPnl(
        pnl=total,
        pnl_of_nav=total / nav if nav > 0 else None,
        standard_error=None if error is None else error.total,
        spared_by_caps=float((by_symbol - uncapped).sum()),
        capped_positions=int(capped.sum()),
        factors=_factors(moves, exposed, error) if in_parts else [],
        positions=_largest(top, by_symbol, capped=capped, moves=moves, exposed=exposed, errors=errors) if top else [],
        sectors=_sectors(by_symbol, exposed, error) if in_parts else [],
    )


def _factors(moves: Moves, exposed: _Exposed, error: PnlError | None) -> list[StressByFactor]:
    by_factor = exposed.moved.sum(axis=0) * moves.returns
    return [
        StressByFactor(
            factor=slug,
            name=name,
            shock=float(moves.returns[n]),
            pnl=float(by_factor[n]),
            standard_error=None if error is None else float(error.by_factor[n]),
        )
        for n, (slug, name) in enumerate(RISK_FACTOR_NAMES.items())
        if moves.returns[n] != 0
    ]


def _sectors(by_symbol: Floats, exposed: _Exposed, error: PnlError | None) -> list[StressBySector]:
    by_sector = np.bincount(exposed.sector_of, by_symbol, len(exposed.sectors))
    return [
        StressBySector(
            sector=exposed.sectors[n] or None,
            pnl=float(by_sector[n]),
            standard_error=None if error is None else float(error.by_sector[n]),
        )
        for n in np.argsort(-np.abs(by_sector), kind="stable")
    ]


def _largest(
    top: int, by_symbol: Floats, *, capped: Bools, moves: Moves, exposed: _Exposed, errors: StressErrors | None
) -> list[StressBySymbol]:
    largest = np.argsort(-np.abs(by_symbol), kind="stable")[:top]
    largest = largest[by_symbol[largest] != 0]
    off = np.full(len(largest), np.nan) if errors is None else errors.of_symbols(moves, largest)
    off = np.where(capped[largest] & np.isfinite(off), 0.0, off)
    return [
        StressBySymbol(
            symbol=exposed.holdings.symbols[n],
            pnl=float(by_symbol[n]),
            standard_error=None if np.isnan(error) else float(error),
            capped=bool(capped[n]),
        )
        for n, error in zip(largest.tolist(), off.tolist(), strict=True)
    ]


MEASURE = Measure(
    name="stress-test",
    summary="Gain or loss if factors moved as in a scenario, ours or your own",
    method="signed market values times the risk model's loadings times shocks; propagated by five years' covariances",
    parameters=StressTestParameters,
    result=StressTest,
    compute=compute,
    posted=True,
)
