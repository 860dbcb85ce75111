"""What a portfolio would gain or lose if factors moved as in a scenario."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from analytics.evidence import Evidence
from analytics.holdings import Holdings, holdings_of
from analytics.measures.excluded import ExcludedReason, ExcludedSymbol, excluded_symbols
from analytics.measures.measure import Finding, Measure, Parameters, Result
from analytics.risk_model import RISK_FACTOR_NAMES, RiskModel
from analytics.scenarios import CONVEXITY, DURATION, SCENARIOS, Kind, Scenario
from riskstream.market.arrays import Bools, Floats

FACTORS = tuple(RISK_FACTOR_NAMES)
MARKET = FACTORS.index("market")
MOST_OWN = 50
LARGEST_SHOCK = 10.0
"""Of a factor's return in decimals: ten times its worth."""
LARGEST_YIELD_CHANGE = 0.2

Reason = Literal["no_risk_model", "no_position_has_it"]


def _known(slug: str) -> str:
    if slug not in SCENARIOS:
        raise ValueError(f"no scenario {slug!r}; there are {', '.join(SCENARIOS)}")
    return slug


class OwnShock(Parameters):
    """The return of a factor."""

    factor: str = Field(examples=["market"], description=f"One of {', '.join(FACTORS)}.")
    shock: float = Field(
        ge=-LARGEST_SHOCK,
        le=LARGEST_SHOCK,
        allow_inf_nan=False,
        description="In decimals; that of a style is its fund's return minus SPY's.",
        examples=[-0.2],
    )

    @field_validator("factor")
    @classmethod
    def _a_factor(cls, factor: str) -> str:
        if factor not in FACTORS:
            raise ValueError(f"no factor {factor!r}; there are {', '.join(FACTORS)}")
        return factor

    @model_validator(mode="after")
    def _funds_lose_no_more_than_all(self) -> Self:
        if self.factor in {"market", "rates"} and self.shock < -1:
            raise ValueError(f"{self.factor} is a fund: it cannot lose more than 100 %, a shock of -1")
        return self


class OwnScenario(Parameters):
    """What else may happen."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    shocks: tuple[OwnShock, ...] = Field(default=(), max_length=len(FACTORS))
    yield_change: float | None = Field(
        default=None,
        ge=-LARGEST_YIELD_CHANGE,
        le=LARGEST_YIELD_CHANGE,
        allow_inf_nan=False,
        description="Of all yields, in decimals: 0.01 is 100 basis points. In place of a shock to rates.",
    )

    @model_validator(mode="after")
    def _something_happens_once(self) -> Self:
        factors = [shock.factor for shock in self.shocks]
        if len(set(factors)) < len(factors):
            raise ValueError("a factor is shocked twice; give each one shock")
        if self.yield_change is not None and "rates" in factors:
            raise ValueError("give the shock to rates or the yield change that makes it, not both")
        if not factors and self.yield_change is None:
            raise ValueError("nothing happens in it; give shocks, or a yield change")
        return self


class StressTestParameters(Parameters):
    scenarios: tuple[Annotated[str, AfterValidator(_known)], ...] | None = Field(
        default=None, max_length=100, description="Which of ours, by id; all of them by default."
    )
    own: tuple[OwnScenario, ...] = Field(default=(), max_length=MOST_OWN, description="Scenarios of your own.")
    top: int = Field(default=5, ge=0, le=100, description="How many symbols to list for each, by absolute P&L.")
    duration: float = Field(
        default=DURATION, gt=0, le=50, allow_inf_nan=False, description="Years, of the fund behind rates."
    )
    convexity: float = Field(
        default=CONVEXITY, ge=0, le=5_000, allow_inf_nan=False, description="Of the fund behind rates."
    )


class StressByFactor(Result):
    """`shock` is the factor's return in decimals; `pnl` USD, before losses are capped."""

    factor: str
    name: str
    shock: float
    pnl: float


class StressBySymbol(Result):
    """`pnl` in USD. A capped one is a long position that cannot lose more than all it is worth."""

    symbol: str
    pnl: float
    capped: bool


class StressBySector(Result):
    """Null for the symbols without a sector."""

    sector: str | None
    pnl: float


class StressPnl(Result):
    """USD, and over NAV in decimals.

    `pnl` is the sum over symbols, each long position's loss capped at what it is worth; `factors` sum to `pnl` less
    `spared_by_caps`.
    """

    pnl: float
    pnl_of_nav: float | None
    """Null where NAV is not positive."""
    spared_by_caps: float
    """USD of losses that cannot happen; not negative."""
    capped_positions: int
    factors: list[StressByFactor]
    """Those that move, in the model's order."""
    positions: list[StressBySymbol]
    sectors: list[StressBySector]
    """By absolute P&L, largest first."""


class StressOutcome(Result):
    """A scenario's outcome in two ways.

    *Direct*: the named factors move and the others stand still. *Propagated*: where the market is named, each factor
    that is not moves as it has used to with the market, `E[f | market]`; otherwise it is the same.
    """

    scenario: str
    """Its id; that of your own is its name."""
    name: str
    kind: Kind
    yield_change: float | None
    direct: StressPnl
    propagated: StressPnl


class StressTest(Result):
    """Null figures with their reason where the edition has no risk model, or nothing held has loadings."""

    outcomes: list[StressOutcome]
    reason: Reason | None
    model_reason: str | None
    """What the edition says of why it has no model."""
    relative_reason: Literal["nav_not_positive"] | None
    stress_sessions: int | None
    """Equally weighted ones behind how factors have used to move with the market."""
    assumed_positions: int
    """Symbols that entered as if they moved with the market one to one, for want of a history."""
    excluded: list[ExcludedSymbol]


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
    model = evidence.edition.risk
    holdings = holdings_of(evidence.book, evidence.edition)
    exposed = _exposed(holdings, model)
    reason: Reason | None = None
    if holdings.gross > 0 and model.factors is None:
        reason = "no_risk_model"
    elif holdings.gross > 0 and not exposed.entered.any():
        reason = "no_position_has_it"
    stress = None if model.factors is None else model.factors.stress
    outcomes = [] if reason else [_outcome(one, exposed, stress, parameters) for one in _asked(parameters)]
    lacking: dict[int, ExcludedReason] = {}
    if model.factors is not None:
        lacking = {int(n): "no_loadings" for n in np.flatnonzero(~exposed.entered)}
    result = StressTest(
        outcomes=outcomes,
        reason=reason,
        model_reason=model.reason,
        relative_reason=None if holdings.nav > 0 else "nav_not_positive",
        stress_sessions=None if model.factors is None else model.factors.stress_sessions,
        assumed_positions=int((exposed.entered & model.assumed[holdings.rows]).sum()),
        excluded=excluded_symbols(holdings, lacking),
    )
    return Finding(result, holdings.coverage(exposed.entered))


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
    scenario: Scenario, exposed: _Exposed, stress: Floats | None, parameters: StressTestParameters
) -> StressOutcome:
    """Without `stress`, the covariances, nothing is held that could be moved."""
    returns = scenario.returns(parameters.duration, parameters.convexity)
    named = np.array([slug in returns for slug in FACTORS])
    direct = np.array([returns.get(slug, 0.0) for slug in FACTORS])
    return StressOutcome(
        scenario=scenario.slug,
        name=scenario.name,
        kind=scenario.kind,
        yield_change=scenario.yield_change,
        direct=_pnl(direct, exposed, parameters.top),
        propagated=_pnl(direct if stress is None else propagated(direct, named, stress), exposed, parameters.top),
    )


def _pnl(shocks: Floats, exposed: _Exposed, top: int) -> StressPnl:
    uncapped = exposed.moved @ shocks
    by_symbol = np.maximum(uncapped, exposed.worst)
    capped = by_symbol > uncapped
    total, nav = float(by_symbol.sum()), exposed.holdings.nav
    by_factor = exposed.moved.sum(axis=0) * shocks
    by_sector = np.bincount(exposed.sector_of, by_symbol, len(exposed.sectors))
    largest = [int(n) for n in np.argsort(-np.abs(by_symbol), kind="stable")[:top] if by_symbol[n] != 0]
    return StressPnl(
        pnl=total,
        pnl_of_nav=total / nav if nav > 0 else None,
        spared_by_caps=float((by_symbol - uncapped).sum()),
        capped_positions=int(capped.sum()),
        factors=[
            StressByFactor(factor=slug, name=name, shock=float(shocks[n]), pnl=float(by_factor[n]))
            for n, (slug, name) in enumerate(RISK_FACTOR_NAMES.items())
            if shocks[n] != 0
        ],
        positions=[
            StressBySymbol(symbol=exposed.holdings.symbols[n], pnl=float(by_symbol[n]), capped=bool(capped[n]))
            for n in largest
        ],
        sectors=[
            StressBySector(sector=exposed.sectors[n] or None, pnl=float(by_sector[n]))
            for n in np.argsort(-np.abs(by_sector), kind="stable")
        ],
    )


MEASURE = Measure(
    name="stress-test",
    summary="Gain or loss if factors moved as in a scenario, ours or your own",
    method="signed market values times the risk model's loadings times shocks; propagated by five years' covariances",
    parameters=StressTestParameters,
    result=StressTest,
    compute=compute,
    posted=True,
)
