"""How a portfolio has done: what it returned, how far it fell, what it paid for its risk, and against a benchmark."""

from datetime import date
from math import isfinite, sqrt
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, StringConstraints

from analytics.book import Book
from analytics.evidence import Evidence
from analytics.measures.measure import Finding, Measure, Parameters, UnanswerableError
from analytics.measures.performance_result import (
    AgainstBenchmark,
    BenchmarkReason,
    ChainReason,
    FewReason,
    MaxDrawdown,
    MoneyWeighted,
    NotAnnualReason,
    Performance,
    PeriodName,
    PeriodReturn,
    Reward,
)
from analytics.money_weighted import internal_rate
from analytics.past import Past, Snapshots, Wanted
from analytics.track_record import FEWEST, YEAR, drawdown_of, growth_of, line_through, sharpe_of, sortino_of
from riskstream.market.arrays import Floats
from riskstream.symbology import normalise

_MONTHS: dict[PeriodName, int] = {"1m": 1, "3m": 3, "1y": 12}


class PerformanceParameters(Parameters):
    benchmark: Annotated[str, StringConstraints(max_length=30), AfterValidator(normalise)] = Field(
        default="SPY", description="The symbol to compare with, by its total return.", examples=["QQQ"]
    )
    since: date | None = Field(
        default=None,
        description="From the close of this day on, or of the session before it; by default from the first snapshot.",
        examples=["2024-06-28"],
    )
    risk_free: float = Field(
        default=0.0, ge=-0.1, le=1.0, allow_inf_nan=False, description="Annual rate of the riskless asset, in decimals."
    )


def wants(_: Book, parameters: PerformanceParameters) -> Wanted:
    """All snapshots, and the benchmark since the first of them."""
    return Wanted(snapshots=True, returns_of=frozenset({parameters.benchmark}))


def compute(evidence: Evidence, parameters: PerformanceParameters) -> Finding[Performance]:
    """Returns of the portfolio's snapshots (`domain.md` §3, §4).

    A period begins at the last session on or before its calendar day (ytd: of the year before); a portfolio that is
    younger has no return of it. The window is the whole past, or what `since` leaves of it. A session without a return,
    because NAV was not positive before it, breaks every chain that it is in; ask for a window after it. Ratios and the
    regression ask for 20 sessions. Coverage is that of the newest valuation.
    """
    book, snapshots = evidence.book, evidence.past.snapshots
    if parameters.since is not None and parameters.since > book.session:
        raise UnanswerableError(
            "since", f"{parameters.since} is after the valuation's session, {book.session}; ask for an earlier day"
        )
    snapshots = snapshots or _no_snapshots()
    begin = _window(snapshots, parameters.since)
    returns = snapshots.daily_return[begin + 1 :]
    result = Performance(
        start=_day(snapshots, begin) if len(snapshots.sessions) else None,
        sessions=len(returns),
        risk_free=parameters.risk_free,
        periods=_periods(snapshots, parameters.since, begin),
        money_weighted=_money_weighted(snapshots, begin),
        drawdown=_drawdown(snapshots, begin),
        reward=_reward(returns, parameters.risk_free),
        against=_against(evidence.past, snapshots, begin, parameters),
    )
    return Finding(result, book.snapshot.coverage)


def _window(snapshots: Snapshots, since: date | None) -> int:
    """The place of the snapshot that the window begins at."""
    return 0 if since is None else max(_last_on_or_before(snapshots, np.datetime64(since, "D")), 0)


def _last_on_or_before(snapshots: Snapshots, day: np.datetime64) -> int:
    """−1 where the portfolio is younger."""
    return int(np.searchsorted(snapshots.sessions, day, side="right")) - 1


def _day(snapshots: Snapshots, place: int) -> date:
    found: date = snapshots.sessions[place].item()
    return found


def _periods(snapshots: Snapshots, since: date | None, begin: int) -> list[PeriodReturn]:
    starts: dict[PeriodName, int] = {"whole": 0}
    if since is not None:
        starts["since"] = begin
    if len(snapshots.sessions):
        last = snapshots.sessions[-1]
        starts["ytd"] = _last_on_or_before(snapshots, last.astype("datetime64[Y]").astype("datetime64[D]") - 1)
        for name, months in _MONTHS.items():
            starts[name] = _last_on_or_before(snapshots, _months_before(last, months))
    else:
        starts |= dict.fromkeys(("ytd", *_MONTHS), 0)
    return [_period(snapshots, name, start) for name, start in starts.items()]


def _months_before(day: np.datetime64, months: int) -> np.datetime64:
    """The same day of the month, or the month's last where it is shorter."""
    month = day.astype("datetime64[M]")
    first = (month - months).astype("datetime64[D]")
    into = day - month.astype("datetime64[D]")
    return min(first + into, (month - months + 1).astype("datetime64[D]") - np.timedelta64(1, "D"))


def _period(snapshots: Snapshots, name: PeriodName, start: int) -> PeriodReturn:
    returns = snapshots.daily_return[start + 1 :] if start >= 0 else np.empty(0)
    reason: ChainReason | None = "younger_than_the_period" if start < 0 else _unchained(returns)
    chained = None if reason else float(np.prod(1.0 + returns) - 1.0)
    annual, not_annual = _annualised(chained, len(returns))
    known = start >= 0 and len(returns) > 0
    return PeriodReturn(
        period=name,
        start=_day(snapshots, start) if 0 <= start < len(snapshots.sessions) else None,
        sessions=len(returns),
        time_weighted_return=chained,
        reason=reason,
        annualised_return=annual,
        annualised_return_reason=reason or not_annual,
        pnl=float(snapshots.pnl[start + 1 :].sum()) if known else None,
        flow=float(snapshots.flow[start + 1 :].sum()) if known else None,
    )


def _unchained(returns: Floats) -> Literal["no_session", "nav_not_positive"] | None:
    if not len(returns):
        return "no_session"
    return "nav_not_positive" if np.isnan(returns).any() else None


def _annualised(chained: float | None, sessions: int) -> tuple[float | None, NotAnnualReason | None]:
    if chained is None:
        return None, None
    if sessions < YEAR:
        return None, "fewer_than_252_sessions"
    if chained < -1:
        return None, "lost_more_than_everything"
    return float((1.0 + chained) ** (YEAR / sessions) - 1.0), None


def _money_weighted(snapshots: Snapshots, begin: int) -> MoneyWeighted:
    if len(snapshots.sessions) - begin < 2:
        return MoneyWeighted(rate=None, xirr=None, reason="no_session", xirr_reason="no_session", rates=0)
    amounts = -snapshots.flow[begin:].copy()
    amounts[0] = -snapshots.nav[begin]
    amounts[-1] += snapshots.nav[-1]
    found = internal_rate(snapshots.sessions[begin:], amounts)
    reason = "several_rates" if found.rates > 1 else found.reason
    annual = found.annual
    too_fast = annual is not None and not isfinite(annual)
    return MoneyWeighted(
        rate=found.period,
        xirr=None if too_fast else annual,
        reason=reason,
        xirr_reason="beyond_all_numbers" if too_fast else reason,
        rates=found.rates,
    )


def _drawdown(snapshots: Snapshots, begin: int) -> MaxDrawdown:
    returns = snapshots.daily_return[begin + 1 :]
    missing = _unchained(returns)
    if missing:
        return MaxDrawdown(
            depth=None, peak=None, trough=None, recovery=None, current=None, reason=missing, recovery_reason=missing
        )
    found = drawdown_of(growth_of(returns))
    peak, trough, recovery = (
        None if place is None else _day(snapshots, begin + place)
        for place in (found.peak, found.trough, found.recovery)
    )
    fell = trough is not None
    return MaxDrawdown(
        depth=found.depth,
        peak=peak,
        trough=trough,
        recovery=recovery,
        current=found.now,
        reason=None if fell else "never_fell",
        recovery_reason=None if recovery else "not_recovered" if fell else "never_fell",
    )


def _few(returns: Floats) -> FewReason | None:
    if np.isnan(returns).any():
        return "nav_not_positive"
    return "too_few_sessions" if len(returns) < FEWEST else None


def _riskless(annual: float) -> float:
    return float((1.0 + annual) ** (1 / YEAR) - 1.0)


def _reward(returns: Floats, risk_free: float) -> Reward:
    few = _few(returns)
    if few:
        return Reward(
            sessions=len(returns), volatility=None, volatility_standard_error=None, volatility_reason=few, sharpe=None,
            sharpe_standard_error=None, sharpe_reason=few, sortino=None, sortino_reason=few,
        )  # fmt: skip
    excess = returns - _riskless(risk_free)
    volatility = float(returns.std(ddof=1)) * sqrt(YEAR)
    sharpe, sortino = sharpe_of(excess), sortino_of(excess)
    return Reward(
        sessions=len(returns),
        volatility=volatility,
        volatility_standard_error=volatility / sqrt(2 * len(returns)),
        volatility_reason=None,
        sharpe=sharpe.value,
        sharpe_standard_error=sharpe.standard_error,
        sharpe_reason="no_variation" if sharpe.value is None else None,
        sortino=sortino,
        sortino_reason="no_loss" if sortino is None else None,
    )


def _against(past: Past, snapshots: Snapshots, begin: int, parameters: PerformanceParameters) -> AgainstBenchmark:
    ours = snapshots.daily_return[begin + 1 :]
    theirs = _benchmark_returns(past, snapshots, parameters.benchmark)[begin + 1 :]
    both = np.isfinite(theirs)
    reason: BenchmarkReason | None = _few(ours)
    if reason is None and not both.any():
        reason = "no_benchmark_returns"
    reason = reason or _few(ours[both])
    x, y = theirs[both], ours[both]
    riskless = _riskless(parameters.risk_free)
    line = None if reason else line_through(x - riskless, y - riskless)
    if reason is None and line is None:
        reason = "benchmark_never_moved"
    chained = float(np.prod(1.0 + theirs) - 1.0) if len(theirs) and both.all() else None
    active = None if line is None else sharpe_of(y - x)
    tracking_error = None if line is None else float((y - x).std(ddof=1)) * sqrt(YEAR)
    still = line is not None and line.correlation is None
    return AgainstBenchmark(
        benchmark=parameters.benchmark,
        sessions=int(both.sum()),
        sessions_without_benchmark=int((~both).sum()),
        reason=reason,
        alpha=None if line is None else line.alpha * YEAR,
        alpha_standard_error=None if line is None else line.alpha_error * YEAR,
        beta=None if line is None else line.beta,
        beta_standard_error=None if line is None else line.beta_error,
        r_squared=None if line is None else line.r_squared,
        correlation=None if line is None else line.correlation,
        correlation_reason=reason or ("no_variation" if still else None),
        tracking_error=tracking_error,
        tracking_error_standard_error=None if tracking_error is None else tracking_error / sqrt(2 * len(x)),
        information_ratio=None if active is None else active.value,
        information_ratio_standard_error=None if active is None else active.standard_error,
        information_ratio_reason=reason or ("no_variation" if active is not None and active.value is None else None),
        benchmark_return=chained,
        benchmark_return_reason=None if chained is not None else _no_benchmark_return(both),
    )


def _no_benchmark_return(both: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Literal[
    "too_few_sessions", "no_benchmark_returns", "benchmark_returns_missing"
]:  # fmt: skip
    if not len(both):
        return "too_few_sessions"
    return "benchmark_returns_missing" if both.any() else "no_benchmark_returns"


def _benchmark_returns(past: Past, snapshots: Snapshots, benchmark: str) -> Floats:
    """(T,) of the snapshots' sessions, NaN where there is none."""
    found = np.full(len(snapshots.sessions), np.nan)
    returns = past.returns
    if len(returns.sessions):
        places = np.searchsorted(returns.sessions, snapshots.sessions).clip(max=len(returns.sessions) - 1)
        there = returns.sessions[places] == snapshots.sessions
        found[there] = returns.of(benchmark)[places[there]]
    return found


def _no_snapshots() -> Snapshots:
    nothing = np.empty(0)
    return Snapshots(np.array([], dtype="datetime64[D]"), nothing, nothing, nothing, nothing)


MEASURE = Measure(
    name="performance",
    summary="Time- and money-weighted return, drawdown, Sharpe and Sortino, and all that against a benchmark",
    method="daily P&L over NAV of the evening before, chained; XIRR on Actual/365; least squares on the benchmark",
    parameters=PerformanceParameters,
    result=Performance,
    compute=compute,
    wants=wants,
)
