"""What a performance says; returns are decimals, amounts USD."""

from datetime import date
from typing import Literal

from analytics.measures.measure import Result
from analytics.money_weighted import NoRateReason

PeriodName = Literal["whole", "since", "ytd", "1m", "3m", "1y"]
ChainReason = Literal["no_session", "nav_not_positive", "younger_than_the_period"]
NotAnnualReason = Literal["fewer_than_252_sessions", "lost_more_than_everything"]
FewReason = Literal["too_few_sessions", "nav_not_positive"]


class PeriodReturn(Result):
    """From the close of the session `start` to the close of the answer's session; returns in decimals, amounts USD."""

    period: PeriodName
    start: date | None
    sessions: int
    """How many daily returns are chained."""
    time_weighted_return: float | None
    """`Π (1 + r_t) − 1`, r_t = P&L over NAV of the evening before: what flows did to the amount does not count."""
    reason: ChainReason | None
    """Why there is no return. `nav_not_positive`: on a session the NAV before was not, which breaks the chain."""
    annualised_return: float | None
    """`(1 + return)^(252 / sessions) − 1`, of a year and more."""
    annualised_return_reason: ChainReason | NotAnnualReason | None
    pnl: float | None
    flow: float | None
    """Deposits less withdrawals."""


class MoneyWeighted(Result):
    """Of the window: NAV at its start and every deposit paid in, withdrawals and the NAV at its end taken out."""

    rate: float | None
    """Over the window, in decimals."""
    xirr: float | None
    """The same for a year of 365 days. Of a short window it is a wild extrapolation."""
    reason: NoRateReason | Literal["several_rates", "no_session"] | None
    """Why there is no rate, or, beside one, that it is the nearest 0 of several which all solve the equation."""
    xirr_reason: NoRateReason | Literal["several_rates", "no_session", "beyond_all_numbers"] | None
    rates: int


class MaxDrawdown(Result):
    """The deepest fall of the time-weighted growth from an earlier peak, in decimals, not positive."""

    depth: float | None
    peak: date | None
    trough: date | None
    recovery: date | None
    """The first session that reached the peak again."""
    current: float | None
    """From the highest peak to the answer's session."""
    reason: Literal["no_session", "nav_not_positive", "never_fell"] | None
    """Why there is no depth, or, where it is 0, no dates."""
    recovery_reason: Literal["no_session", "nav_not_positive", "never_fell", "not_recovered"] | None


class Reward(Result):
    """Annualised by √252 (volatility, ratios), of daily returns over the riskless one, `(1 + risk_free)^(1/252) − 1`.

    Standard errors take daily returns as independent and alike: of the volatility `σ/√(2n)` for normal ones, of the
    Sharpe ratio `√((1 + ½·SR²)/n)` (Lo 2002).
    """

    sessions: int
    volatility: float | None
    volatility_standard_error: float | None
    volatility_reason: FewReason | None
    sharpe: float | None
    sharpe_standard_error: float | None
    sharpe_reason: FewReason | Literal["no_variation"] | None
    sortino: float | None
    """Over the downside deviation, all sessions counted."""
    sortino_reason: FewReason | Literal["no_loss"] | None


BenchmarkReason = FewReason | Literal["no_benchmark_returns", "benchmark_never_moved"]


class AgainstBenchmark(Result):
    """Least squares of the portfolio's excess return on the benchmark's, on sessions on which both have one.

    Standard errors are classical.
    """

    benchmark: str
    sessions: int
    sessions_without_benchmark: int
    reason: BenchmarkReason | None
    """Why there are no figures at all."""
    alpha: float | None
    """Annual, 252 times the daily intercept."""
    alpha_standard_error: float | None
    beta: float | None
    beta_standard_error: float | None
    r_squared: float | None
    correlation: float | None
    correlation_reason: BenchmarkReason | Literal["no_variation"] | None
    """Why there is neither correlation nor R²: the portfolio never moved."""
    tracking_error: float | None
    """Annualised sample deviation of the portfolio's return less the benchmark's; its error is `TE/√(2n)`."""
    tracking_error_standard_error: float | None
    information_ratio: float | None
    """Annualised mean of that difference over the tracking error; its error as the Sharpe ratio's."""
    information_ratio_standard_error: float | None
    information_ratio_reason: BenchmarkReason | Literal["no_variation"] | None
    benchmark_return: float | None
    """Chained over the window, all of whose sessions it must have."""
    benchmark_return_reason: BenchmarkReason | Literal["benchmark_returns_missing"] | None


class Performance(Result):
    """`periods` end with the answer's session; everything else is of the window, from `start` to it.

    Daily returns are `pnl_t / NAV_{t−1}`: flows count at the close of their session, so that they never earn on it.
    """

    start: date | None
    sessions: int
    risk_free: float
    periods: list[PeriodReturn]
    money_weighted: MoneyWeighted
    drawdown: MaxDrawdown
    reward: Reward
    against: AgainstBenchmark
