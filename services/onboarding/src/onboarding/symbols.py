"""How symbols are spelled: the dash form (BRK-B), decided here and nowhere else."""

import re

LONGEST_PUBLIC = 12
LONGEST_OTHER = 64
"""Options and private holdings carry contract codes and names that people chose."""

_PUBLIC = re.compile(r"[A-Z0-9^][A-Z0-9^=-]*")
_OTHER = re.compile(r"[A-Z0-9][A-Z0-9 ._&/()+'-]*")


def normalise(symbol: str) -> str:
    """A listed symbol in the form the symbol layer knows: upper case, class shares after a dash.

    `brk.b`, `BRK/B` and `BRK-B` are one symbol. What cannot be a symbol is returned as it is, to be refused by
    `is_listed_symbol`.
    """
    return upper_case(symbol.strip()).replace(".", "-").replace("/", "-")


def upper_case(text: str) -> str:
    """ASCII in upper case; other text as it is, since upper case turns one letter into others there (ß into SS)."""
    return text.upper() if text.isascii() else text


def is_listed_symbol(symbol: str) -> bool:
    """Whether a normalised symbol consists of characters that listed symbols have."""
    return _PUBLIC.fullmatch(symbol) is not None and not symbol.endswith("-")


def is_holding_name(name: str) -> bool:
    """Whether the upper-case name of an option or a private holding is plain printable text."""
    return _OTHER.fullmatch(name) is not None
