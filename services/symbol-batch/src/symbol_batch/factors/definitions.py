"""The twelve factors a symbol is measured against, in the order in which they are stored and shown.

They are lenses published side by side, not a risk model: the style funds all carry the market, so their betas do not
add up to anything.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Factor:
    """One regressor and how a symbol's exposure to it is estimated.

    The regressor is the daily total return of `long`, minus that of `short` where there is one. Factors whose method is
    ridge are estimated jointly, one regression on all of them. `window` and `minimum` count sessions.
    """

    name: str
    slug: str
    long: str
    short: str | None
    window: int
    minimum: int
    method: Literal["ols", "ridge"]

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """Every benchmark without which the exposure cannot be estimated: for a joint factor those of all of them."""
        if self.method == "ridge":
            return tuple(factor.long for factor in STYLES)
        return (self.long,) if self.short is None else (self.long, self.short)


def _single(name: str, slug: str, etf: str) -> Factor:
    return Factor(name, slug, etf, None, window=90, minimum=60, method="ols")


def _style(name: str, slug: str, etf: str) -> Factor:
    return Factor(name, slug, etf, None, window=90, minimum=60, method="ridge")


def _spread(name: str, slug: str, long: str, short: str) -> Factor:
    return Factor(name, slug, long, short, window=180, minimum=120, method="ols")


FACTORS = (
    _single("Market Beta", "market_beta", "SPY"),
    _single("IR Beta", "ir_beta", "TLT"),
    _style("Value", "value", "VTV"),
    _style("Growth", "growth", "VUG"),
    _style("Momentum", "momentum", "MTUM"),
    _style("Quality", "quality", "QUAL"),
    _style("Size", "size", "IWM"),
    _style("Low Volatility", "low_volatility", "USMV"),
    _spread("Growth-Value Spread", "growth_value_spread", "VUG", "VTV"),
    _spread("Momentum Spread", "momentum_spread", "MTUM", "SPY"),
    _spread("Size Spread", "size_spread", "IWM", "SPY"),
    _spread("Quality Spread", "quality_spread", "QUAL", "SPY"),
)
STYLES = tuple(factor for factor in FACTORS if factor.method == "ridge")
SESSIONS_NEEDED = max(factor.window for factor in FACTORS)
"""Rows of returns that fill every window; one close more is needed to compute them."""
