"""A book by symbol: what is held net of each, and which lots no estimate can speak of."""

from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from analytics.book import Book, OutsideReason
from analytics.edition import Edition
from riskstream.market.arrays import Floats


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
    lots: NDArray[np.intp]
    """(N,) how many of the symbol's there are."""
    place_of_lot: NDArray[np.intp]
    """(L,) of each of the book's positions: the place of its symbol here, −1 where it is not at risk or outside."""
    sectors: tuple[str | None, ...]
    outside: tuple[Outside, ...]
    gross: float
    """USD, Σ |market value| of every lot of the book, whether in or outside."""
    nav: float

    @cached_property
    def by_sector(self) -> tuple[tuple[str, ...], NDArray[np.intp]]:
        """The sectors held, ascending, the empty one for none; and (N,) the place of each symbol's among them."""
        names = tuple(sorted({sector or "" for sector in self.sectors}))
        place: dict[str | None, int] = {name: n for n, name in enumerate(names)}
        place[None] = 0
        return names, np.fromiter(map(place.__getitem__, self.sectors), np.intp, len(self.sectors))

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
    columns = book.columns
    at_risk = columns.market_values != 0
    rows = edition.rows(columns.names)
    inside = at_risk & (rows >= 0)[columns.name_of]
    inside[list(book.outside)] = False
    places = np.flatnonzero(inside)
    values, names = columns.market_values[places], columns.name_of[places]
    held = np.bincount(names, minlength=len(rows)) > 0
    of = (np.cumsum(held) - 1)[names]
    count = int(held.sum())
    place_of_lot = np.full(len(inside), -1, dtype=np.intp)
    place_of_lot[places] = of
    # Of several lots of a symbol the last one's place stays.
    last = np.empty(count, dtype=np.intp)
    last[of] = places
    outside = tuple(
        Outside(lot.position_id, lot.symbol, lot.market_value, book.outside.get(n, "unknown"))
        for n in np.flatnonzero(at_risk & ~inside).tolist()
        for lot in (book.positions[n],)
    )
    return Holdings(
        symbols=tuple(compress(columns.names, held)),
        rows=rows[held],
        market_values=np.asarray(np.bincount(of, values, count), dtype=np.float64),
        gross_values=np.asarray(np.bincount(of, np.abs(values), count), dtype=np.float64),
        lots=np.bincount(of, minlength=count),
        place_of_lot=place_of_lot,
        sectors=tuple(map(columns.sectors.__getitem__, last.tolist())),
        outside=outside,
        gross=float(np.abs(columns.market_values).sum()),
        nav=book.snapshot.nav,
    )
