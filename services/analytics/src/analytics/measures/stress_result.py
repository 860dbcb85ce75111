"""What a stress test says; amounts are USD.

Standard errors are those of estimates: of loadings, which are regressions (`analytics.loading_errors`), and where the
market pulls other factors along also of by how much. Shocks themselves are taken as given, and so are duration and
convexity. What symbols do by themselves on such a day comes on top, and is in none of these numbers.
"""

from typing import Literal

from analytics.measures.excluded import ExcludedSymbol
from analytics.measures.measure import Result
from analytics.scenarios import Kind

Reason = Literal["no_risk_model", "no_position_has_it"]
ErrorReason = Literal["no_risk_model", "no_position_has_it", "residuals_not_kept", "nothing_estimated"]


class StressByFactor(Result):
    """`shock` is the factor's return in decimals; `pnl` USD, before losses are capped."""

    factor: str
    name: str
    shock: float
    pnl: float
    standard_error: float | None
    """USD, of the P&L of what is not capped; null with the answer's `standard_error_reason`."""


class StressBySymbol(Result):
    """`pnl` in USD. A capped one is a long position that cannot lose more than all it is worth."""

    symbol: str
    pnl: float
    standard_error: float | None
    """USD; 0 where capped. Null where the symbol's loadings are assumed, or their residuals are no longer kept."""
    capped: bool


class StressBySector(Result):
    """Null for the symbols without a sector."""

    sector: str | None
    pnl: float
    standard_error: float | None
    """USD; null with the answer's `standard_error_reason`."""


class StressPnl(Result):
    """USD, and over NAV in decimals.

    `pnl` is the sum over symbols, each long position's loss capped at what it is worth; `factors` sum to `pnl` less
    `spared_by_caps`.
    """

    pnl: float
    pnl_of_nav: float | None
    """Null where NAV is not positive."""
    standard_error: float | None
    """USD. A capped loss adds none: it stays what it is however far its loadings are off. Null with the answer's
    `standard_error_reason`."""
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
    standard_error_coverage: float | None
    """The share of the gross market value in these numbers whose loadings were estimated from series that are still
    kept: of that standard errors speak. Null where nothing entered."""
    standard_error_reason: ErrorReason | None
    """`nothing_estimated`: all loadings are assumed, and nobody knows how far they are off."""
    excluded: list[ExcludedSymbol]
