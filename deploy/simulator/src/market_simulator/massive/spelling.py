"""How Massive writes a symbol: classes with a dot."""

from __future__ import annotations


def massive_ticker(symbol: str) -> str:
    """BRK-B is BRK.B."""
    return symbol.replace("-", ".")


def listed_symbol(ticker: str) -> str:
    """BRK.B is BRK-B."""
    return ticker.upper().replace(".", "-")
