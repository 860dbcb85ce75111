"""The sector that a symbol counts in."""

from typing import Final

ETF: Final = "ETF"
"""The bucket of all funds: what they hold lies in many sectors."""

SECTORS: Final = frozenset(
    {
        "Communication Services", "Consumer Discretionary", "Consumer Staples", "Energy", "Financials", "Health Care",
        "Industrials", "Information Technology", "Materials", "Real Estate", "Utilities",
    }
)  # fmt: skip
"""The eleven GICS sectors. https://www.msci.com/our-solutions/indexes/gics"""

_FUNDS = frozenset({"ETF", "MUTUALFUND"})
_YAHOO_NAMES = {
    "Financial Services": "Financials",
    "Consumer Cyclical": "Consumer Discretionary",
    "Consumer Defensive": "Consumer Staples",
    "Basic Materials": "Materials",
    "Technology": "Information Technology",
    "Healthcare": "Health Care",
}


def is_fund(kind: str) -> bool:
    """Whether a kind of security is a fund: no company, so without sector, earnings and statements of its own."""
    return kind.upper() in _FUNDS


def sector_of(kind: str, named: str | None) -> str | None:
    """The GICS sector of a provider's word for it, ETF for every fund; None where the word is missing or means none.

    `kind` is the provider's word for the security (EQUITY, ETF, ...), `named` is Yahoo's name of the sector or the GICS
    name itself, in any case.
    """
    if is_fund(kind):
        return ETF
    if named is None:
        return None
    return _BY_LOWER_CASE.get(" ".join(named.split()).lower())


_BY_LOWER_CASE = {name.lower(): name for name in SECTORS} | {
    theirs.lower(): ours for theirs, ours in _YAHOO_NAMES.items()
}
