"""The eight factors of the risk model, in the order in which they are stored."""

from dataclasses import dataclass

import numpy as np

from riskstream.market.arrays import Floats

BENCHMARKS = ("SPY", "TLT", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV")
"""The funds that every factor is made of, in the order of their columns."""


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """The daily total return of `long`, minus that of `short` where there is one."""

    name: str
    slug: str
    long: str
    short: str | None = None


def _style(name: str, slug: str, etf: str) -> RiskFactor:
    """A style fund carries the market; without it the style is left, and loadings on market and styles add up."""
    return RiskFactor(name, slug, etf, "SPY")


RISK_FACTORS = (
    RiskFactor("Market", "market", "SPY"),
    RiskFactor("Rates", "rates", "TLT"),
    _style("Value", "value", "VTV"),
    _style("Growth", "growth", "VUG"),
    _style("Momentum", "momentum", "MTUM"),
    _style("Quality", "quality", "QUAL"),
    _style("Size", "size", "IWM"),
    _style("Low Volatility", "low_volatility", "USMV"),
)
MARKET = 0
"""Where the market stands among them."""
RIDGE_PENALTIES = tuple(0.0 if index == MARKET else 1.0 for index in range(len(RISK_FACTORS)))
"""On each standardised factor where loadings are estimated: the market's is free (`domain.md` §4)."""


def risk_factor_returns(benchmark_returns: Floats) -> Floats:
    """(T, 8) in the order of `RISK_FACTORS`, from benchmark returns (T, 8) in the order of `BENCHMARKS`."""
    column = {symbol: benchmark_returns[:, index] for index, symbol in enumerate(BENCHMARKS)}
    series = [column[one.long] - (column[one.short] if one.short else 0.0) for one in RISK_FACTORS]
    return np.stack(series, axis=1)
