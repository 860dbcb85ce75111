"""A book by symbol: what is held net of each, and which lots no estimate can speak of."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from analytics.book import Book, Position
from analytics.edition import Edition
from riskstream.market.arrays import Floats

OutsideReason = Literal["option", "private", "unpriced", "unknown"]


@dataclass(frozen=True, slots=True)
class Outside:
    """A lot with a value and no estimates: an option, a private one, one without a price or of an unknown symbol."""

    position_id: UUID
    symbol: str
    market_value: float
    reason: OutsideReason


@dataclass(frozen=True)
class Holdings:
    """The N symbols that the book holds at risk and the edition holds too, ascending, and what is outside of them.

    Lots of one symbol are netted, so that splitting one changes nothing; a symbol whose lots cancel out stays in, at 0.
    """

    symbols: tuple[str, ...]
    rows: NDArray[np.intp]
    """(N,) in the edition."""
    market_values: Floats
    """(N,) signed USD, net."""
    gross_values: Floats
    """(N,) USD: Σ |market value| of the symbol's lots."""
    sectors: tuple[str | None, ...]
    outside: tuple[Outside, ...]
    gross: float
    """USD, Σ |market value| of every lot of the book, whether in or outside."""
    nav: float

    @cached_property
    def weights(self) -> Floats | None:
        """(N,) signed market value over NAV; None where NAV is not positive."""
        return self.market_values / self.nav if self.nav > 0 else None

    def coverage(self, entered: NDArray[np.bool_] | None = None) -> float | None:
        """Σ gross value of the symbols that `entered` (N,) a number, all of them by default, over the book's gross.

        None where gross is 0.
        """
        if self.gross == 0:
            return None
        covered = self.gross_values if entered is None else self.gross_values[entered]
        return float(min(covered.sum() / self.gross, 1.0))


def holdings_of(book: Book, edition: Edition) -> Holdings:
    """The book as the edition can speak of it. Lots without value, closed on the session, are left aside."""
    at_risk = [position for position in book.positions if position.market_value != 0]
    why = [outside_reason(position, book.unknown_symbols) for position in at_risk]
    inside = [
        position
        for position, reason in zip(at_risk, why, strict=True)
        if reason is None and position.symbol in edition.index
    ]
    symbols = tuple(sorted({position.symbol for position in inside}))
    place = {symbol: n for n, symbol in enumerate(symbols)}
    market_values, gross_values = np.zeros(len(symbols)), np.zeros(len(symbols))
    sectors: list[str | None] = [None] * len(symbols)
    for position in inside:
        n = place[position.symbol]
        market_values[n] += position.market_value
        gross_values[n] += abs(position.market_value)
        sectors[n] = position.sector
    outside = tuple(
        Outside(position.position_id, position.symbol, position.market_value, reason or "unknown")
        for position, reason in zip(at_risk, why, strict=True)
        if reason is not None or position.symbol not in place
    )
    return Holdings(
        symbols=symbols,
        rows=edition.rows(symbols),
        market_values=market_values,
        gross_values=gross_values,
        sectors=tuple(sectors),
        outside=outside,
        gross=float(np.abs(book.market_values).sum()),
        nav=book.snapshot.nav,
    )


def outside_reason(position: Position, unknown: frozenset[str]) -> OutsideReason | None:
    """Why nothing can be estimated of the lot; None where something may."""
    if position.investment_class == "OPTIONS":
        return "option"
    if position.investment_class == "PRIVATE":
        return "private"
    if position.price_status == "unpriced":
        return "unpriced"
    if position.symbol in unknown:
        return "unknown"
    return None
