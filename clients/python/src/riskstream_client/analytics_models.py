"""Made from docs/api/analytics.openapi.json by `make documents`; not edited by hand."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class AgainstBenchmark(BaseModel):
    """
    Least squares of the portfolio's excess return on the benchmark's, on sessions on which both have one.

    Standard errors are classical.
    """

    benchmark: str
    sessions: int
    sessions_without_benchmark: int
    reason: Literal['too_few_sessions', 'nav_not_positive', 'no_benchmark_returns', 'benchmark_never_moved'] | str | None
    """
    Why there are no figures at all.
    """

    alpha: float | None
    """
    Annual, 252 times the daily intercept.
    """

    alpha_standard_error: float | None
    beta: float | None
    beta_standard_error: float | None
    r_squared: float | None
    correlation: float | None
    correlation_reason: Literal['too_few_sessions', 'nav_not_positive', 'no_benchmark_returns', 'benchmark_never_moved', 'no_variation'] | str | None
    """
    Why there is neither correlation nor R²: the portfolio never moved.
    """

    tracking_error: float | None
    """
    Annualised sample deviation of the portfolio's return less the benchmark's; its error is `TE/√(2n)`.
    """

    tracking_error_standard_error: float | None
    information_ratio: float | None
    """
    Annualised mean of that difference over the tracking error; its error as the Sharpe ratio's.
    """

    information_ratio_standard_error: float | None
    information_ratio_reason: Literal['too_few_sessions', 'nav_not_positive', 'no_benchmark_returns', 'benchmark_never_moved', 'no_variation'] | str | None
    benchmark_return: float | None
    """
    Chained over the window, all of whose sessions it must have.
    """

    benchmark_return_reason: Literal['too_few_sessions', 'nav_not_positive', 'no_benchmark_returns', 'benchmark_never_moved', 'benchmark_returns_missing'] | str | None


class Age(BaseModel):
    """
    `sessions` from the datum's session to the last due one; null where the calendar does not reach to today.
    """

    sessions: int | None
    level: Literal['fine', 'warning', 'critical'] | str
    last_due_session: date | None


class AttributedDay(BaseModel):
    """
    USD of a day; `pnl` is the sum of the three others.
    """

    session: date
    pnl: float
    factor_pnl: float
    specific_pnl: float
    unexplained_pnl: float
    loadings_session: date | None
    """
    Whose loadings were used: those of the evening before, or of the last edition within five sessions before it.
    """

    loadings_reason: Literal['no_edition'] | str | None


class Bar(BaseModel):
    """
    A session as it was traded, in `currency` per share of that day: neither splits nor dividends are taken out.
    """

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: int | None
    """
    Shares.
    """

    reasons: dict[str, str]
    """
    Why each that is null is, by its name.
    """

    currency: str
    source: str
    fetched_at: AwareDatetime


class Benchmark(BaseModel):
    """
    The table that the sectors are held against: the newest that is not after the book's session.
    """

    name: Literal['S&P 500'] | str
    source: str
    as_of: date
    after_session: bool
    """
    True where the session is older than every table, and the oldest was taken.
    """

    printed_sum: float
    """
    Per cent. The table is rounded to a tenth; its weights were divided by this sum.
    """


class CorporateAction(BaseModel):
    """
    What a share was worth besides its price on and after `ex_date`.
    """

    ex_date: date
    kind: Literal['split', 'distribution', 'dividend'] | str
    ratio: float | None
    """
    New shares for one old, of a split; of a distribution what it was worth in such shares. A dividend has none.
    """

    amount: float | None
    """
    USD per share as traded before `ex_date`, of a dividend; the others have none.
    """

    source: str
    fetched_at: AwareDatetime


class CorrelatedSymbol(BaseModel):
    """
    A row and a column of the matrices; its lots netted.
    """

    symbol: str
    market_value: float
    """
    USD, signed.
    """

    weight: float | None
    """
    Signed market value over NAV; null where `weights_reason` says why.
    """

    observations: int
    """
    Sessions with a return, of the 90.
    """


class DayPnl(BaseModel):
    """
    USD. The total is price + dividend + in_kind + trading − fees, each rounded by itself when it was stored.
    """

    total: float
    price: float
    dividend: float
    in_kind: float
    trading: float
    fees: float
    """
    Paid on the session; not negative.
    """


class Difference(BaseModel):
    """
    A figure before and after; null where there is none, and then no change.
    """

    measure: str
    figure: str
    """
    Its place in the measure's own answer: fields by name, entries of lists by what they are of.
    """

    before: float | None
    after: float | None
    change: float | None


class Estimate(BaseModel):
    """
    A volatility of a year, √252 times that of a session: USD, and over NAV in decimals.

    The standard error is `σ / √(2n)`, n the effective sessions: that of the standard deviation of n independent normal
    returns. Fat tails would widen it.
    """

    annual: float | None
    annual_standard_error: float | None
    relative_reason: Literal['no_position_has_it', 'too_few_sessions', 'nav_not_positive'] | str | None
    annual_usd: float | None
    annual_usd_standard_error: float | None
    reason: Literal['no_position_has_it', 'too_few_sessions'] | str | None
    sessions: int
    """
    How many P&Ls it is of.
    """

    effective_sessions: float | None
    """
    `1 / Σω²` (Kish); the sessions themselves where they count equally. Null where nothing was estimated:
    there is a `reason`, or nothing is at risk.
    """

    since: date | None
    """
    The first of these sessions; null where there are none.
    """


class ExcludedSymbol(BaseModel):
    """
    A symbol, or what is held of it in one way, that a figure does without.

    Its value is in NAV and in the denominator of coverage all the same. `market_value` is USD, signed, net.
    """

    symbol: str
    market_value: float
    reason: Literal['option', 'private', 'unpriced', 'unknown', 'no_loadings', 'no_specific_variance', 'no_returns'] | str


class Exclusion(BaseModel):
    """
    A position that some factors do without. Its value is in NAV and in the denominator of coverage all the same.
    """

    position_id: UUID
    symbol: str
    market_value: float
    reason: str
    """
    `option`, `private`, `unpriced`, `unknown`, or the estimate's own reason for being null.
    """

    factors: list[str]


class ExposureOfPosition(BaseModel):
    """
    Of one position to one factor. Null with a `reason`, never 0, where it could not be estimated.
    """

    factor: str
    beta: float | None
    """
    Of the symbol, per unit of factor return, whichever way it is held.
    """

    standard_error: float | None
    """
    Classical.
    """

    contribution: float | None
    """
    Weight × beta, to the portfolio's exposure; null too where `weights_reason` says why there is no weight.
    """

    contribution_usd: float | None
    """
    Market value × beta.
    """

    reason: str | None
    """
    `option`, `private`, `unpriced`, `unknown`, or the estimate's own.
    """


class FactorExposure(BaseModel):
    """
    One factor. `beta` is null, with a reason, where no number would be true; it is never made up of zeros.

    `dollar_exposure` is USD of the factor held: beta × NAV. `coverage` is the share of gross market value that
    entered; null where gross is 0. `window` counts sessions.
    """

    factor: str
    name: str
    beta: float | None
    dollar_exposure: float | None
    standard_error: float | None
    reason: Literal['nav_not_positive', 'no_position_has_it'] | str | None
    coverage: float | None
    positions: int
    """
    How many lots entered.
    """

    method: str | None
    window: int | None


class FactorExposures(BaseModel):
    """
    Twelve lenses published side by side, not normalised: a levered book exceeds 1. They do not add up.
    """

    factors: list[FactorExposure]
    excluded: list[Exclusion]


class FactorExposuresAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: FactorExposures
    portfolio: UUID
    valuation: int
    portfolio_version: int


class FactorPnl(BaseModel):
    """
    What a factor made: Σ over days of exposure on the evening before × the factor's return.
    """

    factor: str
    name: str
    exposure: float
    """
    USD held of the factor, mean over the evenings before the days.
    """

    pnl: float
    standard_error: float | None
    """
    USD; null with the answer's `standard_error_reason`.
    """

    contribution: float | None
    """
    Σ over days of P&L over NAV of the evening before; null with the answer's `contribution_reason`.
    """


class FilledSymbol(BaseModel):
    """
    A symbol without a return on some of the sessions: there it has what the risk model says of it.
    """

    symbol: str
    sessions: int
    loadings: Literal['estimated', 'assumed'] | str


class Gone(BaseModel):
    """
    The event `gone`, the last one: the portfolio was deleted.
    """

    portfolio: UUID


class HistoricalLevel(BaseModel):
    """
    Value at risk and expected shortfall at a level, of the losses there would have been; a loss is positive.

    In USD, and over NAV in decimals. VaR is the smallest of the `tail_sessions` worst losses, the expected shortfall
    (`es`) their mean. All figures are null where `reason` says why: a level needs as many sessions as have one loss
    beyond it among them, 20 or 100.
    """

    level: float
    tail_sessions: int | None
    var: float | None
    """
    Over NAV; null where `relative_reason` of the whole says why, too.
    """

    var_usd: float | None
    var_usd_low: float | None
    """
    With `var_usd_high` an interval that has the true VaR in it with at least 95 % confidence, whatever the
    distribution: order statistics by the binomial, losses taken as independent.
    """

    var_usd_high: float | None
    var_usd_high_reason: Literal['no_position_has_it', 'too_few_sessions', 'beyond_the_worst_session'] | str | None
    """
    So few sessions do not bound it from above: at 99 % that takes 368.
    """

    es: float | None
    """
    Over NAV; null as `var`.
    """

    es_usd: float | None
    es_usd_standard_error: float | None
    """
    After Manistre and Hancock (2005); rough itself where the tail is of a few sessions.
    """

    reason: Literal['no_position_has_it', 'too_few_sessions'] | str | None


class Interrupted(BaseModel):
    """
    The event `interrupted`: the stream has not come to its end; come back with the id that you were told last.
    """

    code: str
    """
    The stable word to test for: what is in the way.
    """

    detail: str


class MadeBy(BaseModel):
    """
    USD of some symbols, `pnl` the sum of the four others.
    """

    pnl: float
    factor_pnl: float
    specific_pnl: float
    trading_pnl: float
    other_pnl: float
    """
    Of holdings without a return or loadings, as far as it is known.
    """


class MadeTrade(BaseModel):
    """
    A trade as it was reckoned: USD at the price of a share; what a purchase costs is positive.
    """

    symbol: str
    quantity: float
    price: float
    value: float


class MaxDrawdown(BaseModel):
    """
    The deepest fall of the time-weighted growth from an earlier peak, in decimals, not positive.
    """

    depth: float | None
    peak: date | None
    trough: date | None
    recovery: date | None
    """
    The first session that reached the peak again.
    """

    current: float | None
    """
    From the highest peak to the answer's session.
    """

    reason: Literal['no_session', 'nav_not_positive', 'never_fell'] | str | None
    """
    Why there is no depth, or, where it is 0, no dates.
    """

    recovery_reason: Literal['no_session', 'nav_not_positive', 'never_fell', 'not_recovered'] | str | None


class Metrics(BaseModel):
    """
    The session's figures. Returns are total ones in decimals; betas are those of the exposures.
    """

    price: float | None
    """
    Last close as traded, in USD, at most five sessions old.
    """

    price_session: date | None
    return_1d: float | None
    return_1m: float | None
    return_3m: float | None
    return_mtd: float | None
    return_ytd: float | None
    return_1y: float | None
    market_beta: float | None
    ir_beta: float | None
    value_beta: float | None
    growth_beta: float | None
    momentum_beta: float | None
    quality_beta: float | None
    size_beta: float | None
    low_volatility_beta: float | None
    growth_value_spread_beta: float | None
    momentum_spread_beta: float | None
    size_spread_beta: float | None
    quality_spread_beta: float | None
    market_cap: float | None
    """
    USD.
    """

    price_earnings: float | None
    """
    Price over the earnings of the last twelve months.
    """

    sector: str | None
    data_quality: float | None
    """
    The share of the last 252 sessions that have a close, counted from the symbol's first: 0 to 1.
    """

    reasons: dict[str, str]
    """
    Why each that is null is, by its name.
    """


class MissingPair(BaseModel):
    """
    A pair, by its places in `symbols`, that has no correlation; on the diagonal, a symbol with itself.
    """

    row: int
    column: int
    """
    Not smaller than `row`; the matrices are symmetric.
    """

    reason: Literal['too_few_common_sessions', 'no_movement'] | str
    """
    Under 30 sessions on which both have a return, or one of the two stood still on all of them.
    """


class MoneyWeighted(BaseModel):
    """
    Of the window: NAV at its start and every deposit paid in, withdrawals and the NAV at its end taken out.
    """

    rate: float | None
    """
    Over the window, in decimals.
    """

    xirr: float | None
    """
    The same for a year of 365 days. Of a short window it is a wild extrapolation.
    """

    reason: Literal['no_sign_change', 'no_rate', 'not_converged', 'several_rates', 'no_session'] | str | None
    """
    Why there is no rate, or, beside one, that it is the nearest 0 of several which all solve the equation.
    """

    xirr_reason: Literal['no_sign_change', 'no_rate', 'not_converged', 'several_rates', 'no_session', 'beyond_all_numbers'] | str | None
    rates: int


class YieldChange(RootModel[float]):
    root: Annotated[float, Field(ge=-0.2, le=0.2)]
    """
    Of all yields, in decimals: 0.01 is 100 basis points. In place of a shock to rates.
    """


class OwnShock(BaseModel):
    """
    The return of a factor.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    factor: Annotated[str, Field(examples=['market'])]
    """
    One of market, rates, value, growth, momentum, quality, size, low_volatility.
    """

    shock: Annotated[float, Field(examples=[-0.2], ge=-10.0, le=10.0)]
    """
    In decimals; that of a style is its fund's return minus SPY's.
    """


class ParametricLevel(BaseModel):
    """
    Value at risk and expected shortfall at a level as multiples of the forecast volatility; a loss is positive.

    In USD, and over NAV in decimals. Null where the volatility is.
    """

    level: float
    var: float | None
    """
    Over NAV; null where `relative_reason` of the whole says why, too.
    """

    var_usd: float | None
    var_usd_standard_error: float | None
    es: float | None
    """
    Over NAV; null as `var`.
    """

    es_usd: float | None
    es_usd_standard_error: float | None
    var_multiple: float
    """
    Of the volatility: 1.587 and 2.566.
    """

    es_multiple: float
    """
    2.213 and 3.293.
    """

    reason: Literal['no_risk_model', 'residuals_not_kept', 'no_position_has_it'] | str | None


class PastExposure(BaseModel):
    """
    The exposure in the last edition of a session.
    """

    factor: str
    name: str
    beta: float | None
    standard_error: float | None
    """
    Classical; of a ridge regression given its penalty.
    """

    t_statistic: float | None
    """
    `beta / standard_error`.
    """

    standard_error_newey_west: float | None
    """
    Bartlett weights, 5 lags, no correction for small samples (Newey and West 1987).
    """

    t_statistic_newey_west: float | None
    r_squared: float | None
    """
    Of the regression, which the six style factors share.
    """

    observations: int | None
    """
    Sessions with both returns.
    """

    window_sessions: int | None
    method: Literal['ols', 'ridge'] | str | None
    status: Literal['estimated', 'null'] | str
    reason: str | None
    """
    Why there is no beta.
    """

    reasons: dict[str, str]
    """
    Why each other number that is null is, by its name; the reason of the beta where that is what they lack.
    """

    extreme: bool
    """
    Beyond ±5: shown as estimated, and to be doubted.
    """

    carried_from: date | None
    """
    The session it was estimated on, where it is kept because the bar of this one is held back as suspicious.
    """

    session: date
    edition: int
    run_id: UUID
    published_as: str
    """
    The symbol's name then.
    """


class Percentile(BaseModel):
    """
    The part of a year's 252 rolling figures of 21 sessions, today's among them, that are not above today's.

    Between 1/252 and 1. Neighbours share 20 of their 21 sessions: there are some 12 independent figures in a year.
    """

    percentile: float | None
    reason: Literal['no_position_has_it', 'too_few_sessions', 'no_volatility'] | str | None
    rolling_values: int
    """
    How many there are; 252 are needed.
    """


class PeriodReturn(BaseModel):
    """
    From the close of the session `start` to the close of the answer's session; returns in decimals, amounts USD.
    """

    period: Literal['whole', 'since', 'ytd', '1m', '3m', '1y'] | str
    start: date | None
    sessions: int
    """
    How many daily returns are chained.
    """

    time_weighted_return: float | None
    """
    `Π (1 + r_t) − 1`, r_t = P&L over NAV of the evening before: what flows did to the amount does not count.
    """

    reason: Literal['no_session', 'nav_not_positive', 'younger_than_the_period'] | str | None
    """
    Why there is no return. `nav_not_positive`: on a session the NAV before was not, which breaks the chain.
    """

    annualised_return: float | None
    """
    `(1 + return)^(252 / sessions) − 1`, of a year and more.
    """

    annualised_return_reason: Literal['no_session', 'nav_not_positive', 'younger_than_the_period', 'fewer_than_252_sessions', 'lost_more_than_everything'] | str | None
    pnl: float | None
    flow: float | None
    """
    Deposits less withdrawals.
    """


class PortfolioLeftOut(BaseModel):
    """
    A portfolio that did not enter: it has no valuation of the session yet.
    """

    portfolio: UUID
    reason: Literal['not_valued_yet', 'valued_on_an_earlier_session'] | str


class PortfolioPart(BaseModel):
    """
    A valuation that entered.
    """

    portfolio: UUID
    valuation: int
    portfolio_version: int
    edition: int


class PositionExposures(BaseModel):
    """
    One lot, amounts in USD.
    """

    position_id: UUID
    symbol: str
    investment_class: Literal['PUBLIC', 'OPTIONS', 'PRIVATE'] | str
    market_value: float
    weight: float | None
    """
    Signed market value over NAV; null where `weights_reason` says why, or the lot has no price.
    """

    exposures: list[ExposureOfPosition]
    """
    The twelve.
    """


class PositionLine(BaseModel):
    """
    One lot, amounts in USD.

    `weight` is signed market value over NAV; null where NAV is not positive or the lot has no price. `price_session` is
    the date of the close, or of the price that the owner gave.
    """

    position_id: UUID
    symbol: str
    investment_class: Literal['PUBLIC', 'OPTIONS', 'PRIVATE'] | str
    quantity: float
    price: float | None
    price_session: date | None
    price_status: Literal['priced', 'stale', 'unpriced', 'manual'] | str
    sector: str | None
    """
    A GICS name, ETF or PRIVATE; an option has its underlying's.
    """

    sector_reason: Literal['unclassified'] | str | None
    """
    Why there is no sector: no profile says one.
    """

    market_value: float
    cost_basis: float | None
    """
    Signed as the quantity: what was paid or got on entry, without fees, less what distributions took with them.
    """

    unrealised_pnl: float | None
    """
    Market value less cost basis; 0 for a lot closed on the session.
    """

    unrealised_pnl_reason: Literal['valued_before_it_was_kept'] | str | None
    """
    Why there is neither cost basis nor unrealised P&L. The next valuation has them.
    """

    weight: float | None
    pnl: float


class PositionPnl(BaseModel):
    """
    What all lots of a symbol made, long and short.
    """

    symbol: str
    sector: str | None
    sector_reason: Literal['unclassified'] | str | None
    market_value: float | None
    """
    USD, signed, on the evening before the first day; null where what was held had no price then.
    """

    market_value_reason: Literal['unpriced'] | str | None
    made: MadeBy
    contribution: float | None
    """
    Σ over days of P&L over NAV of the evening before; null with the answer's `contribution_reason`.
    """


class Profile(BaseModel):
    """
    The company or fund, as its provider says.
    """

    name: str | None
    kind: str
    """
    EQUITY, ETF, …: the provider's word.
    """

    sector: str | None
    """
    Its GICS name; of a fund, ETF.
    """

    industry: str | None
    country: str | None
    currency: str | None
    shares_outstanding: float | None
    """
    All classes together, in shares of this listing on `fetched_on`.
    """

    trailing_eps: float | None
    """
    Earnings of the last twelve months per share of `fetched_on`, in `currency`.
    """

    next_earnings: date | None
    last_earnings: date | None
    """
    The last date on which earnings were to be told.
    """

    reasons: dict[str, str]
    """
    Why each that is null is, by its name; `passed`: the date told last has passed, and no other is known yet.
    """

    source: str
    fetched_at: AwareDatetime
    fetched_on: date
    """
    New York date: splits after it change shares and earnings per share.
    """


class Refreshed(BaseModel):
    """
    The event `refreshed`: the portfolio's newest valuation, which is also the event's id.
    """

    portfolio: UUID
    valuation: int
    portfolio_version: int
    edition: int
    session: date


class ReplayDay(BaseModel):
    """
    USD: `pnl` of the session, `cumulative_pnl` since the window's beginning.
    """

    session: date
    pnl: float
    cumulative_pnl: float


class ReplayDrawdown(BaseModel):
    """
    `depth` of NAV in decimals, not positive; the window's beginning may be the peak. No dates without a fall.
    """

    depth: float
    peak: date | None
    trough: date | None


class Reward(BaseModel):
    """
    Annualised by √252 (volatility, ratios), of daily returns over the riskless one, `(1 + risk_free)^(1/252) − 1`.

    Standard errors take daily returns as independent and alike: of the volatility `σ/√(2n)` for normal ones, of the
    Sharpe ratio `√((1 + ½·SR²)/n)` (Lo 2002).
    """

    sessions: int
    volatility: float | None
    volatility_standard_error: float | None
    volatility_reason: Literal['too_few_sessions', 'nav_not_positive'] | str | None
    sharpe: float | None
    sharpe_standard_error: float | None
    sharpe_reason: Literal['too_few_sessions', 'nav_not_positive', 'no_variation'] | str | None
    sortino: float | None
    """
    Over the downside deviation, all sessions counted.
    """

    sortino_reason: Literal['too_few_sessions', 'nav_not_positive', 'no_loss'] | str | None


class RiskBeta(BaseModel):
    factor: str
    name: str
    beta: float | None
    """
    Per unit of the factor's daily return; given the other seven.
    """

    reason: str | None


class RiskEstimation(BaseModel):
    """
    The sessions behind a forecast, each counting half as much as the one `half_life` sessions later.
    """

    sessions: int
    half_life: int
    effective_observations: float
    """
    `1 / Σω²`: as many sessions of equal weight would say as much (Kish).
    """


class RiskLoadings(BaseModel):
    """
    What the symbol holds of the eight factors of the joint risk model, which do add up.
    """

    status: Literal['estimated', 'assumed'] | str | None
    """
    Assumed ones are 1 of the market and nothing else; null where the edition has none.
    """

    reason: str | None
    """
    Why they are assumed, or why there are none.
    """

    betas: list[RiskBeta]
    """
    The eight in the model's order, or none.
    """

    specific_volatility: float | None
    """
    Daily standard deviation, in decimals, of what the factors do not explain; assumed: what its sector has.
    """

    specific_volatility_annual: float | None
    """
    √252 times that.
    """

    specific_volatility_reason: str | None
    observations: int | None
    carried_from: date | None
    """
    As with an exposure.
    """


class RiskOfFactor(BaseModel):
    """
    One factor of the risk model, or the sum of two.

    `exposure_usd` is USD of the factor held, `Σ market value × β`, and `exposure` that over NAV. `contribution_usd` is
    what the factor adds to the daily volatility in USD, negative for one that hedges, and `share` that over the
    volatility.
    """

    factor: str
    name: str
    exposure: float | None
    """
    Null where `relative_reason` says why.
    """

    exposure_usd: float
    contribution_usd: float
    share: float | None
    """
    Null where `shares_reason` says why.
    """


class RiskOfPosition(BaseModel):
    """
    All that is held of one symbol, its lots netted; what it adds to the daily volatility (Euler's contribution).
    """

    symbol: str
    sector: str | None
    sector_reason: Literal['unclassified'] | str | None
    market_value: float
    """
    USD, signed.
    """

    weight: float | None
    """
    Signed market value over NAV; null where `relative_reason` says why.
    """

    contribution_usd: float
    """
    USD; negative for a position that hedges the others.
    """

    share: float | None
    """
    Of the volatility; null where `shares_reason` says why.
    """

    loadings: Literal['estimated', 'assumed'] | str
    """
    Assumed: 1 of the market and of nothing else, and the specific variance that is typical of the sector.
    """

    assumed_reason: str | None
    carried_from: date | None
    """
    The older session that the loadings are of, where the symbol's bar of this one is held back; else null.
    """


class RiskOfSector(BaseModel):
    """
    What the symbols of a sector add to the daily volatility together; null for those without a sector.
    """

    sector: str | None
    sector_reason: Literal['unclassified'] | str | None
    market_value: float
    """
    USD, signed, of what entered.
    """

    contribution_usd: float
    share: float | None
    """
    Of the volatility; null where `shares_reason` says why.
    """


class RiskRest(BaseModel):
    """
    The symbols that entered and are not listed, together.
    """

    positions: int
    contribution_usd: float
    share: float | None
    """
    Of the volatility; null where `shares_reason` says why.
    """


class SectorLine(BaseModel):
    """
    What is held of a sector: amounts in USD, and over NAV in decimals, null where `relative_reason` says why.

    `short` is not positive; net = long + short, gross = long − short. Options are in none of these: what they are worth
    is not what they move with. They are in `options_usd`, under their underlying's sector.
    """

    sector: str | None
    """
    One of the eleven of GICS, ETF or PRIVATE; null for the lots without.
    """

    sector_reason: Literal['unclassified'] | str | None
    positions: int
    """
    Lots, without options.
    """

    long_usd: float
    short_usd: float
    net_usd: float
    gross_usd: float
    long: float | None
    short: float | None
    net: float | None
    gross: float | None
    options: int
    """
    Lots.
    """

    options_usd: float
    """
    Their market value, net.
    """

    options_gross_usd: float
    """
    Σ |market value| of theirs.
    """

    benchmark_weight: float | None
    """
    Null where the line is no sector of GICS.
    """

    active_weight: float | None
    """
    `net` less the benchmark's weight.
    """

    active_reason: Literal['nav_not_positive', 'not_a_sector_of_the_benchmark'] | str | None


class SectorPnl(BaseModel):
    """
    What a sector's symbols made; sectors are those of today.
    """

    sector: str | None
    sector_reason: Literal['unclassified'] | str | None
    made: MadeBy


class Share(BaseModel):
    """
    A symbol or a sector; of its lots, Σ |market value| in USD, and that over the sum of what entered.

    `long_share`, `short_share` (not positive) and `net_share` are over the same sum.
    """

    name: str | None
    """
    Null for the lots without sector.
    """

    name_reason: Literal['unclassified'] | str | None
    gross_usd: float
    share: float
    long_share: float
    short_share: float
    net_share: float


class Status(BaseModel):
    """
    The event `status`: whether a change waits for its valuation, and how old the newest one is.
    """

    portfolio: UUID
    pending: bool
    age: Age | None


class StressByFactor(BaseModel):
    """
    `shock` is the factor's return in decimals; `pnl` USD, before losses are capped.
    """

    factor: str
    name: str
    shock: float
    pnl: float
    standard_error: float | None
    """
    USD, of the P&L of what is not capped; null with the answer's `standard_error_reason`.
    """


class StressBySector(BaseModel):
    """
    Null for the symbols without a sector.
    """

    sector: str | None
    pnl: float
    standard_error: float | None
    """
    USD; null with the answer's `standard_error_reason`.
    """


class StressBySymbol(BaseModel):
    """
    `pnl` in USD. A capped one is a long position that cannot lose more than all it is worth.
    """

    symbol: str
    pnl: float
    standard_error: float | None
    """
    USD; 0 where capped. Null where the symbol's loadings are assumed, or their residuals are no longer kept.
    """

    capped: bool


class StressPnl(BaseModel):
    """
    USD, and over NAV in decimals.

    `pnl` is the sum over symbols, each long position's loss capped at what it is worth; `factors` sum to `pnl` less
    `spared_by_caps`.
    """

    pnl: float
    pnl_of_nav: float | None
    """
    Null where NAV is not positive.
    """

    standard_error: float | None
    """
    USD. A capped loss adds none: it stays what it is however far its loadings are off. Null with the answer's
    `standard_error_reason`.
    """

    spared_by_caps: float
    """
    USD of losses that cannot happen; not negative.
    """

    capped_positions: int
    factors: list[StressByFactor]
    """
    Those that move, in the model's order.
    """

    positions: list[StressBySymbol]
    sectors: list[StressBySector]
    """
    By absolute P&L, largest first.
    """


class Scenarios(RootModel[list[str]]):
    root: Annotated[list[str], Field(max_length=100)]
    """
    Which of ours, by id; all of them by default.
    """


class SymbolFactorExposure(BaseModel):
    """
    The slope of the symbol's daily total return on a factor's, both in decimals: 1.2 is 1.2 % for 1 %.

    The twelve factors are lenses, each looked through alone: their betas do not add up to a risk model.
    """

    factor: str
    name: str
    beta: float | None
    standard_error: float | None
    """
    Classical; of a ridge regression given its penalty.
    """

    t_statistic: float | None
    """
    `beta / standard_error`.
    """

    standard_error_newey_west: float | None
    """
    Bartlett weights, 5 lags, no correction for small samples (Newey and West 1987).
    """

    t_statistic_newey_west: float | None
    r_squared: float | None
    """
    Of the regression, which the six style factors share.
    """

    observations: int | None
    """
    Sessions with both returns.
    """

    window_sessions: int | None
    method: Literal['ols', 'ridge'] | str | None
    status: Literal['estimated', 'null'] | str
    reason: str | None
    """
    Why there is no beta.
    """

    reasons: dict[str, str]
    """
    Why each other number that is null is, by its name; the reason of the beta where that is what they lack.
    """

    extreme: bool
    """
    Beyond ±5: shown as estimated, and to be doubted.
    """

    carried_from: date | None
    """
    The session it was estimated on, where it is kept because the bar of this one is held back as suspicious.
    """


class SymbolMetrics(BaseModel):
    symbol: str
    """
    In dash form, under the name that it has now.
    """

    renamed_from: str | None
    """
    The name that was asked for, where the symbol has another one since.
    """

    as_of: date
    """
    The session of the current edition; nothing of later ones is shown.
    """

    edition: int
    in_edition: bool
    """
    Whether the current edition contains the symbol. One that was left out of it keeps its past.
    """

    run_id: UUID
    """
    The run that brought the symbol into the edition; where it is in none, the one that published the edition.
    """

    age: Age
    metrics: Metrics


class SymbolPrices(BaseModel):
    symbol: str
    """
    In dash form, under the name that it has now.
    """

    renamed_from: str | None
    """
    The name that was asked for, where the symbol has another one since.
    """

    as_of: date
    """
    The session of the current edition; nothing of later ones is shown.
    """

    edition: int
    in_edition: bool
    """
    Whether the current edition contains the symbol. One that was left out of it keeps its past.
    """

    run_id: UUID
    """
    The run that brought the symbol into the edition; where it is in none, the one that published the edition.
    """

    age: Age
    since: date
    until: date
    bars: list[Bar]
    """
    Newest first.
    """

    missing_sessions: list[date]
    """
    Sessions without a bar since the oldest one shown, newest first: nothing was traded, or nothing trusted.
    """

    actions: list[CorporateAction]
    """
    Those that go ex from `since`, or from the oldest bar where there are older ones, to `until`; newest first.
    """

    next_until: date | None
    """
    There are older bars: ask again with this `until`.
    """


class SymbolProfile(BaseModel):
    symbol: str
    """
    In dash form, under the name that it has now.
    """

    renamed_from: str | None
    """
    The name that was asked for, where the symbol has another one since.
    """

    as_of: date
    """
    The session of the current edition; nothing of later ones is shown.
    """

    edition: int
    in_edition: bool
    """
    Whether the current edition contains the symbol. One that was left out of it keeps its past.
    """

    run_id: UUID
    """
    The run that brought the symbol into the edition; where it is in none, the one that published the edition.
    """

    age: Age
    profile: Profile | None
    reason: Literal['no_profile'] | str | None
    """
    Why there is none: no provider has told of the symbol yet.
    """


class Ticket(BaseModel):
    """
    A ticket and where it is taken.
    """

    ticket: str
    expires_in: float
    """
    Seconds.
    """

    stream: str
    """
    The address of the portfolio's events, with the ticket.
    """


class TicketRequest(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    portfolio: UUID


class TotalContribution(BaseModel):
    """
    Of all positions that have the exposure, listed or not: the portfolio's own, as of `factor-exposures`.
    """

    factor: str
    name: str
    contribution: float | None
    contribution_usd: float | None
    reason: Literal['nav_not_positive', 'no_position_has_it'] | str | None
    """
    `nav_not_positive` leaves the USD standing.
    """

    positions: int
    """
    Lots that entered.
    """


class TradeWanted(BaseModel):
    """
    A purchase, or with a negative quantity a sale, at the session's close.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    symbol: Annotated[str, Field(examples=['AAPL'], max_length=30)]
    quantity: Annotated[
        float, Field(examples=[-25], ge=-1000000000000000.0, le=1000000000000000.0)
    ]
    """
    Shares, signed.
    """


class Trend(BaseModel):
    """
    The last 21 sessions against the last 63: rising where their ratio is above `rising_above`, falling where it is
    below `falling_below`, else flat. The bounds are about one standard error of the ratio away from 1.
    """

    direction: Literal['rising', 'falling', 'flat'] | str | None
    ratio: float | None
    reason: Literal['no_position_has_it', 'too_few_sessions', 'no_volatility'] | str | None
    rising_above: float
    falling_below: float


class UnexplainedPart(BaseModel):
    """
    USD that neither factors nor specific returns explain, by why.

    `trading`: lots opened or closed, against the close of their day. `fees`: paid. `no_return`: holdings without a
    close on either evening, by what their price moved where it has one. `no_loadings`, `no_edition` (none with a risk
    model on the evening before or the five sessions before it) and `no_factor_returns`: holdings that made their
    return, and nothing says which part of it is the factors'. `remainder`: all that is left, of options and private
    holdings (`by_hand`), of symbols unknown to the edition or without any price, of dividends and distributions while
    there was no close, and of the rounding of each lot to ten-thousandths.
    """

    reason: Literal['no_return', 'no_loadings', 'no_edition', 'no_factor_returns', 'trading', 'fees', 'remainder'] | str
    pnl: float
    contribution: float | None
    """
    Σ over days of P&L over NAV of the evening before; null with the answer's `contribution_reason`.
    """

    symbols: list[str]
    """
    The largest of them, at most 25; none where it is not a matter of listed symbols.
    """

    symbols_total: int


class Volatility(BaseModel):
    """
    Of the book as held today: `Σ market value now × return then`. A book with nothing at risk has volatility 0.

    Where a symbol has no return on a session, it is given what the risk model says of it with the session's factor
    returns (`filled_share` of what entered), which makes it quieter than it may have been. Where that cannot be had
    either the session is left out, or the symbol where that would be more than one in twenty.
    """

    realised_21: Estimate
    """
    Sample standard deviation.
    """

    realised_63: Estimate
    """
    Sample standard deviation.
    """

    ewma: Estimate
    """
    Forecast: squares about 0 of up to 252 sessions, each counting half as much as the one 21 sessions later.
    """

    trend: Trend
    percentile: Percentile
    until: date | None
    """
    The last session used; null where there is none.
    """

    sessions: int
    """
    That could be used.
    """

    sessions_left_out: int
    filled_share: float
    excluded: list[ExcludedSymbol]


class VolatilityAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Volatility
    portfolio: UUID
    valuation: int
    portfolio_version: int


class WeightWanted(BaseModel):
    """
    What a symbol's share of NAV is to be.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    symbol: Annotated[str, Field(examples=['TLT'], max_length=30)]
    weight: Annotated[float, Field(examples=[0.2], ge=-100.0, le=100.0)]
    """
    Signed market value over NAV.
    """


class WhatIf(BaseModel):
    """
    `figures` of the measures compared. NAV stays: trades are paid from cash, without costs.
    """

    trades: list[MadeTrade]
    cash_before: float
    cash_after: float
    nav: float
    figures: list[Difference]


class WhatIfAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: WhatIf
    portfolio: UUID
    valuation: int
    portfolio_version: int


class WhatIfParameters(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    trades: Annotated[
        list[TradeWanted] | None, Field(max_length=1000, validate_default=True)
    ] = []
    target_weights: Annotated[
        list[WeightWanted] | None, Field(max_length=1000, validate_default=True)
    ] = []
    close_others: bool | None = False
    """
    With target weights: sell what none is given for.
    """

    allow_short: bool | None = False
    """
    Let a sale go beyond what is held.
    """


class WorstSession(BaseModel):
    """
    A session of the tail at 95 %: what the book as it is held now would have lost, in USD.
    """

    session: date
    loss_usd: float


class ProblemDocument(BaseModel):
    """
    An error (RFC 9457). Programs test `code`; people read `detail`.
    """

    type: str
    """
    A URN that ends in `code`.
    """

    title: str
    """
    The status in words.
    """

    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    detail: str
    """
    What is wrong, and how to mend it.
    """

    instance: str | None = None
    """
    The path that was asked; examples of a route may leave it out.
    """

    errors: list[dict[str, Any]] | None = None
    """
    Single findings, where there are several.
    """


class Attribution(BaseModel):
    """
    `pnl = factor_pnl + specific_pnl + unexplained_pnl`, USD.

    A range is the sum of its days in USD: nothing is compounded or smoothed, so that the parts add up to the whole.
    """

    since: date | None
    """
    The first day that was attributed.
    """

    until: date | None
    """
    The last one.
    """

    sessions: int
    reason: Literal['no_session', 'valuation_is_older_than_its_lots'] | str | None
    """
    Why nothing could be attributed. A portfolio's first session has no evening before it. A valuation whose lots
    were changed since is replaced within moments: ask again.
    """

    nav_before: float | None
    """
    On the evening before the first day.
    """

    pnl: float | None
    factor_pnl: float | None
    specific_pnl: float | None
    unexplained_pnl: float | None
    factor_pnl_standard_error: float | None
    """
    USD, of `factor_pnl`, and of `specific_pnl` as well: what one has too much, the other has too little. Loadings
    are regressions (`analytics.loading_errors`); the error that one has is taken to last over all days, as windows of
    a year overlap, and is that of the valuation's own edition.
    """

    standard_error_coverage: float | None
    """
    The share of what is attributed to factors, Σ |value on the evening before| over days, of whose loadings the
    error is known.
    """

    standard_error_reason: Literal['no_session', 'valuation_is_older_than_its_lots', 'no_risk_model', 'residuals_not_kept', 'nothing_estimated'] | str | None
    """
    `nothing_estimated`: all loadings are assumed, or of symbols that the edition no longer holds.
    """

    closes_within: float | None
    """
    |P&L less the sum of its parts, as published here| over |NAV before the first day|; at most 1e-6.
    """

    closes_within_reason: Literal['no_session', 'valuation_is_older_than_its_lots', 'nav_is_zero'] | str | None
    contribution: float | None
    """
    Σ over days of P&L over NAV of the evening before.
    """

    contribution_reason: Literal['no_session', 'valuation_is_older_than_its_lots', 'nav_not_positive'] | str | None
    unexplained_share: float | None
    """
    Σ |unexplained| over Σ (|factors| + |specific| + |unexplained|), of the days' sums.
    """

    unexplained_share_reason: Literal['no_session', 'valuation_is_older_than_its_lots', 'nothing_moved'] | str | None
    r_squared: float | None
    """
    `1 − Σ (P&L − factors')² / Σ (P&L − mean)²` over days, out of sample: with loadings known on the evening before.
    Below 0 where the factors were worse than the mean.
    """

    r_squared_sessions: int
    """
    The days asked about, or the last 21 up to their end where those are fewer.
    """

    r_squared_reason: Literal['no_session', 'valuation_is_older_than_its_lots', 'too_few_sessions', 'nothing_moved'] | str | None
    by_factor: list[FactorPnl]
    value_and_growth_pnl: float | None
    """
    Their sum: the two are nearly one factor, and only together say something for sure.
    """

    by_sector: list[SectorPnl]
    by_position: list[PositionPnl]
    """
    Those that made or lost most, largest first.
    """

    positions: int
    """
    How many symbols were held or traded in all.
    """

    unexplained: list[UnexplainedPart]
    """
    They add up to `unexplained_pnl`.
    """

    by_hand: list[str]
    """
    Options and private holdings held in these days, at most 25: what they made is in the remainder.
    """

    assumed_loadings: list[str]
    """
    Symbols of which on some evening only a market beta of 1 was assumed, the largest 25.
    """

    days: list[AttributedDay]


class AttributionAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Attribution
    portfolio: UUID
    valuation: int
    portfolio_version: int


class CombinedAttribution(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Attribution


class CombinedAttributionAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedAttribution


class CombinedFactorExposures(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: FactorExposures


class CombinedFactorExposuresAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedFactorExposures


class CombinedVolatility(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Volatility


class CombinedVolatilityAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedVolatility


class CombinedWhatIf(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: WhatIf


class CombinedWhatIfAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedWhatIf


class CorrelationMatrix(BaseModel):
    """
    Pearson's correlation of daily simple total returns, pair by pair over the sessions that both have.

    Each entry has sessions of its own, so that with missing returns the matrix need not be positive semidefinite; with
    none missing (`complete`) it is.
    """

    symbols: list[CorrelatedSymbol]
    """
    By absolute market value, largest first, ties by symbol. Symbols whose lots cancel out are not among them.
    """

    correlations: list[list[float | None]]
    """
    Null where `missing_pairs` says why.
    """

    standard_errors: list[list[float | None]]
    """
    `(1 − ρ²) / √(n − 3)`: that of Fisher's z, `1 / √(n − 3)`, brought back to ρ; of normal returns.
    """

    observations: list[list[int]]
    """
    Common sessions of each pair.
    """

    missing_pairs: list[MissingPair]
    complete: bool
    average: float | None
    """
    Of all pairs of two symbols that have one, alike.
    """

    weighted_average: float | None
    """
    The same, each pair weighted by the product of the two absolute weights: a short counts as a long does.
    """

    average_reason: Literal['fewer_than_two_symbols', 'no_pair_has_it'] | str | None
    weights_reason: Literal['nav_not_positive'] | str | None
    since: date | None
    """
    The first session looked at; null where the edition has none.
    """

    until: date | None
    sessions: int
    """
    90, or as many as there are.
    """

    not_shown: int
    """
    Further symbols that are held, smaller than those shown.
    """

    excluded: list[ExcludedSymbol]


class CorrelationMatrixAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CorrelationMatrix
    portfolio: UUID
    valuation: int
    portfolio_version: int


class Diversification(BaseModel):
    """
    By the covariance that the risk model implies, `BFB' + Ψ`: the one of the measure `risk`. Volatilities are of a
    day, in USD. Null where `reason` says why; `no_volatility`: nothing is at risk, or all of it cancels out.

    No standard error is given: neither figure has one in use.
    """

    diversification_ratio: float | None
    """
    `Σ|w|σ / σ_p`, not under 1: 1 is one bet, or several that move as one (Choueifaty and Coignard, 2008).
    """

    effective_bets: float | None
    """
    `exp(−Σ p ln p)`, p the part of the variance that each principal portfolio of the covariance has in the book's
    (Meucci, 2009, "Managing Diversification"): 1 where all comes from one, N where it comes from N alike. The principal
    portfolios are of the symbols held; where two of these have the same variance, which they are is a convention.
    """

    weighted_volatility_usd: float | None
    """
    `Σ|w|σ`: what the volatility would be if nothing diversified and nothing hedged.
    """

    daily_volatility_usd: float | None
    """
    That of the measure `risk`.
    """

    diversified_away_usd: float | None
    """
    The difference.
    """

    reason: Literal['no_risk_model', 'residuals_not_kept', 'no_position_has_it', 'no_volatility'] | str | None
    model_reason: str | None
    """
    What the edition says of why it has no model.
    """

    symbols: int
    """
    That entered, lots netted; those whose lots cancel out are not counted.
    """

    largest_bet_share: float | None
    """
    The largest p.
    """

    estimation: RiskEstimation | None
    """
    Null where `model_reason` says why there is no model.
    """

    excluded: list[ExcludedSymbol]


class DiversificationAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Diversification
    portfolio: UUID
    valuation: int
    portfolio_version: int


class ExposureHistory(BaseModel):
    symbol: str
    """
    In dash form, under the name that it has now.
    """

    renamed_from: str | None
    """
    The name that was asked for, where the symbol has another one since.
    """

    as_of: date
    """
    The session of the current edition; nothing of later ones is shown.
    """

    edition: int
    in_edition: bool
    """
    Whether the current edition contains the symbol. One that was left out of it keeps its past.
    """

    run_id: UUID
    """
    The run that brought the symbol into the edition; where it is in none, the one that published the edition.
    """

    age: Age
    factor: str
    name: str
    since: date | None
    until: date
    points: list[PastExposure]
    """
    Newest first. A session on which no edition contained the symbol has none.
    """

    next_until: date | None
    """
    There are older ones: ask again with this `until`.
    """


class Grouped(BaseModel):
    """
    Shares squared and summed, and the largest ones, in decimals. Null where `reason` of the whole says why.
    """

    groups: int
    hhi: float | None
    """
    Herfindahl–Hirschman index, `Σ share² · 10,000`: 10,000 is all in one, 10,000/n the same in each of n.
    """

    effective_number: float | None
    """
    10,000 / HHI: as many groups of equal size would be as concentrated.
    """

    top_3_share: float | None
    top_10_share: float | None
    largest: list[Share]
    """
    Largest first, ties by name; of symbols as many as were asked for, of sectors all.
    """


class HistoricalReplay(BaseModel):
    """
    Figures are null with their `reason`, relative ones also where NAV is not positive.
    """

    since: date
    until: date
    sessions: int
    pnl: float | None
    """
    USD.
    """

    total_return: float | None
    """
    P&L over today's NAV, cash included and unchanged.
    """

    worst_day: ReplayDay | None
    max_drawdown: ReplayDrawdown | None
    path: list[ReplayDay]
    filled_share: float | None
    """
    Of gross market value times sessions that entered, what the risk model filled in; null where nothing is held.
    """

    filled_symbols: list[str]
    reason: Literal['history_begins_later', 'no_sessions', 'no_position_has_it'] | str | None
    relative_reason: Literal['nav_not_positive'] | str | None
    excluded: list[ExcludedSymbol]


class HistoricalReplayAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: HistoricalReplay
    portfolio: UUID
    valuation: int
    portfolio_version: int


class HistoricalVar(BaseModel):
    """
    The book as it is held now through the last 252 sessions: simple returns times today's market values.

    `filled_share` is the part of gross market value times sessions whose returns are the risk model's, with nothing
    specific in them; a past so filled is quieter than a real one.
    """

    sessions: int
    """
    Used of the last 252.
    """

    sessions_left_out: int
    """
    Not used: a return was missing and could not be filled in.
    """

    since: date | None
    """
    The first session used; null where there is none.
    """

    until: date | None
    reason: Literal['no_position_has_it', 'too_few_sessions'] | str | None
    """
    Why there are figures at no level.
    """

    levels: list[HistoricalLevel]
    worst: list[WorstSession]
    """
    Worst first; empty where there is no tail.
    """

    filled_share: float | None
    """
    Null where nothing entered.
    """

    filled: list[FilledSymbol]
    """
    At most 25, those with the most market value times sessions first.
    """

    filled_symbols: int
    """
    How many there are in all.
    """

    coverage: float | None
    """
    Share of gross market value that entered; null where gross is 0.
    """

    excluded: list[ExcludedSymbol]
    """
    `no_returns`: neither returns nor loadings to fill them in with.
    """


class Overview(BaseModel):
    """
    Amounts in USD after the session, as stored to four decimals; `short` is not positive.
    """

    nav: float
    cash: float
    long: float
    short: float
    gross: float
    net: float
    pnl: DayPnl
    daily_return: float | None
    daily_return_reason: Literal['no_positive_nav_before'] | str | None
    cumulative_pnl: float
    flow: float
    positions: int
    stale_positions: int
    unpriced_positions: int
    top_positions: list[PositionLine]
    """
    By absolute market value, largest first; ties by id.
    """

    stale: list[PositionLine]
    """
    Valued at a close older than the session.
    """

    unpriced: list[PositionLine]
    """
    Without a close within five sessions: at their last value, in NAV but in no weight.
    """

    weights_reason: Literal['nav_not_positive'] | str | None
    """
    Why no weight is given.
    """


class OverviewAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Overview
    portfolio: UUID
    valuation: int
    portfolio_version: int


class OwnScenario(BaseModel):
    """
    What else may happen.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    name: Annotated[str, Field(max_length=100, min_length=1)]
    shocks: Annotated[
        list[OwnShock] | None, Field(max_length=8, validate_default=True)
    ] = []
    yield_change: YieldChange | None = None
    """
    Of all yields, in decimals: 0.01 is 100 basis points. In place of a shock to rates.
    """


class ParametricVar(BaseModel):
    """
    The forecast volatility of the measure `risk` and Student's t with six degrees, mean 0.

    Standard errors are those of the volatility, `σ / √(2n)`, times the multiple: normal theory; with returns as heavy
    in the tails as this t they would be 1.6 times as large.
    """

    degrees_of_freedom: int
    daily_volatility_usd: float | None
    reason: Literal['no_risk_model', 'residuals_not_kept', 'no_position_has_it'] | str | None
    model_reason: str | None
    """
    What the edition says of why it has no risk model.
    """

    levels: list[ParametricLevel]
    estimation: RiskEstimation | None
    """
    Null where there is no risk model.
    """

    coverage: float | None
    """
    Share of gross market value that entered; null where gross is 0.
    """

    excluded: list[ExcludedSymbol]


class Performance(BaseModel):
    """
    `periods` end with the answer's session; everything else is of the window, from `start` to it.

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


class PerformanceAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Performance
    portfolio: UUID
    valuation: int
    portfolio_version: int


class PositionFactorExposures(BaseModel):
    """
    Lots by absolute market value, largest first, ties by id; those closed on the session are left aside.
    """

    positions: list[PositionExposures]
    total_positions: int
    """
    As many as could be listed.
    """

    totals: list[TotalContribution]
    weights_reason: Literal['nav_not_positive'] | str | None


class PositionFactorExposuresAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: PositionFactorExposures
    portfolio: UUID
    valuation: int
    portfolio_version: int


class Risk(BaseModel):
    """
    Volatility expected of the next session by the risk model, alone (`…_usd`) and over NAV, in decimals.

    Annual figures are √252 times the daily ones. Where there is no volatility `reason` says why and the lists are
    empty. `no_risk_model`: the edition has no covariance of factors (`model_reason`); `residuals_not_kept`: it is too
    old to have kept what specific risk is made of; `no_position_has_it`: nothing held has loadings.

    Standard errors are `σ / √(2n)`, n the effective observations: that of the standard deviation of n independent
    normal returns. Fat tails would widen it, and that the model may be wrong is not in it.
    """

    daily_volatility: float | None
    daily_volatility_standard_error: float | None
    annual_volatility: float | None
    relative_reason: Literal['no_risk_model', 'residuals_not_kept', 'no_position_has_it', 'nav_not_positive'] | str | None
    """
    Why there are no figures over NAV, no exposures and no weights.
    """

    daily_volatility_usd: float | None
    daily_volatility_usd_standard_error: float | None
    annual_volatility_usd: float | None
    reason: Literal['no_risk_model', 'residuals_not_kept', 'no_position_has_it'] | str | None
    model_reason: str | None
    """
    What the edition says of why it has no model.
    """

    factor_share: float | None
    """
    Of the variance, and so of the volatility: `x'Fx / σ²`. With `specific_share` it makes 1.
    """

    specific_share: float | None
    """
    Not negative.
    """

    shares_reason: Literal['no_risk_model', 'residuals_not_kept', 'no_position_has_it', 'no_volatility'] | str | None
    """
    Why there are no shares, here and in the lists; `no_volatility`: it is 0.
    """

    specific_contribution_usd: float | None
    """
    With those of the eight factors it sums to the daily volatility in USD.
    """

    factors: list[RiskOfFactor]
    """
    The eight, in the model's order.
    """

    value_and_growth: RiskOfFactor | None
    """
    Their sum: the two funds are nearly one factor, so that the sum means more than either.
    """

    positions: list[RiskOfPosition]
    """
    By absolute contribution, largest first; ties by symbol.
    """

    other_positions: RiskRest | None
    sectors: list[RiskOfSector]
    """
    By absolute contribution, largest first.
    """

    estimation: RiskEstimation | None
    """
    Null where `model_reason` says why there is no model.
    """

    assumed_positions: int
    """
    Symbols that entered with assumed loadings.
    """

    assumed_share: float | None
    """
    Their part of the book's gross market value; null, as coverage, where that is 0.
    """

    carried_positions: int
    """
    Symbols that entered with loadings of an older session.
    """

    excluded: list[ExcludedSymbol]


class RiskAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Risk
    portfolio: UUID
    valuation: int
    portfolio_version: int


class SectorExposure(BaseModel):
    """
    Funds are a line of their own, ETF: nothing is said of what they hold. A book of nothing but SPY has 0 of every
    sector and is underweight in all of them, although it is the benchmark; `etf_gross_usd` says how much of the book is
    held in this way.
    """

    sectors: list[SectorLine]
    """
    The eleven, held or not, by name; then ETF, PRIVATE and those without sector, where something is held.
    """

    total: SectorLine
    """
    Of all lines. With `unpriced_usd` its net and its options make the book's net market value.
    """

    relative_reason: Literal['nav_not_positive'] | str | None
    etf_gross_usd: float
    benchmark: Benchmark
    unpriced_positions: int
    """
    Lots at their last value, without a price of the session or of the five before: in no line (`domain.md` §3).
    """

    unpriced_usd: float
    """
    Their market value, net.
    """


class SectorExposureAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: SectorExposure
    portfolio: UUID
    valuation: int
    portfolio_version: int


class StressOutcome(BaseModel):
    """
    A scenario's outcome in two ways.

    *Direct*: the named factors move and the others stand still. *Propagated*: where the market is named, each factor
    that is not moves as it has used to with the market, `E[f | market]`; otherwise it is the same.
    """

    scenario: str
    """
    Its id; that of your own is its name.
    """

    name: str
    kind: Literal['standard', 'hypothetical', 'measured', 'own'] | str
    yield_change: float | None
    direct: StressPnl
    propagated: StressPnl


class StressTest(BaseModel):
    """
    Null figures with their reason where the edition has no risk model, or nothing held has loadings.
    """

    outcomes: list[StressOutcome]
    reason: Literal['no_risk_model', 'no_position_has_it'] | str | None
    model_reason: str | None
    """
    What the edition says of why it has no model.
    """

    relative_reason: Literal['nav_not_positive'] | str | None
    stress_sessions: int | None
    """
    Equally weighted ones behind how factors have used to move with the market.
    """

    assumed_positions: int
    """
    Symbols that entered as if they moved with the market one to one, for want of a history.
    """

    standard_error_coverage: float | None
    """
    The share of the gross market value in these numbers whose loadings were estimated from series that are still
    kept: of that standard errors speak. Null where nothing entered.
    """

    standard_error_reason: Literal['no_risk_model', 'no_position_has_it', 'residuals_not_kept', 'nothing_estimated'] | str | None
    """
    `nothing_estimated`: all loadings are assumed, and nobody knows how far they are off.
    """

    excluded: list[ExcludedSymbol]


class StressTestAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: StressTest
    portfolio: UUID
    valuation: int
    portfolio_version: int


class StressTestParameters(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    scenarios: Scenarios | None = None
    """
    Which of ours, by id; all of them by default.
    """

    own: Annotated[
        list[OwnScenario] | None, Field(max_length=50, validate_default=True)
    ] = []
    """
    Scenarios of your own.
    """

    top: Annotated[int | None, Field(ge=0, le=100)] = 5
    """
    How many symbols to list for each, by absolute P&L.
    """

    duration: Annotated[float | None, Field(gt=0.0, le=50.0)] = 16.5
    """
    Years, of the fund behind rates.
    """

    convexity: Annotated[float | None, Field(ge=0.0, le=5000.0)] = 370.0
    """
    Of the fund behind rates.
    """


class SymbolExposures(BaseModel):
    symbol: str
    """
    In dash form, under the name that it has now.
    """

    renamed_from: str | None
    """
    The name that was asked for, where the symbol has another one since.
    """

    as_of: date
    """
    The session of the current edition; nothing of later ones is shown.
    """

    edition: int
    in_edition: bool
    """
    Whether the current edition contains the symbol. One that was left out of it keeps its past.
    """

    run_id: UUID
    """
    The run that brought the symbol into the edition; where it is in none, the one that published the edition.
    """

    age: Age
    exposures: list[SymbolFactorExposure]
    """
    All twelve, in the order in which they are always shown.
    """

    risk: RiskLoadings


class Var(BaseModel):
    """
    Losses of one session by two methods that share nothing but the book; a loss is positive.
    """

    horizon_sessions: int
    relative_reason: Literal['nav_not_positive'] | str | None
    """
    Why nothing is given over NAV.
    """

    historical: HistoricalVar
    parametric: ParametricVar


class VarAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Var
    portfolio: UUID
    valuation: int
    portfolio_version: int


class CombinedCorrelationMatrix(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: CorrelationMatrix


class CombinedCorrelationMatrixAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedCorrelationMatrix


class CombinedDiversification(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Diversification


class CombinedDiversificationAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedDiversification


class CombinedHistoricalReplay(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: HistoricalReplay


class CombinedHistoricalReplayAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedHistoricalReplay


class CombinedOverview(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Overview


class CombinedOverviewAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedOverview


class CombinedPerformance(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Performance


class CombinedPerformanceAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedPerformance


class CombinedPositionFactorExposures(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: PositionFactorExposures


class CombinedPositionFactorExposuresAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedPositionFactorExposures


class CombinedRisk(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Risk


class CombinedRiskAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedRisk


class CombinedSectorExposure(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: SectorExposure


class CombinedSectorExposureAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedSectorExposure


class CombinedStressTest(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: StressTest


class CombinedStressTestAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedStressTest


class CombinedVar(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Var


class CombinedVarAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedVar


class Concentration(BaseModel):
    """
    Of Σ |market value|, whatever NAV is. Every lot with a value and a price counts, private ones and options too.

    An option counts under its own symbol and its underlying's sector; a private lot under the sector PRIVATE. `reason`
    is `nothing_held` where no lot has a value, `nothing_priced` where none of those has a price.
    """

    reason: Literal['nothing_held', 'nothing_priced'] | str | None
    gross_usd: float
    """
    Of what entered.
    """

    long_share: float | None
    short_share: float | None
    """
    Not positive.
    """

    net_share: float | None
    by_symbol: Grouped
    by_sector: Grouped
    unpriced_positions: int
    """
    Lots at their last value, without a price of the session or of the five before: in no share (`domain.md` §3).
    """

    unpriced_usd: float
    """
    Σ |market value| of these.
    """


class ConcentrationAnswer(BaseModel):
    """
    An answer about one portfolio, and the valuation it belongs to.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: Concentration
    portfolio: UUID
    valuation: int
    portfolio_version: int


class CombinedConcentration(BaseModel):
    """
    `figures` of the one book that the `portfolios` make up, computed from their positions.
    """

    portfolios: list[PortfolioPart]
    left_out: list[PortfolioLeftOut]
    figures: Concentration


class CombinedConcentrationAnswer(BaseModel):
    """
    An answer and what it belongs to. Everything but `pending`, `age` and `cache` is fixed by the valuations.
    """

    measure: str
    method: str
    """
    How the numbers come about, in a line.
    """

    parameters: dict[str, Any]
    as_of: date
    edition: int
    run_id: UUID
    pending: bool
    """
    A change waits for its valuation; the answer is the last one's.
    """

    age: Age
    coverage: float | None
    """
    The share of gross market value that entered; null where there is none.
    """

    cache: Literal['process', 'redis', 'miss'] | str
    computed_at: AwareDatetime
    data: CombinedConcentration
