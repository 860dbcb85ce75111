"""Numbers and dates as people write them, read exactly: a decimal never passes through a float."""

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

ABSENT = frozenset({"", "--", "-", "N/A"})
"""How files say that there is no value."""

_LONGEST_ABSENT = max(map(len, ABSENT))
_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST_NUMBER = 60


def is_absent(text: str) -> bool:
    """Whether `text`, already stripped, says that there is no value."""
    return not text or (len(text) <= _LONGEST_ABSENT and text.upper() in ABSENT)


@lru_cache(maxsize=8_192)  # files repeat themselves, and what is no number is not kept
def read_number(text: str) -> Decimal:
    """`1234.56`, `1,234.56`, `$1,234.56`, `-5`, `($126.93)` (negative) or `1.5E+3`, exactly.

    ValueError for everything else: NaN and Infinity, a comma that does not part thousands, digits of other scripts.
    """
    bare = text.strip()
    negative = bare.startswith("(") and bare.endswith(")")
    if negative:
        bare = bare[1:-1].strip()
    bare = _without_dollar(bare)
    digits = bare.partition("e")[0].partition("E")[0]
    if len(bare) > _LONGEST_NUMBER or not _NUMBER.fullmatch(bare) or not any(c.isdigit() for c in digits):
        raise ValueError(f"{text[:_LONGEST_NUMBER]!r} is not a number")
    if negative and bare[0] in "+-":
        raise ValueError(f"{text!r} has two signs")
    number = Decimal(bare.replace(",", ""))
    return -number if negative else number


def _without_dollar(text: str) -> str:
    if text.startswith("$"):
        return text[1:].lstrip()
    if text[:1] in {"-", "+"} and text[1:2] == "$":
        return text[0] + text[2:]
    return text


def fit(number: Decimal, places: int) -> Decimal:
    """`number` rounded half to even at `places` decimals, as it is stored. The magnitude must have been checked."""
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def read_date(text: str) -> date:
    """An ISO calendar date, `2024-12-31`; ValueError for every other form, ISO week dates included."""
    if not _DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date of the form 2024-12-31")
    return date.fromisoformat(text)


def years_before(day: date, years: int) -> date:
    """The same calendar day `years` earlier; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
