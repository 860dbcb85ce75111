"""What a measure of symbols could not take in, named."""

from collections.abc import Mapping
from typing import Literal

from analytics.book import OutsideReason
from analytics.forecast import LackingReason
from analytics.holdings import Holdings
from analytics.measures.measure import Result

ExcludedReason = OutsideReason | LackingReason | Literal["no_returns"]


class ExcludedSymbol(Result):
    """A symbol, or what is held of it in one way, that a figure does without.

    Its value is in NAV and in the denominator of coverage all the same. `market_value` is USD, signed, net.
    """

    symbol: str
    market_value: float
    reason: ExcludedReason


def excluded_symbols(holdings: Holdings, reasons: Mapping[int, ExcludedReason]) -> list[ExcludedSymbol]:
    """What is outside of the holdings, lots of one symbol and reason added up, then holdings by place and reason."""
    outside: dict[tuple[str, ExcludedReason], float] = {}
    for lot in holdings.outside:
        key = lot.symbol, lot.reason
        outside[key] = outside.get(key, 0.0) + lot.market_value
    return [
        *(
            ExcludedSymbol(symbol=symbol, market_value=value, reason=why)
            for (symbol, why), value in sorted(outside.items())
        ),
        *(
            ExcludedSymbol(symbol=holdings.symbols[n], market_value=float(holdings.market_values[n]), reason=why)
            for n, why in sorted(reasons.items())
        ),
    ]
