"""Who is listed: eight benchmark funds and as many invented companies as asked for. The seed has no say here."""

from __future__ import annotations

from market_simulator.market import Listing

BENCHMARKS: tuple[Listing, ...] = (
    Listing("SPY", "Simulated Large Cap Fund", "ETF", "ETF", "Large Blend"),
    Listing("TLT", "Simulated Long Treasury Fund", "ETF", "ETF", "Long Government"),
    Listing("VTV", "Simulated Value Fund", "ETF", "ETF", "Large Value"),
    Listing("VUG", "Simulated Growth Fund", "ETF", "ETF", "Large Growth"),
    Listing("MTUM", "Simulated Momentum Fund", "ETF", "ETF", "Large Growth"),
    Listing("QUAL", "Simulated Quality Fund", "ETF", "ETF", "Large Blend"),
    Listing("IWM", "Simulated Small Cap Fund", "ETF", "ETF", "Small Blend"),
    Listing("USMV", "Simulated Low Volatility Fund", "ETF", "ETF", "Large Blend"),
)

_SECTORS: tuple[tuple[str, str], ...] = (
    ("Information Technology", "Application Software"),
    ("Health Care", "Health Care Equipment"),
    ("Financials", "Diversified Banks"),
    ("Consumer Discretionary", "Specialty Stores"),
    ("Industrials", "Industrial Machinery"),
    ("Communication Services", "Interactive Media"),
    ("Consumer Staples", "Packaged Foods"),
    ("Energy", "Oil & Gas Exploration"),
    ("Utilities", "Electric Utilities"),
    ("Real Estate", "Office REITs"),
    ("Materials", "Specialty Chemicals"),
)
_CONSONANTS = "BDFGKLMNPRSTVZ"
_VOWELS = "AEIOU"
_SYLLABLES = tuple(consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS)
_SECOND_CLASS = 10
"""The company with this number has its symbol in the dash form of a share class."""

_SHORT = len(_SYLLABLES) ** 2
"""How many four-letter symbols of two syllables there are; later companies have a consonant more."""
MOST_COMPANIES = _SHORT * (1 + len(_CONSONANTS))


def companies(count: int) -> tuple[Listing, ...]:
    """The first `count` companies. A company keeps its symbol, name and sector whatever `count` is."""
    if not 0 <= count <= MOST_COMPANIES:
        raise ValueError(f"{count} companies asked for; the simulator can name 0 to {MOST_COMPANIES}")
    return tuple(_company(number) for number in range(count))


def _company(number: int) -> Listing:
    # 4,900 and 2,017 have no common divisor: neighbours look different and no symbol comes twice.
    place = (number * 2017 + 1234) % _SHORT
    ending = "" if number < _SHORT else _CONSONANTS[number // _SHORT - 1]
    word = _SYLLABLES[place // len(_SYLLABLES)] + _SYLLABLES[place % len(_SYLLABLES)] + ending
    sector, industry = _SECTORS[number % len(_SECTORS)]
    symbol = f"{word}-B" if number == _SECOND_CLASS else word
    return Listing(symbol, f"{word.title()} {industry.split()[-1]} Inc.", "EQUITY", sector, industry)
