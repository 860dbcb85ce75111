"""What is said about a symbol: one shape for each question. A number that cannot be had is null, with a reason."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from analytics.freshness import Age
from analytics.measures.measure import Result


class SymbolAnswer(Result):
    """Whose figures they are and of when. All but `age` is fixed by the edition, except for prices and profiles."""

    symbol: str
    """In dash form, under the name that it has now."""
    renamed_from: str | None
    """The name that was asked for, where the symbol has another one since."""
    as_of: date
    """The session of the current edition; nothing of later ones is shown."""
    edition: int
    in_edition: bool
    """Whether the current edition contains the symbol. One that was left out of it keeps its past."""
    run_id: UUID
    """The run that brought the symbol into the edition; where it is in none, the one that published the edition."""
    age: Age


class SymbolFactorExposure(Result):
    """The slope of the symbol's daily total return on a factor's, both in decimals: 1.2 is 1.2 % for 1 %.

    The twelve factors are lenses, each looked through alone: their betas do not add up to a risk model.
    """

    factor: str
    name: str
    beta: float | None
    standard_error: float | None
    """Classical; of a ridge regression given its penalty."""
    t_statistic: float | None
    """`beta / standard_error`."""
    standard_error_newey_west: float | None
    """Bartlett weights, 5 lags, no correction for small samples (Newey and West 1987)."""
    t_statistic_newey_west: float | None
    r_squared: float | None
    """Of the regression, which the six style factors share."""
    observations: int | None
    """Sessions with both returns."""
    window_sessions: int | None
    method: Literal["ols", "ridge"] | None
    status: Literal["estimated", "null"]
    reason: str | None
    """Why there is no beta."""
    reasons: dict[str, str]
    """Why each other number that is null is, by its name; the reason of the beta where that is what they lack."""
    extreme: bool
    """Beyond ±5: shown as estimated, and to be doubted."""
    carried_from: date | None
    """The session it was estimated on, where it is kept because the bar of this one is held back as suspicious."""


class PastExposure(SymbolFactorExposure):
    """The exposure in the last edition of a session."""

    session: date
    edition: int
    run_id: UUID
    published_as: str
    """The symbol's name then."""


class RiskBeta(Result):
    factor: str
    name: str
    beta: float | None
    """Per unit of the factor's daily return; given the other seven."""
    reason: str | None


class RiskLoadings(Result):
    """What the symbol holds of the eight factors of the joint risk model, which do add up."""

    status: Literal["estimated", "assumed"] | None
    """Assumed ones are 1 of the market and nothing else; null where the edition has none."""
    reason: str | None
    """Why they are assumed, or why there are none."""
    betas: tuple[RiskBeta, ...]
    """The eight in the model's order, or none."""
    specific_volatility: float | None
    """Daily standard deviation, in decimals, of what the factors do not explain; assumed: what its sector has."""
    specific_volatility_annual: float | None
    """√252 times that."""
    specific_volatility_reason: str | None
    observations: int | None
    carried_from: date | None
    """As with an exposure."""


class SymbolExposures(SymbolAnswer):
    exposures: tuple[SymbolFactorExposure, ...]
    """All twelve, in the order in which they are always shown."""
    risk: RiskLoadings


class ExposureHistory(SymbolAnswer):
    factor: str
    name: str
    since: date | None
    until: date
    points: tuple[PastExposure, ...]
    """Newest first. A session on which no edition contained the symbol has none."""
    next_until: date | None
    """There are older ones: ask again with this `until`."""


class Bar(Result):
    """A session as it was traded, in `currency` per share of that day: neither splits nor dividends are taken out."""

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: int | None
    """Shares."""
    reasons: dict[str, str]
    """Why each that is null is, by its name."""
    currency: str
    source: str
    fetched_at: datetime


class CorporateAction(Result):
    """What a share was worth besides its price on and after `ex_date`."""

    ex_date: date
    kind: Literal["split", "distribution", "dividend"]
    ratio: float | None
    """New shares for one old, of a split; of a distribution what it was worth in such shares. A dividend has none."""
    amount: float | None
    """USD per share as traded before `ex_date`, of a dividend; the others have none."""
    source: str
    fetched_at: datetime


class SymbolPrices(SymbolAnswer):
    since: date
    until: date
    bars: tuple[Bar, ...]
    """Newest first."""
    missing_sessions: tuple[date, ...]
    """Sessions without a bar since the oldest one shown, newest first: nothing was traded, or nothing trusted."""
    actions: tuple[CorporateAction, ...]
    """Those that go ex from `since`, or from the oldest bar where there are older ones, to `until`; newest first."""
    next_until: date | None
    """There are older bars: ask again with this `until`."""


class Profile(Result):
    """The company or fund, as its provider says."""

    name: str | None
    kind: str
    """EQUITY, ETF, …: the provider's word."""
    sector: str | None
    """Its GICS name; of a fund, ETF."""
    industry: str | None
    country: str | None
    currency: str | None
    shares_outstanding: float | None
    """All classes together, in shares of this listing on `fetched_on`."""
    trailing_eps: float | None
    """Earnings of the last twelve months per share of `fetched_on`, in `currency`."""
    next_earnings: date | None
    last_earnings: date | None
    """The last date on which earnings were to be told."""
    reasons: dict[str, str]
    """Why each that is null is, by its name; `passed`: the date told last has passed, and no other is known yet."""
    source: str
    fetched_at: datetime
    fetched_on: date
    """New York date: splits after it change shares and earnings per share."""


class SymbolProfile(SymbolAnswer):
    profile: Profile | None
    reason: Literal["no_profile"] | None
    """Why there is none: no provider has told of the symbol yet."""


class Metrics(Result):
    """The session's figures. Returns are total ones in decimals; betas are those of the exposures."""

    price: float | None
    """Last close as traded, in USD, at most five sessions old."""
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
    """USD."""
    price_earnings: float | None
    """Price over the earnings of the last twelve months."""
    sector: str | None
    data_quality: float | None
    """The share of the last 252 sessions that have a close, counted from the symbol's first: 0 to 1."""
    reasons: dict[str, str]
    """Why each that is null is, by its name."""


class SymbolMetrics(SymbolAnswer):
    metrics: Metrics
