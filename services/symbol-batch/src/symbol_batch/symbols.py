"""How a symbol is written: the one place that knows."""

import re

_DASH_FORM = re.compile(r"[A-Z0-9^][A-Z0-9^=]{0,11}(-[A-Z0-9]{1,4})?")


class InvalidSymbolError(ValueError):
    """The text can be no symbol."""


def normalise(text: str) -> str:
    """The dash form in capitals: `brk.b`, `BRK/B` and `BRK-B` are all `BRK-B`. Raises InvalidSymbolError."""
    symbol = text.strip().upper().replace(".", "-").replace("/", "-")
    if not _DASH_FORM.fullmatch(symbol):
        raise InvalidSymbolError(f"{text!r} is not a symbol; write letters and digits, and a share class as in BRK-B")
    return symbol
