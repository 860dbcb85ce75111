"""How files spell numbers and dates, brought to the one spelling that the rules read. What cannot be read stays as it
is, so that the rules refuse it and show what was sent."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from onboarding.imports.values import is_absent, read_date, read_number

_SPACES = re.compile(r"[\s'’\u00a0\u202f]")
_CURRENCY = re.compile(r"(?:US\$|USD|EUR|GBP|CHF|[$€£])", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),[0-9]+")
_COMMA_AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_POINT_AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_POINTS_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}")

PRICE_STEP = Decimal(1).scaleb(-8)
LARGEST_MAGNITUDE = 18
"""Numbers with more digits before the point are left to the rules, which refuse them."""


def plain_number(text: str, *, decimal_comma: bool = False) -> str:
    """`1 757,95`, `1.757,95`, `1'757.95`, `€88.94` or `(6.97)` as a number with a decimal point.

    `1,234` and `1.234` mean two things: `decimal_comma` says how the file writes. Other commas tell by themselves.
    """
    bare = _CURRENCY.sub("", _SPACES.sub("", text))
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if negative else bare
    ambiguous = _COMMA_AMBIGUOUS.fullmatch(bare) and not decimal_comma
    if _DECIMAL_COMMA.fullmatch(bare) and not ambiguous:
        bare = bare.replace(".", "").replace(",", ".")
    elif decimal_comma and (_POINTS_THOUSANDS.fullmatch(bare) or _POINT_AMBIGUOUS.fullmatch(bare)):
        bare = bare.replace(".", "")
    try:
        number = read_number(bare)
    except ValueError:
        return text
    return format(-number if negative else number, "f") if abs(number.adjusted()) < 60 else text


def has_decimal_commas(texts: Sequence[str]) -> bool:
    """Whether numbers among `texts` have commas that can only be decimal ones, and none has a decimal point."""
    bare = [_SPACES.sub("", text) for text in texts]
    commas = any(_DECIMAL_COMMA.fullmatch(text) and not _COMMA_AMBIGUOUS.fullmatch(text) for text in bare)
    points = any(re.fullmatch(r"[+-]?[0-9,]*\.[0-9]+", text) and not _POINT_AMBIGUOUS.fullmatch(text) for text in bare)
    return commas and not points


@lru_cache(maxsize=8_192)  # a file's days repeat themselves, and strptime is slow
def iso_date(text: str, *forms: str) -> str:
    """The date of `text`, written in one of `forms` (strptime) or beginning as ISO, as `2024-12-31`."""
    try:
        return read_date(text[:10]).isoformat()
    except ValueError:
        pass
    for form in forms:
        try:
            return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a calendar date, of no zone
        except ValueError:
            continue
    return text


def as_date(text: str, *forms: str) -> date | None:
    """The same as a date; null where there is none."""
    try:
        return read_date(iso_date(text, *forms))
    except ValueError:
        return None


def number_or_none(text: str) -> Decimal | None:
    """The number in `text`; null where there is none or it cannot be read."""
    if is_absent(text.strip()):
        return None
    try:
        return read_number(text)
    except ValueError:
        return None


def unsigned(text: str) -> str:
    """The same quantity without its sign: files write sales both ways."""
    bare = text.strip()
    if bare.startswith("(") and bare.endswith(")"):
        return bare[1:-1]
    return bare.removeprefix("-")


def price_per_share(amount: str, quantity: str, multiplier: Decimal = Decimal(1)) -> str | None:
    """|amount / (quantity × multiplier)|, rounded half to even at 8 decimals; null where it cannot be told or is 0.

    A total of 0 is no price: files write it where they do not know one.
    """
    total, count = number_or_none(amount), number_or_none(quantity)
    if not total or not count or max(abs(total.adjusted()), abs(count.adjusted())) > LARGEST_MAGNITUDE:
        return None
    price = abs(total / (count * multiplier))
    if price.adjusted() <= LARGEST_MAGNITUDE:
        price = price.quantize(PRICE_STEP, rounding=ROUND_HALF_EVEN)
    return format(price, "f") if price else None
