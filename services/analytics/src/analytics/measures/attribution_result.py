"""What an attribution says; amounts are USD."""

from datetime import date
from typing import Literal

from analytics.measures.measure import Result
from analytics.pnl_parts import UntoldReason

NoneReason = Literal["no_session", "valuation_is_older_than_its_lots"]
NoErrorReason = NoneReason | Literal["no_risk_model", "residuals_not_kept", "nothing_estimated"]


class FactorPnl(Result):
    """What a factor made: Σ over days of exposure on the evening before × the factor's return."""

    factor: str
    name: str
    exposure: float
    """USD held of the factor, mean over the evenings before the days."""
    pnl: float
    standard_error: float | None
    """USD; null with the answer's `standard_error_reason`."""
    contribution: float | None
    """Σ over days of P&L over NAV of the evening before; null with the answer's `contribution_reason`."""


class MadeBy(Result):
    """USD of some symbols, `pnl` the sum of the four others."""

    pnl: float
    factor_pnl: float
    specific_pnl: float
    trading_pnl: float
    other_pnl: float
    """Of holdings without a return or loadings, as far as it is known."""


class SectorPnl(Result):
    """What a sector's symbols made; sectors are those of today."""

    sector: str | None
    sector_reason: Literal["unclassified"] | None
    made: MadeBy


class PositionPnl(Result):
    """What all lots of a symbol made, long and short."""

    symbol: str
    sector: str | None
    sector_reason: Literal["unclassified"] | None
    market_value: float | None
    """USD, signed, on the evening before the first day; null where what was held had no price then."""
    market_value_reason: Literal["unpriced"] | None
    made: MadeBy
    contribution: float | None
    """Σ over days of P&L over NAV of the evening before; null with the answer's `contribution_reason`."""


class UnexplainedPart(Result):
    """USD that neither factors nor specific returns explain, by why.

    `trading`: lots opened or closed, against the close of their day. `fees`: paid. `no_return`: holdings without a
    close on either evening, by what their price moved where it has one. `no_loadings`, `no_edition` (none with a risk
    model on the evening before or the five sessions before it) and `no_factor_returns`: holdings that made their
    return, and nothing says which part of it is the factors'. `remainder`: all that is left, of options and private
    holdings (`by_hand`), of symbols unknown to the edition or without any price, of dividends and distributions while
    there was no close, and of the rounding of each lot to ten-thousandths.
    """

    reason: UntoldReason | Literal["trading", "fees", "remainder"]
    pnl: float
    contribution: float | None
    """Σ over days of P&L over NAV of the evening before; null with the answer's `contribution_reason`."""
    symbols: list[str]
    """The largest of them, at most 25; none where it is not a matter of listed symbols."""
    symbols_total: int


class AttributedDay(Result):
    """USD of a day; `pnl` is the sum of the three others."""

    session: date
    pnl: float
    factor_pnl: float
    specific_pnl: float
    unexplained_pnl: float
    loadings_session: date | None
    """Whose loadings were used: those of the evening before, or of the last edition within five sessions before it."""
    loadings_reason: Literal["no_edition"] | None


class Attribution(Result):
    """`pnl = factor_pnl + specific_pnl + unexplained_pnl`, USD.

    A range is the sum of its days in USD: nothing is compounded or smoothed, so that the parts add up to the whole.
    """

    since: date | None
    """The first day that was attributed."""
    until: date | None
    """The last one."""
    sessions: int
    reason: NoneReason | None
    """Why nothing could be attributed. A portfolio's first session has no evening before it. A valuation whose lots
    were changed since is replaced within moments: ask again."""
    nav_before: float | None
    """On the evening before the first day."""
    pnl: float | None
    factor_pnl: float | None
    specific_pnl: float | None
    unexplained_pnl: float | None
    factor_pnl_standard_error: float | None
    """USD, of `factor_pnl`, and of `specific_pnl` as well: what one has too much, the other has too little. Loadings
    are regressions (`analytics.loading_errors`); the error that one has is taken to last over all days, as windows of
    a year overlap, and is that of the valuation's own edition."""
    standard_error_coverage: float | None
    """The share of what is attributed to factors, Σ |value on the evening before| over days, of whose loadings the
    error is known."""
    standard_error_reason: NoErrorReason | None
    """`nothing_estimated`: all loadings are assumed, or of symbols that the edition no longer holds."""
    closes_within: float | None
    """|P&L less the sum of its parts, as published here| over |NAV before the first day|; at most 1e-6."""
    closes_within_reason: NoneReason | Literal["nav_is_zero"] | None
    contribution: float | None
    """Σ over days of P&L over NAV of the evening before."""
    contribution_reason: NoneReason | Literal["nav_not_positive"] | None
    unexplained_share: float | None
    """Σ |unexplained| over Σ (|factors| + |specific| + |unexplained|), of the days' sums."""
    unexplained_share_reason: NoneReason | Literal["nothing_moved"] | None
    r_squared: float | None
    """`1 − Σ (P&L − factors')² / Σ (P&L − mean)²` over days, out of sample: with loadings known on the evening before.
    Below 0 where the factors were worse than the mean."""
    r_squared_sessions: int
    """The days asked about, or the last 21 up to their end where those are fewer."""
    r_squared_reason: NoneReason | Literal["too_few_sessions", "nothing_moved"] | None
    by_factor: list[FactorPnl]
    value_and_growth_pnl: float | None
    """Their sum: the two are nearly one factor, and only together say something for sure."""
    by_sector: list[SectorPnl]
    by_position: list[PositionPnl]
    """Those that made or lost most, largest first."""
    positions: int
    """How many symbols were held or traded in all."""
    unexplained: list[UnexplainedPart]
    """They add up to `unexplained_pnl`."""
    by_hand: list[str]
    """Options and private holdings held in these days, at most 25: what they made is in the remainder."""
    assumed_loadings: list[str]
    """Symbols of which on some evening only a market beta of 1 was assumed, the largest 25."""
    days: list[AttributedDay]


def nothing_attributed(reason: NoneReason) -> Attribution:
    """Of a question that has no answer."""
    return Attribution(
        since=None, until=None, sessions=0, reason=reason, nav_before=None, pnl=None, factor_pnl=None,
        specific_pnl=None, unexplained_pnl=None, factor_pnl_standard_error=None, standard_error_coverage=None,
        standard_error_reason=reason, closes_within=None, closes_within_reason=reason, contribution=None,
        contribution_reason=reason, unexplained_share=None, unexplained_share_reason=reason, r_squared=None,
        r_squared_sessions=0, r_squared_reason=reason, by_factor=[], value_and_growth_pnl=None, by_sector=[],
        by_position=[], positions=0, unexplained=[], by_hand=[], assumed_loadings=[], days=[],
    )  # fmt: skip
