"""What a portfolio may lose in a day."""

from datetime import date
from typing import Literal

import numpy as np

from analytics import student_t
from analytics.as_held import as_held
from analytics.evidence import Evidence
from analytics.forecast import Forecast, NoForecastReason
from analytics.holdings import Holdings
from analytics.measures.estimation import RiskEstimation, estimation_of
from analytics.measures.excluded import ExcludedSymbol, excluded_symbols
from analytics.measures.measure import Finding, Measure, Parameters, Result
from analytics.tail import Tail, fewest_sessions, tail_count, tail_of
from riskstream.market.arrays import Floats

LEVELS = (95, 99)
SESSIONS = 252
DEGREES = 6
MOST_FILLED = 25
"""So many symbols with filled returns are named."""

NO_TAIL = Tail(0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Of a book that holds nothing at risk, whatever its past."""

NoHistoryReason = Literal["no_position_has_it", "too_few_sessions"]


class HistoricalLevel(Result):
    """Value at risk and expected shortfall at a level, of the losses there would have been; a loss is positive.

    In USD, and over NAV in decimals. VaR is the smallest of the `tail_sessions` worst losses, the expected shortfall
    (`es`) their mean. All figures are null where `reason` says why: a level needs as many sessions as have one loss
    beyond it among them, 20 or 100.
    """

    level: float
    tail_sessions: int | None
    var: float | None
    """Over NAV; null where `relative_reason` of the whole says why, too."""
    var_usd: float | None
    var_usd_low: float | None
    """With `var_usd_high` an interval that has the true VaR in it with at least 95 % confidence, whatever the
    distribution: order statistics by the binomial, losses taken as independent."""
    var_usd_high: float | None
    var_usd_high_reason: NoHistoryReason | Literal["beyond_the_worst_session"] | None
    """So few sessions do not bound it from above: at 99 % that takes 368."""
    es: float | None
    """Over NAV; null as `var`."""
    es_usd: float | None
    es_usd_standard_error: float | None
    """After Manistre and Hancock (2005); rough itself where the tail is of a few sessions."""
    reason: NoHistoryReason | None


class WorstSession(Result):
    """A session of the tail at 95 %: what the book as it is held now would have lost, in USD."""

    session: date
    loss_usd: float


class FilledSymbol(Result):
    """A symbol without a return on some of the sessions: there it has what the risk model says of it."""

    symbol: str
    sessions: int
    loadings: Literal["estimated", "assumed"]


class HistoricalVar(Result):
    """The book as it is held now through the last 252 sessions: simple returns times today's market values.

    `filled_share` is the part of gross market value times sessions whose returns are the risk model's, with nothing
    specific in them; a past so filled is quieter than a real one.
    """

    sessions: int
    """Used of the last 252."""
    sessions_left_out: int
    """Not used: a return was missing and could not be filled in."""
    since: date | None
    """The first session used; null where there is none."""
    until: date | None
    reason: NoHistoryReason | None
    """Why there are figures at no level."""
    levels: list[HistoricalLevel]
    worst: list[WorstSession]
    """Worst first; empty where there is no tail."""
    filled_share: float | None
    """Null where nothing entered."""
    filled: list[FilledSymbol]
    """At most 25, those with the most market value times sessions first."""
    filled_symbols: int
    """How many there are in all."""
    coverage: float | None
    """Share of gross market value that entered; null where gross is 0."""
    excluded: list[ExcludedSymbol]
    """`no_returns`: neither returns nor loadings to fill them in with."""


class ParametricLevel(Result):
    """Value at risk and expected shortfall at a level as multiples of the forecast volatility; a loss is positive.

    In USD, and over NAV in decimals. Null where the volatility is.
    """

    level: float
    var: float | None
    """Over NAV; null where `relative_reason` of the whole says why, too."""
    var_usd: float | None
    var_usd_standard_error: float | None
    es: float | None
    """Over NAV; null as `var`."""
    es_usd: float | None
    es_usd_standard_error: float | None
    var_multiple: float
    """Of the volatility: 1.587 and 2.566."""
    es_multiple: float
    """2.213 and 3.293."""
    reason: NoForecastReason | None


class ParametricVar(Result):
    """The forecast volatility of the measure `risk` and Student's t with six degrees, mean 0.

    Standard errors are those of the volatility, `σ / √(2n)`, times the multiple: normal theory; with returns as heavy
    in the tails as this t they would be 1.6 times as large.
    """

    degrees_of_freedom: int
    daily_volatility_usd: float | None
    reason: NoForecastReason | None
    model_reason: str | None
    """What the edition says of why it has no risk model."""
    levels: list[ParametricLevel]
    estimation: RiskEstimation | None
    """Null where there is no risk model."""
    coverage: float | None
    """Share of gross market value that entered; null where gross is 0."""
    excluded: list[ExcludedSymbol]


class Var(Result):
    """Losses of one session by two methods that share nothing but the book; a loss is positive."""

    horizon_sessions: int
    relative_reason: Literal["nav_not_positive"] | None
    """Why nothing is given over NAV."""
    historical: HistoricalVar
    parametric: ParametricVar


def compute(evidence: Evidence, _: Parameters) -> Finding[Var]:
    """Value at risk and expected shortfall of the next session (`domain.md` §4), historical and parametric.

    Coverage is the smaller of the two methods'. A book that holds nothing at risk may lose 0.
    """
    holdings = evidence.holdings
    historical = _historical(evidence)
    parametric = _parametric(evidence)
    coverages = [one.coverage for one in (historical, parametric) if one.coverage is not None]
    result = Var(
        horizon_sessions=1,
        relative_reason=None if holdings.nav > 0 else "nav_not_positive",
        historical=historical,
        parametric=parametric,
    )
    return Finding(result, min(coverages, default=None))


def _historical(evidence: Evidence) -> HistoricalVar:
    holdings, edition = evidence.holdings, evidence.edition
    held = as_held(evidence.held_pnl, SESSIONS)
    at_risk = holdings.gross > 0
    reason: NoHistoryReason | None = None
    if at_risk and not held.entered.any():
        reason = "no_position_has_it"
    elif at_risk and len(held.pnl) < fewest_sessions(LEVELS[0]):
        reason = "too_few_sessions"
    # Not -pnl, of which a zero would be a negative one.
    losses = 0.0 - held.pnl
    known = reason is None
    worst = np.argsort(-losses, kind="stable")[: tail_count(len(losses), LEVELS[0]) if known and at_risk else 0]
    filled = np.flatnonzero(held.filled)
    filled = filled[np.argsort(-(holdings.gross_values * held.filled)[filled], kind="stable")]
    return HistoricalVar(
        sessions=len(losses),
        sessions_left_out=held.left_out,
        since=held.sessions[0].item() if len(losses) else None,
        until=held.sessions[-1].item() if len(losses) else None,
        reason=reason,
        levels=[_historical_level(level, losses, holdings, reason) for level in LEVELS],
        worst=[WorstSession(session=held.sessions[n].item(), loss_usd=float(losses[n])) for n in worst],
        filled_share=held.filled_share if held.entered.any() else None,
        filled=[
            FilledSymbol(
                symbol=holdings.symbols[n],
                sessions=int(held.filled[n]),
                loadings="assumed" if edition.risk.assumed[holdings.rows[n]] else "estimated",
            )
            for n in filled[:MOST_FILLED]
        ],
        filled_symbols=len(filled),
        coverage=holdings.coverage(held.entered & known),
        excluded=excluded_symbols(holdings, dict.fromkeys(map(int, np.flatnonzero(~held.entered)), "no_returns")),
    )


def _historical_level(
    level: int, losses: Floats, holdings: Holdings, reason: NoHistoryReason | None
) -> HistoricalLevel:
    if holdings.gross > 0 and reason is None and len(losses) < fewest_sessions(level):
        reason = "too_few_sessions"
    tail: Tail | None = None
    if reason is None:
        tail = tail_of(losses, level) if holdings.gross > 0 else NO_TAIL
    return HistoricalLevel(
        level=level / 100,
        tail_sessions=tail and tail.count,
        var=tail and _over_nav(tail.value_at_risk, holdings),
        var_usd=tail and tail.value_at_risk,
        var_usd_low=tail and tail.low,
        var_usd_high=tail and tail.high,
        var_usd_high_reason="beyond_the_worst_session" if tail and tail.high is None else reason,
        es=tail and _over_nav(tail.expected_shortfall, holdings),
        es_usd=tail and tail.expected_shortfall,
        es_usd_standard_error=tail and tail.expected_shortfall_error,
        reason=reason,
    )


def _parametric(evidence: Evidence) -> ParametricVar:
    holdings, forecast, model = evidence.holdings, evidence.forecast, evidence.edition.risk
    return ParametricVar(
        degrees_of_freedom=DEGREES,
        daily_volatility_usd=None if forecast.risk is None else forecast.risk.volatility,
        reason=forecast.reason,
        model_reason=model.reason,
        levels=[_parametric_level(level, forecast, holdings) for level in LEVELS],
        estimation=estimation_of(forecast, model),
        coverage=forecast.coverage,
        excluded=excluded_symbols(holdings, forecast.lacking),
    )


def _parametric_level(level: int, forecast: Forecast, holdings: Holdings) -> ParametricLevel:
    at_risk = student_t.value_at_risk(level / 100, DEGREES)
    shortfall = student_t.expected_shortfall(level / 100, DEGREES)
    volatility = None if forecast.risk is None else forecast.risk.volatility
    var_usd, es_usd = (None if volatility is None else multiple * volatility for multiple in (at_risk, shortfall))
    return ParametricLevel(
        level=level / 100,
        var=_over_nav(var_usd, holdings),
        var_usd=var_usd,
        var_usd_standard_error=None if var_usd is None else forecast.standard_error(var_usd),
        es=_over_nav(es_usd, holdings),
        es_usd=es_usd,
        es_usd_standard_error=None if es_usd is None else forecast.standard_error(es_usd),
        var_multiple=at_risk,
        es_multiple=shortfall,
        reason=forecast.reason,
    )


def _over_nav(amount: float | None, holdings: Holdings) -> float | None:
    return None if amount is None or holdings.nav <= 0 else amount / holdings.nav


MEASURE = Measure(
    name="var",
    summary="Value at risk and expected shortfall of one session, historical and parametric",
    method="historical: order statistics of 252 sessions of the book as held; parametric: risk model, Student's t (6)",
    parameters=Parameters,
    result=Var,
    compute=compute,
)
