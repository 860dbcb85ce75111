"""How a listed symbol is written: the dash form in capitals, decided here for every service."""

import re

LONGEST = 12

_LISTED = re.compile(r"[A-Z0-9^][A-Z0-9^=]*(-[A-Z0-9=]+)*")


class InvalidSymbolError(ValueError):
    """The text can be no listed symbol."""


def dash_form(text: str) -> str:
    """`brk.b`, `BRK/B` and `BRK-B` are all `BRK-B`. What cannot be a symbol comes back as something that is none."""
    return upper_case(text.strip()).replace(".", "-").replace("/", "-")


def upper_case(text: str) -> str:
    """ASCII in upper case; other text as it is, since upper case turns one letter into others there (ß into SS)."""
    return text.upper() if text.isascii() else text


def has_symbols_characters(symbol: str) -> bool:
    """Whether text in dash form is made as listed symbols are; how long it is does not matter here."""
    return _LISTED.fullmatch(symbol) is not None


def normalise(text: str) -> str:
    """The dash form of a listed symbol. Raises InvalidSymbolError for what can be none."""
    symbol = dash_form(text)
    if len(symbol) > LONGEST:
        raise InvalidSymbolError(f"{text[:40]!r} is not a symbol; the longest have {LONGEST} characters")
    if not has_symbols_characters(symbol):
        raise InvalidSymbolError(f"{text!r} is not a symbol; write letters and digits, and a share class as in BRK-B")
    return symbol
