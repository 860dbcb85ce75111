"""Performance: by hand, against statsmodels and plain loops, and what is said where there is none."""

from dataclasses import replace
from datetime import date
from math import sqrt
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from analytics.evidence import Evidence
from analytics.measures.measure import UnanswerableError
from analytics.measures.performance import PerformanceParameters, _months_before, compute, wants
from analytics.measures.performance_result import Performance, PeriodReturn
from analytics.past import Past, Returns, Snapshots
from yardstick.books import SESSION, Lot, book_of, edition_of, planted_market
from yardstick.prices import series

EDITION = edition_of(planted_market(["S00"]))
BOOK = book_of([Lot("SPY", 1e5)])


def _weekdays(count: int) -> NDArray[np.datetime64]:
    return np.busday_offset(np.datetime64(SESSION, "D"), np.arange(-count + 1, 1), roll="backward")


def _snapshots(returns: Any, flows: Any = None, start: float = 1_000.0) -> Snapshots:
    """T returns make T + 1 snapshots."""
    nav, pnl = [start], [0.0]
    flow = [0.0, *(np.zeros(len(returns)) if flows is None else flows)]
    daily = [np.nan]
    for one, paid in zip(returns, flow[1:], strict=True):
        before = nav[-1]
        pnl.append(before * one)
        nav.append(before + pnl[-1] + paid)
        daily.append(one if before > 0 else np.nan)
    return Snapshots(_weekdays(len(nav)), *(np.array(column, dtype=float) for column in (nav, pnl, flow, daily)))


def _ask(snapshots: Snapshots | None, benchmark: Any = None, **asked: Any) -> Performance:
    past = Past(snapshots)
    if benchmark is not None and snapshots is not None:
        past = Past(snapshots, Returns(("SPY",), snapshots.sessions[1:], np.array([benchmark], dtype=float)))
    return compute(Evidence(BOOK, EDITION, past), PerformanceParameters(**asked)).result


def _period(found: Performance, name: str) -> PeriodReturn:
    [one] = [period for period in found.periods if period.period == name]
    return one


def test_returns_are_chained_and_deposits_do_not_count_as_gains() -> None:
    found = _ask(_snapshots([0.1, -0.2, 0.05], flows=[5_000.0, 0.0, -100.0]))
    whole = _period(found, "whole")
    assert whole.time_weighted_return == pytest.approx(1.1 * 0.8 * 1.05 - 1, rel=1e-12)
    assert (whole.sessions, whole.reason, whole.flow) == (3, None, 4_900.0)
    assert whole.pnl == pytest.approx(100 - 1_220 + 4_880 * 0.05)
    assert (whole.annualised_return, whole.annualised_return_reason) == (None, "fewer_than_252_sessions")
    assert found.start == date(2024, 12, 11)


def test_money_that_came_before_a_fall_makes_the_money_weighted_return_worse() -> None:
    found = _ask(_snapshots([0.1, -0.2, 0.05], flows=[5_000.0, 0.0, 0.0]))
    rate = found.money_weighted.rate
    assert rate is not None
    assert rate < _period(found, "whole").time_weighted_return < 0  # type: ignore[operator]
    worth = _snapshots([0.1, -0.2, 0.05], flows=[5_000.0, 0.0, 0.0]).nav[-1]
    # Wednesday to Monday: five days.
    assert -1_000 - 5_000 * (1 + rate) ** -(1 / 5) + worth / (1 + rate) == pytest.approx(0, abs=1e-6)
    assert found.money_weighted.xirr == pytest.approx((1 + rate) ** (365 / 5) - 1, rel=1e-9)


def test_without_flows_both_returns_are_the_same() -> None:
    found = _ask(_snapshots([0.01, -0.02, 0.03]))
    assert found.money_weighted.rate == pytest.approx(_period(found, "whole").time_weighted_return, rel=1e-12)


def test_what_comes_on_the_last_session_earns_nothing() -> None:
    found = _ask(_snapshots([0.01, -0.02, 0.03], flows=[0, 0, 7_000]))
    assert found.money_weighted.rate == pytest.approx(1.01 * 0.98 * 1.03 - 1, rel=1e-12)


def test_a_year_is_annualised_by_its_sessions() -> None:
    whole = _period(_ask(_snapshots(np.full(504, 0.001))), "whole")
    assert whole.annualised_return == pytest.approx(1.001**252 - 1, rel=1e-12)
    assert whole.annualised_return_reason is None


def test_periods_begin_at_the_last_session_on_or_before_their_day() -> None:
    """The session is Monday, 2024-12-16."""
    found = _ask(_snapshots(np.full(300, 0.001)))
    starts = {period.period: period.start for period in found.periods}
    assert starts == {
        "whole": _weekdays(301)[0].item(),
        "ytd": date(2023, 12, 29),  # 2023-12-31 is a Sunday, and these snapshots are of every weekday
        "1m": date(2024, 11, 15),
        "3m": date(2024, 9, 16),
        "1y": date(2023, 12, 15),
    }
    month = _period(found, "1m")
    assert month.time_weighted_return == pytest.approx(1.001**month.sessions - 1, rel=1e-12)
    assert month.sessions == 21


def test_a_month_before_the_last_day_of_a_long_month_is_the_last_day_of_the_short_one() -> None:
    assert _months_before(np.datetime64("2024-03-31"), 1) == np.datetime64("2024-02-29")
    assert _months_before(np.datetime64("2024-01-15"), 1) == np.datetime64("2023-12-15")


def test_a_younger_portfolio_has_no_return_of_the_period() -> None:
    found = _ask(_snapshots(np.full(30, 0.001)))
    assert _period(found, "1m").reason is None
    for name in ("3m", "1y", "ytd"):
        period = _period(found, name)
        assert (period.time_weighted_return, period.reason, period.start) == (None, "younger_than_the_period", None)
        assert period.annualised_return_reason == "younger_than_the_period"


def test_since_narrows_everything_but_the_named_periods() -> None:
    returns = np.linspace(-0.02, 0.03, 60)
    snapshots = _snapshots(returns)
    found = _ask(snapshots, benchmark=returns / 2, since=snapshots.sessions[20].item())
    assert (found.start, found.sessions) == (snapshots.sessions[20].item(), 40)
    assert _period(found, "since").time_weighted_return == pytest.approx(np.prod(1 + returns[20:]) - 1)
    assert _period(found, "whole").sessions == 60
    assert (found.reward.sessions, found.against.sessions) == (40, 40)
    assert found.against.beta == pytest.approx(2)


def test_since_a_day_before_the_first_snapshot_is_since_that() -> None:
    assert _ask(_snapshots([0.1, 0.2]), since=date(1990, 1, 1)).sessions == 2


def test_since_a_day_after_the_session_is_refused() -> None:
    with pytest.raises(UnanswerableError, match="2024-12-17"):
        _ask(_snapshots([0.1]), since=date(2024, 12, 17))


def test_since_the_session_itself_there_is_nothing_yet() -> None:
    found = _ask(_snapshots([0.1, 0.2]), since=SESSION)
    assert _period(found, "since").reason == "no_session"
    assert found.money_weighted.reason == found.drawdown.reason == found.drawdown.recovery_reason == "no_session"


def test_the_deepest_fall_has_its_dates() -> None:
    snapshots = _snapshots([0.1, -0.1, 0.05, -0.2, 0.1, 0.5, -0.01])
    fall, days = _ask(snapshots).drawdown, [day.item() for day in snapshots.sessions]
    assert fall.depth == pytest.approx(0.9 * 1.05 * 0.8 - 1)
    assert (fall.peak, fall.trough, fall.recovery) == (days[1], days[4], days[6])
    assert fall.current == pytest.approx(-0.01)
    assert (fall.reason, fall.recovery_reason) == (None, None)


def test_what_did_not_recover_and_what_never_fell_says_so() -> None:
    fall = _ask(_snapshots([0.1, -0.1])).drawdown
    assert (fall.recovery, fall.recovery_reason) == (None, "not_recovered")
    never = _ask(_snapshots([0.1, 0.0, 0.1])).drawdown
    assert (never.depth, never.current, never.peak, never.reason) == (0.0, 0.0, None, "never_fell")


@settings(deadline=None)
@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=40))
def test_the_fall_equals_a_loop_over_all_pairs(returns: list[float]) -> None:
    worth = np.concatenate([[1.0], np.cumprod(1 + np.array(returns))])
    pairs = [worth[later] / worth[earlier] - 1 for earlier in range(len(worth)) for later in range(earlier, len(worth))]
    assert _ask(_snapshots(returns)).drawdown.depth == pytest.approx(min(pairs), abs=1e-12)


@settings(deadline=None)
@given(st.integers(20, 400), st.integers(0, 1_000), st.floats(-0.05, 0.2))
def test_rewards_equal_their_definitions(sessions: int, seed: int, risk_free: float) -> None:
    returns = np.random.default_rng(seed).normal(0.0005, 0.01, sessions)
    reward = _ask(_snapshots(returns), risk_free=risk_free).reward
    riskless = (1 + risk_free) ** (1 / 252) - 1
    excess = [one - riskless for one in returns]
    mean = sum(excess) / sessions
    deviation = sqrt(sum((one - mean) ** 2 for one in excess) / (sessions - 1))
    downside = sqrt(sum(min(one, 0) ** 2 for one in excess) / sessions)
    assert reward.volatility == pytest.approx(deviation * sqrt(252), rel=1e-9)
    assert reward.volatility_standard_error == pytest.approx(deviation * sqrt(126 / sessions), rel=1e-9)
    assert reward.sharpe == pytest.approx(mean / deviation * sqrt(252), rel=1e-9, abs=1e-9)
    assert reward.sharpe_standard_error == pytest.approx(
        sqrt((1 + 0.5 * (mean / deviation) ** 2) / sessions) * sqrt(252), rel=1e-9
    )
    assert reward.sortino == pytest.approx(mean / downside * sqrt(252), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("sessions", [2, 19])
def test_few_sessions_make_no_ratio(sessions: int) -> None:
    returns = np.linspace(-0.01, 0.02, sessions)
    found = _ask(_snapshots(returns), benchmark=returns)
    reward = found.reward
    assert (reward.sharpe, reward.sharpe_reason) == (None, "too_few_sessions")
    assert (reward.sortino_reason, reward.volatility_reason) == ("too_few_sessions", "too_few_sessions")
    assert (found.against.beta, found.against.reason) == (None, "too_few_sessions")
    assert found.against.benchmark_return == pytest.approx(np.prod(1 + returns) - 1)


def test_a_portfolio_that_never_moves_has_no_sharpe_and_no_correlation() -> None:
    found = _ask(_snapshots(np.zeros(30)), benchmark=np.linspace(-0.01, 0.02, 30))
    assert (found.reward.volatility, found.reward.sharpe_reason) == (0.0, "no_variation")
    assert found.reward.sortino_reason == "no_loss"
    assert (found.against.beta, found.against.correlation_reason) == (0.0, "no_variation")
    assert found.against.r_squared is None


@settings(deadline=None, max_examples=50)
@given(st.integers(20, 300), st.integers(0, 1_000), st.floats(0, 0.1))
def test_the_regression_equals_statsmodels(sessions: int, seed: int, risk_free: float) -> None:
    dice = np.random.default_rng(seed)
    theirs = dice.normal(0.0005, 0.01, sessions)
    ours = 0.0001 + 1.3 * theirs + dice.normal(0, 0.004, sessions)
    found = _ask(_snapshots(ours), benchmark=theirs, risk_free=risk_free).against
    riskless = (1 + risk_free) ** (1 / 252) - 1
    fit = sm.OLS(ours - riskless, sm.add_constant(theirs - riskless)).fit()
    assert found.beta == pytest.approx(fit.params[1], rel=1e-8)
    assert found.alpha == pytest.approx(252 * fit.params[0], rel=1e-8, abs=1e-10)
    assert found.beta_standard_error == pytest.approx(fit.bse[1], rel=1e-8)
    assert found.alpha_standard_error == pytest.approx(252 * fit.bse[0], rel=1e-8)
    assert found.r_squared == pytest.approx(fit.rsquared, rel=1e-8)
    assert found.correlation == pytest.approx(np.corrcoef(ours, theirs)[0, 1], rel=1e-8)
    active = ours - theirs
    assert found.tracking_error == pytest.approx(np.std(active, ddof=1) * sqrt(252), rel=1e-9)
    assert found.information_ratio == pytest.approx(active.mean() * 252 / found.tracking_error, rel=1e-8, abs=1e-9)


def test_a_portfolio_that_is_its_benchmark_has_beta_one_and_no_information_ratio() -> None:
    returns = np.random.default_rng(3).normal(0, 0.01, 60)
    found = _ask(_snapshots(returns), benchmark=returns).against
    assert found.beta == pytest.approx(1)
    assert found.r_squared == pytest.approx(1)
    assert found.alpha == pytest.approx(0, abs=1e-14)
    assert (found.tracking_error, found.information_ratio_reason) == (0.0, "no_variation")


def test_sessions_without_benchmark_are_left_out_and_counted() -> None:
    ours = np.random.default_rng(3).normal(0, 0.01, 60)
    theirs = np.random.default_rng(4).normal(0, 0.01, 60)
    theirs[[4, 40]] = np.nan
    found = _ask(_snapshots(ours), benchmark=theirs).against
    kept = np.isfinite(theirs)
    assert (found.sessions, found.sessions_without_benchmark) == (58, 2)
    assert found.beta == pytest.approx(sm.OLS(ours[kept], sm.add_constant(theirs[kept])).fit().params[1], rel=1e-8)
    assert (found.benchmark_return, found.benchmark_return_reason) == (None, "benchmark_returns_missing")


def test_an_unknown_or_standing_benchmark_says_so() -> None:
    snapshots = _snapshots(np.linspace(-0.01, 0.02, 40))
    standing = _ask(snapshots, benchmark=np.full(40, 0.01)).against
    assert standing.reason == "benchmark_never_moved"
    assert standing.benchmark_return == pytest.approx(1.01**40 - 1)
    none = _ask(snapshots).against
    assert (none.reason, none.benchmark_return_reason) == ("no_benchmark_returns", "no_benchmark_returns")
    assert none.correlation_reason == none.information_ratio_reason == "no_benchmark_returns"


def test_nav_that_was_not_positive_breaks_the_chain_until_a_window_after_it() -> None:
    snapshots = _snapshots([0.1, -1.5, *np.linspace(-0.01, 0.02, 30)], flows=[0, 2_000, *np.zeros(30)])
    broken = replace(snapshots, daily_return=np.where(np.arange(33) == 5, np.nan, snapshots.daily_return))
    found = _ask(broken, benchmark=np.linspace(-0.01, 0.02, 32))
    assert _period(found, "whole").reason == "nav_not_positive"
    assert found.drawdown.reason == found.reward.sharpe_reason == found.against.reason == "nav_not_positive"
    assert _period(found, "whole").pnl is not None
    after = _ask(broken, since=broken.sessions[5].item())
    assert _period(after, "since").reason is None
    assert after.reward.sharpe is not None


def test_who_loses_more_than_everything_has_a_return_and_no_annual_one() -> None:
    whole = _period(_ask(_snapshots([*np.zeros(252), -1.2])), "whole")
    assert whole.time_weighted_return == pytest.approx(-1.2)
    assert whole.annualised_return_reason == "lost_more_than_everything"


def test_a_fortune_in_a_day_has_no_annual_rate() -> None:
    rich = _ask(_snapshots([1e8])).money_weighted
    assert rich.rate == pytest.approx(1e8)
    assert (rich.xirr, rich.xirr_reason, rich.reason) == (None, "beyond_all_numbers", None)


@pytest.mark.parametrize("past", [None, _snapshots([])])
def test_without_two_snapshots_there_is_nothing_and_every_null_has_its_reason(past: Snapshots | None) -> None:
    found = _ask(past)
    assert found.sessions == 0
    assert all(period.time_weighted_return is None and period.reason for period in found.periods)
    assert found.money_weighted.reason == "no_session"


def test_coverage_is_that_of_the_newest_valuation() -> None:
    book = book_of([Lot("SPY", 100.0), Lot("GONE", 300.0, price_status="unpriced")])
    finding = compute(Evidence(book, EDITION, Past(_snapshots([0.1]))), PerformanceParameters())
    assert finding.coverage == 0.25


def test_snapshots_and_the_benchmark_are_wanted_since_the_first() -> None:
    wanted = wants(BOOK, PerformanceParameters(benchmark="brk.b"))
    assert (wanted.snapshots, wanted.returns_of, wanted.since) == (True, frozenset({"BRK-B"}), None)


@pytest.mark.parametrize(
    "asked", [{"risk_free": 1.5}, {"risk_free": float("nan")}, {"benchmark": "NO SUCH!"}, {"since": "never"}]
)
def test_values_out_of_range_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PerformanceParameters(**asked)


def test_spy_against_itself_over_five_recorded_years() -> None:
    returns = series("SPY", SESSION)[-1260:]
    found = _ask(_snapshots(returns), benchmark=returns)
    assert found.drawdown.depth == pytest.approx(-0.337, abs=0.005)
    assert found.against.beta == pytest.approx(1, abs=1e-12)
    assert found.against.benchmark_return == pytest.approx(_period(found, "whole").time_weighted_return)
