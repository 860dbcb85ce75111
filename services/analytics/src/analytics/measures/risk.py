"""How much a portfolio is expected to move in a day, and what makes it move."""

from collections.abc import Sequence
from datetime import date
from math import sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from analytics.book_risk import BookRisk
from analytics.evidence import Evidence
from analytics.forecast import Forecast, NoForecastReason
from analytics.holdings import Holdings
from analytics.measures.estimation import RiskEstimation, estimation_of
from analytics.measures.excluded import ExcludedSymbol, excluded_symbols
from analytics.measures.measure import Finding, Measure, Parameters, Result
from analytics.risk_model import RISK_FACTOR_NAMES, RiskModel

ANNUAL = sqrt(252)
"""A volatility of a year over one of a session."""

VALUE_AND_GROWTH = [list(RISK_FACTOR_NAMES).index(slug) for slug in ("value", "growth")]

RelativeReason = NoForecastReason | Literal["nav_not_positive"]
SharesReason = NoForecastReason | Literal["no_volatility"]


class RiskParameters(Parameters):
    top: int = Field(
        default=25, ge=0, le=1000, description="How many symbols to list, those that add or take most first."
    )


class RiskOfFactor(Result):
    """One factor of the risk model, or the sum of two.

    `exposure_usd` is USD of the factor held, `Σ market value × β`, and `exposure` that over NAV. `contribution_usd` is
    what the factor adds to the daily volatility in USD, negative for one that hedges, and `share` that over the
    volatility.
    """

    factor: str
    name: str
    exposure: float | None
    """Null where `relative_reason` says why."""
    exposure_usd: float
    contribution_usd: float
    share: float | None
    """Null where `shares_reason` says why."""


class RiskOfPosition(Result):
    """All that is held of one symbol, its lots netted; what it adds to the daily volatility (Euler's contribution)."""

    symbol: str
    sector: str | None
    sector_reason: Literal["unclassified"] | None
    market_value: float
    """USD, signed."""
    weight: float | None
    """Signed market value over NAV; null where `relative_reason` says why."""
    contribution_usd: float
    """USD; negative for a position that hedges the others."""
    share: float | None
    """Of the volatility; null where `shares_reason` says why."""
    loadings: Literal["estimated", "assumed"]
    """Assumed: 1 of the market and of nothing else, and the specific variance that is typical of the sector."""
    assumed_reason: str | None
    carried_from: date | None
    """The older session that the loadings are of, where the symbol's bar of this one is held back; else null."""


class RiskOfSector(Result):
    """What the symbols of a sector add to the daily volatility together; null for those without a sector."""

    sector: str | None
    sector_reason: Literal["unclassified"] | None
    market_value: float
    """USD, signed, of what entered."""
    contribution_usd: float
    share: float | None
    """Of the volatility; null where `shares_reason` says why."""


class RiskRest(Result):
    """The symbols that entered and are not listed, together."""

    positions: int
    contribution_usd: float
    share: float | None
    """Of the volatility; null where `shares_reason` says why."""


class Risk(Result):
    """Volatility expected of the next session by the risk model, alone (`…_usd`) and over NAV, in decimals.

    Annual figures are √252 times the daily ones. Where there is no volatility `reason` says why and the lists are
    empty. `no_risk_model`: the edition has no covariance of factors (`model_reason`); `residuals_not_kept`: it is too
    old to have kept what specific risk is made of; `no_position_has_it`: nothing held has loadings.

    Standard errors are `σ / √(2n)`, n the effective observations: that of the standard deviation of n independent
    normal returns. Fat tails would widen it, and that the model may be wrong is not in it.
    """

    daily_volatility: float | None
    daily_volatility_standard_error: float | None
    annual_volatility: float | None
    relative_reason: RelativeReason | None
    """Why there are no figures over NAV, no exposures and no weights."""
    daily_volatility_usd: float | None
    daily_volatility_usd_standard_error: float | None
    annual_volatility_usd: float | None
    reason: NoForecastReason | None
    model_reason: str | None
    """What the edition says of why it has no model."""
    factor_share: float | None
    """Of the variance, and so of the volatility: `x'Fx / σ²`. With `specific_share` it makes 1."""
    specific_share: float | None
    """Not negative."""
    shares_reason: SharesReason | None
    """Why there are no shares, here and in the lists; `no_volatility`: it is 0."""
    specific_contribution_usd: float | None
    """With those of the eight factors it sums to the daily volatility in USD."""
    factors: list[RiskOfFactor]
    """The eight, in the model's order."""
    value_and_growth: RiskOfFactor | None
    """Their sum: the two funds are nearly one factor, so that the sum means more than either."""
    positions: list[RiskOfPosition]
    """By absolute contribution, largest first; ties by symbol."""
    other_positions: RiskRest | None
    sectors: list[RiskOfSector]
    """By absolute contribution, largest first."""
    estimation: RiskEstimation | None
    """Null where `model_reason` says why there is no model."""
    assumed_positions: int
    """Symbols that entered with assumed loadings."""
    assumed_share: float | None
    """Their part of the book's gross market value; null, as coverage, where that is 0."""
    carried_positions: int
    """Symbols that entered with loadings of an older session."""
    excluded: list[ExcludedSymbol]


def compute(evidence: Evidence, parameters: RiskParameters) -> Finding[Risk]:
    """`σ² = x'Fx + w'Ψw` and its contributions (`domain.md` §4, docs/adr/0010-risk-model.md).

    Everything is computed in USD, so that it is true of a book whose NAV is not positive too; over NAV is that divided
    by it. A symbol that cannot enter is left out and named. A book that holds nothing at risk has volatility 0.
    """
    model = evidence.edition.risk
    holdings = evidence.holdings
    forecast = evidence.forecast
    if forecast.risk is None:
        assert forecast.reason is not None
        return Finding(_without(forecast.reason, forecast, holdings, model), forecast.coverage)
    return Finding(_risk(forecast.risk, forecast, holdings, model, parameters.top), forecast.coverage)


def _risk(risk: BookRisk, forecast: Forecast, holdings: Holdings, model: RiskModel, top: int) -> Risk:
    volatility, nav = risk.volatility, holdings.nav
    error = forecast.standard_error(volatility)
    # Of symbols at 0, whose lots cancel out, nothing is to be said.
    places = np.flatnonzero(forecast.entered & (holdings.market_values != 0))
    places = places[np.argsort(-np.abs(risk.contributions[places]), kind="stable")]
    rest = places[top:]
    assumed = forecast.entered & model.assumed[holdings.rows]
    factors = [_factor(slug, name, risk, [n], nav) for n, (slug, name) in enumerate(RISK_FACTOR_NAMES.items())]
    return Risk(
        daily_volatility=_over(volatility, nav),
        daily_volatility_standard_error=_over(error, nav),
        annual_volatility=_over(volatility * ANNUAL, nav),
        relative_reason=None if nav > 0 else "nav_not_positive",
        daily_volatility_usd=volatility,
        daily_volatility_usd_standard_error=error,
        annual_volatility_usd=volatility * ANNUAL,
        reason=None,
        model_reason=model.reason,
        factor_share=_over(float(risk.factor_contributions.sum()), volatility),
        specific_share=_over(risk.specific_contribution, volatility),
        shares_reason=None if volatility > 0 else "no_volatility",
        specific_contribution_usd=risk.specific_contribution,
        factors=factors,
        value_and_growth=_factor("value_and_growth", "Value and Growth", risk, VALUE_AND_GROWTH, nav),
        positions=[_position(int(n), risk, holdings, model) for n in places[:top]],
        other_positions=RiskRest(
            positions=len(rest),
            contribution_usd=float(risk.contributions[rest].sum()),
            share=_over(float(risk.contributions[rest].sum()), volatility),
        ),
        sectors=_sectors(risk, forecast, holdings),
        estimation=estimation_of(forecast, model),
        assumed_positions=int(assumed.sum()),
        assumed_share=holdings.coverage(assumed),
        carried_positions=_carried(forecast, holdings, model),
        excluded=excluded_symbols(holdings, forecast.lacking),
    )


def _carried(forecast: Forecast, holdings: Holdings, model: RiskModel) -> int:
    if not model.carried_from:
        return 0
    return sum(holdings.symbols[n] in model.carried_from for n in np.flatnonzero(forecast.entered))


def _without(reason: NoForecastReason, forecast: Forecast, holdings: Holdings, model: RiskModel) -> Risk:
    """No figure, and why."""
    return Risk(
        daily_volatility=None,
        daily_volatility_standard_error=None,
        annual_volatility=None,
        relative_reason=reason,
        daily_volatility_usd=None,
        daily_volatility_usd_standard_error=None,
        annual_volatility_usd=None,
        reason=reason,
        model_reason=model.reason,
        factor_share=None,
        specific_share=None,
        shares_reason=reason,
        specific_contribution_usd=None,
        factors=[],
        value_and_growth=None,
        positions=[],
        other_positions=None,
        sectors=[],
        estimation=estimation_of(forecast, model),
        assumed_positions=0,
        assumed_share=0.0,
        carried_positions=0,
        excluded=excluded_symbols(holdings, forecast.lacking),
    )


def _factor(slug: str, name: str, risk: BookRisk, of: Sequence[int], nav: float) -> RiskOfFactor:
    """The factors at the places `of`, together."""
    exposure, contribution = (float(risk.exposures[list(of)].sum()), float(risk.factor_contributions[list(of)].sum()))
    return RiskOfFactor(
        factor=slug,
        name=name,
        exposure=_over(exposure, nav),
        exposure_usd=exposure,
        contribution_usd=contribution,
        share=_over(contribution, risk.volatility),
    )


def _position(n: int, risk: BookRisk, holdings: Holdings, model: RiskModel) -> RiskOfPosition:
    symbol, sector = holdings.symbols[n], holdings.sectors[n]
    market_value, contribution = float(holdings.market_values[n]), float(risk.contributions[n])
    assumed = bool(model.assumed[holdings.rows[n]])
    return RiskOfPosition(
        symbol=symbol,
        sector=sector,
        sector_reason="unclassified" if sector is None else None,
        market_value=market_value,
        weight=_over(market_value, holdings.nav),
        contribution_usd=contribution,
        share=_over(contribution, risk.volatility),
        loadings="assumed" if assumed else "estimated",
        assumed_reason=model.reasons.get(symbol) if assumed else None,
        carried_from=model.carried_from.get(symbol),
    )


def _sectors(risk: BookRisk, forecast: Forecast, holdings: Holdings) -> list[RiskOfSector]:
    names, place = holdings.by_sector
    entered = np.bincount(place, forecast.entered, len(names))
    values = np.bincount(place, np.where(forecast.entered, holdings.market_values, 0.0), len(names))
    contributions = np.bincount(place, risk.contributions, len(names))
    return [
        RiskOfSector(
            sector=names[n] or None,
            sector_reason=None if names[n] else "unclassified",
            market_value=float(values[n]),
            contribution_usd=float(contributions[n]),
            share=_over(float(contributions[n]), risk.volatility),
        )
        for n in np.argsort(-np.abs(contributions), kind="stable")
        if entered[n]
    ]


def _over(amount: float, whole: float) -> float | None:
    """The part of NAV or of the volatility that it is; None where that is not positive."""
    return amount / whole if whole > 0 else None


MEASURE = Measure(
    name="risk",
    summary="Volatility expected of the next session, and what makes it: factors, positions, sectors",
    method="eight-factor model: exponentially weighted, shrunken covariance of factors, and the book's own residuals",
    parameters=RiskParameters,
    result=Risk,
    compute=compute,
)
