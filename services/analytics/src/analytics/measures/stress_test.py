"""What a portfolio would gain or lose if factors moved as in a scenario."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analytics.evidence import Evidence
from analytics.measures.excluded import ExcludedReason, excluded_symbols
from analytics.measures.measure import Finding, Measure
from analytics.measures.stress_error import StressErrors
from analytics.measures.stress_moves import Exposed, Happened, errors_of, exposed_to, happen, moves_of
from analytics.measures.stress_parts import in_parts_of, or_none
from analytics.measures.stress_question import StressTestParameters
from analytics.measures.stress_result import ErrorReason, Reason, StressTest
from analytics.risk_model import FactorCovariance, RiskModel
from analytics.scenarios import SCENARIOS, Scenario
from riskstream.market.arrays import Bools


def compute(evidence: Evidence, parameters: StressTestParameters) -> Finding[StressTest]:
    """`Σ market value × β'·shock` over symbols, β of the joint risk model, market values signed (`domain.md` §4).

    A symbol whose loadings are assumed moves with the market one to one. First-order in the factors: no convexity of
    positions, and nothing specific. A symbol without loadings is left out and named.
    """
    return _stressed(evidence, parameters, in_parts=True)


def totals(evidence: Evidence, parameters: StressTestParameters) -> Finding[StressTest]:
    """The same without what factors, symbols and sectors add, for who compares books."""
    return _stressed(evidence, parameters, in_parts=False)


def _stressed(evidence: Evidence, parameters: StressTestParameters, *, in_parts: bool) -> Finding[StressTest]:
    model = evidence.edition.risk
    holdings = evidence.holdings
    exposed = exposed_to(holdings, model)
    reason: Reason | None = None
    if holdings.gross > 0 and model.factors is None:
        reason = "no_risk_model"
    elif holdings.gross > 0 and not exposed.entered.any():
        reason = "no_position_has_it"
    errors = None if reason else errors_of(exposed, evidence)
    outcomes: list[dict[str, Any]] = []
    if reason is None:
        outcomes = _outcomes(_asked(parameters), exposed, model.factors, errors, parameters, in_parts=in_parts)
    lacking: dict[int, ExcludedReason] = {}
    if model.factors is not None:
        lacking = {int(n): "no_loadings" for n in np.flatnonzero(~exposed.entered)}
    known = np.zeros_like(exposed.entered) if errors is None else errors.loadings.known
    entered_gross = float(holdings.gross_values[exposed.entered].sum())
    # More than a thousand parts of parts, validated as one: one by one they take as long as the arithmetic.
    result = StressTest.model_validate(
        {
            "outcomes": outcomes,
            "reason": reason,
            "model_reason": model.reason,
            "relative_reason": None if holdings.nav > 0 else "nav_not_positive",
            "stress_sessions": None if model.factors is None else model.factors.stress_sessions,
            "assumed_positions": int((exposed.entered & model.assumed[holdings.rows]).sum()),
            "standard_error_coverage": float(holdings.gross_values[known].sum()) / entered_gross
            if entered_gross
            else None,
            "standard_error_reason": _why_no_error(reason, exposed, known, model),
            "excluded": excluded_symbols(holdings, lacking),
        }
    )
    return Finding(result, holdings.coverage(exposed.entered))


def _why_no_error(reason: Reason | None, exposed: Exposed, known: Bools, model: RiskModel) -> ErrorReason | None:
    if reason is not None:
        return reason
    if known.any() or not exposed.entered.any():
        return None
    return "nothing_estimated" if model.residuals_kept else "residuals_not_kept"


def _asked(parameters: StressTestParameters) -> list[Scenario]:
    slugs = SCENARIOS if parameters.scenarios is None else dict.fromkeys(parameters.scenarios)
    own = [
        Scenario(one.name, one.name, "own", {s.factor: s.shock for s in one.shocks}, one.yield_change)
        for one in parameters.own
    ]
    return [*(SCENARIOS[slug] for slug in slugs), *own]


def _outcomes(
    scenarios: Sequence[Scenario],
    exposed: Exposed,
    factors: FactorCovariance | None,
    errors: StressErrors | None,
    parameters: StressTestParameters,
    *,
    in_parts: bool,
) -> list[dict[str, Any]]:
    """As `StressOutcome` has them. Without `factors` nothing is held that could be moved."""
    moves = moves_of(scenarios, factors, parameters)
    happened = happen(moves, exposed, errors)
    pnls = _totals(happened, exposed.holdings.nav)
    if in_parts:
        for pnl, parts in zip(pnls, in_parts_of(happened, exposed, errors, parameters.top), strict=True):
            pnl.update(parts)
    return [
        {
            "scenario": scenario.slug,
            "name": scenario.name,
            "kind": scenario.kind,
            "yield_change": scenario.yield_change,
            "direct": direct,
            "propagated": pulled,
        }
        for scenario, direct, pulled in zip(scenarios, pnls[::2], pnls[1::2], strict=True)
    ]


def _totals(happened: Happened, nav: float) -> list[dict[str, Any]]:
    """As `StressPnl` has them, without parts."""
    errors = or_none(None if happened.errors is None else happened.errors.total, len(happened.pnl))
    return [
        {
            "pnl": total,
            "pnl_of_nav": total / nav if nav > 0 else None,
            "standard_error": error,
            "spared_by_caps": spared,
            "capped_positions": capped,
            "factors": (),
            "positions": (),
            "sectors": (),
        }
        for total, error, spared, capped in zip(
            happened.pnl.sum(axis=1).tolist(),
            errors,
            happened.spared.tolist(),
            happened.capped.sum(axis=1).tolist(),
            strict=True,
        )
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
