"""How much a portfolio, as it is held now, has been moving of late."""

from datetime import date
from math import sqrt
from typing import Literal

import numpy as np

from analytics.as_held import AsHeld, as_held
from analytics.edition import RETURN_SESSIONS
from analytics.evidence import Evidence
from analytics.measures.excluded import ExcludedReason, ExcludedSymbol, excluded_symbols
from analytics.measures.measure import Finding, Measure, Parameters, Result
from riskstream.market.arrays import Floats
from riskstream.market.weights import session_weights

ANNUAL = sqrt(252)
SHORT_WINDOW, LONG_WINDOW = 21, 63
HALF_LIFE = 21
EWMA_SESSIONS = 252
ROLLING_VALUES = 252
RISING, FALLING = 1.15, 0.85

NoVolatilityReason = Literal["no_position_has_it", "too_few_sessions"]


class Estimate(Result):
    """A volatility of a year, √252 times that of a session: USD, and over NAV in decimals.

    The standard error is `σ / √(2n)`, n the effective sessions: that of the standard deviation of n independent normal
    returns. Fat tails would widen it.
    """

    annual: float | None
    annual_standard_error: float | None
    relative_reason: NoVolatilityReason | Literal["nav_not_positive"] | None
    annual_usd: float | None
    annual_usd_standard_error: float | None
    reason: NoVolatilityReason | None
    sessions: int
    """How many P&Ls it is of."""
    effective_sessions: float | None
    """`1 / Σω²` (Kish); the sessions themselves where they count equally. Null where nothing was estimated:
    there is a `reason`, or nothing is at risk."""
    since: date | None
    """The first of these sessions; null where there are none."""


class Trend(Result):
    """The last 21 sessions against the last 63: rising where their ratio is above `rising_above`, falling where it is
    below `falling_below`, else flat. The bounds are about one standard error of the ratio away from 1.
    """

    direction: Literal["rising", "falling", "flat"] | None
    ratio: float | None
    reason: NoVolatilityReason | Literal["no_volatility"] | None
    rising_above: float
    falling_below: float


class Percentile(Result):
    """The part of a year's 252 rolling figures of 21 sessions, today's among them, that are not above today's.

    Between 1/252 and 1. Neighbours share 20 of their 21 sessions: there are some 12 independent figures in a year.
    """

    percentile: float | None
    reason: NoVolatilityReason | Literal["no_volatility"] | None
    rolling_values: int
    """How many there are; 252 are needed."""


class Volatility(Result):
    """Of the book as held today: `Σ market value now × return then`. A book with nothing at risk has volatility 0.

    Where a symbol has no return on a session, it is given what the risk model says of it with the session's factor
    returns (`filled_share` of what entered), which makes it quieter than it may have been. Where that cannot be had
    either the session is left out, or the symbol where that would be more than one in twenty.
    """

    realised_21: Estimate
    """Sample standard deviation."""
    realised_63: Estimate
    """Sample standard deviation."""
    ewma: Estimate
    """Forecast: squares about 0 of up to 252 sessions, each counting half as much as the one 21 sessions later."""
    trend: Trend
    percentile: Percentile
    until: date | None
    """The last session used; null where there is none."""
    sessions: int
    """That could be used."""
    sessions_left_out: int
    filled_share: float
    excluded: list[ExcludedSymbol]


def compute(evidence: Evidence, _: Parameters) -> Finding[Volatility]:
    """Realised volatilities, an exponentially weighted one, and what today's is among a year of them (§4)."""
    holdings = evidence.holdings
    past = as_held(evidence.held_pnl, RETURN_SESSIONS)
    still = holdings.gross == 0
    lacking: dict[int, ExcludedReason] = {int(n): "no_returns" for n in np.flatnonzero(~past.entered)}
    none: NoVolatilityReason | None = None
    if not still and not past.entered.any():
        none = "no_position_has_it"
    pnl = past.pnl
    rolling = _rolling(pnl)
    result = Volatility(
        realised_21=_realised(pnl, past, SHORT_WINDOW, holdings.nav, none=none, still=still),
        realised_63=_realised(pnl, past, LONG_WINDOW, holdings.nav, none=none, still=still),
        ewma=_ewma(pnl, past, holdings.nav, none, still),
        trend=_trend(pnl, none, still),
        percentile=_percentile(rolling, none, still),
        until=past.sessions[-1].item() if len(past.sessions) else None,
        sessions=len(past.sessions),
        sessions_left_out=past.left_out,
        filled_share=past.filled_share,
        excluded=excluded_symbols(holdings, lacking),
    )
    return Finding(result, holdings.coverage(past.entered))


def _realised(
    pnl: Floats, past: AsHeld, window: int, nav: float, *, none: NoVolatilityReason | None, still: bool
) -> Estimate:
    used = min(window, len(pnl))
    if still:
        return _estimate(0.0, None, past, used, nav=nav, reason=None)
    reason = none or (None if used == window else "too_few_sessions")
    daily = None if reason else float(pnl[-window:].std(ddof=1))
    return _estimate(daily, None if reason else float(window), past, used, nav=nav, reason=reason)


def _ewma(pnl: Floats, past: AsHeld, nav: float, none: NoVolatilityReason | None, still: bool) -> Estimate:
    used = min(len(pnl), EWMA_SESSIONS)
    if still:
        return _estimate(0.0, None, past, used, nav=nav, reason=None)
    reason = none or (None if used >= SHORT_WINDOW else "too_few_sessions")
    if reason:
        return _estimate(None, None, past, used, nav=nav, reason=reason)
    weights = session_weights(used, HALF_LIFE)
    daily = sqrt(float(weights @ pnl[-used:] ** 2))
    return _estimate(daily, float(1.0 / (weights @ weights)), past, used, nav=nav, reason=None)


def _estimate(
    daily: float | None,
    effective: float | None,
    past: AsHeld,
    sessions: int,
    *,
    nav: float,
    reason: NoVolatilityReason | None,
) -> Estimate:
    """With a volatility of 0 that was not estimated, of nothing at risk, there are no effective sessions."""
    usd = None if daily is None else daily * ANNUAL
    error = None if usd is None else usd / sqrt(2.0 * effective) if effective else 0.0
    return Estimate(
        annual=usd / nav if usd is not None and nav > 0 else None,
        annual_standard_error=error / nav if error is not None and nav > 0 else None,
        relative_reason=reason or (None if nav > 0 else "nav_not_positive"),
        annual_usd=usd,
        annual_usd_standard_error=error,
        reason=reason,
        sessions=sessions,
        effective_sessions=effective,
        since=past.sessions[-sessions].item() if sessions else None,
    )


def _rolling(pnl: Floats) -> Floats:
    """Sample standard deviations of 21 sessions each, at most the last 252, the newest last."""
    if len(pnl) < SHORT_WINDOW:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(pnl, SHORT_WINDOW)[-ROLLING_VALUES:]
    found: Floats = windows.std(axis=1, ddof=1)
    return found


def _trend(pnl: Floats, none: NoVolatilityReason | None, still: bool) -> Trend:
    reason: NoVolatilityReason | Literal["no_volatility"] | None = "no_volatility" if still else none
    ratio = None
    if reason is None and len(pnl) < LONG_WINDOW:
        reason = "too_few_sessions"
    if reason is None:
        long = float(pnl[-LONG_WINDOW:].std(ddof=1))
        ratio = float(pnl[-SHORT_WINDOW:].std(ddof=1)) / long if long > 0 else None
        reason = "no_volatility" if ratio is None else None
    return Trend(
        direction=None if ratio is None else "rising" if ratio > RISING else "falling" if ratio < FALLING else "flat",
        ratio=ratio,
        reason=reason,
        rising_above=RISING,
        falling_below=FALLING,
    )


def _percentile(rolling: Floats, none: NoVolatilityReason | None, still: bool) -> Percentile:
    reason: NoVolatilityReason | Literal["no_volatility"] | None = "no_volatility" if still else none
    if reason is None and len(rolling) < ROLLING_VALUES:
        reason = "too_few_sessions"
    if reason is None and not rolling.any():
        reason = "no_volatility"
    return Percentile(
        percentile=None if reason else float((rolling <= rolling[-1]).mean()),
        reason=reason,
        rolling_values=len(rolling),
    )


MEASURE = Measure(
    name="volatility",
    summary="Realised volatility of the book as held, its trend, and where it stands within a year",
    method="standard deviation of 21 and 63 sessions times √252, and exponentially weighted with half-life 21",
    parameters=Parameters,
    result=Volatility,
    compute=compute,
)
