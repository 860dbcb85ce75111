"""What a portfolio held on evenings gone by, lot by lot, and what was known of it on each of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskstream.market.arrays import Bools, Days, Floats

NEVER = np.datetime64("NaT")


@dataclass(frozen=True)
class Lots:
    """L lots of listed symbols, all arrays (L,)."""

    symbol: NDArray[np.intp]
    """Its place among the ledger's symbols."""
    quantity: Floats
    """Signed, as of the entry date."""
    entry_date: Days
    entry_price: Floats
    exit_date: Days
    """NaT while open, as `exit_price` is NaN."""
    exit_price: Floats
    begins: Days
    """The first snapshot of the lot's portfolio: what was entered up to it belongs to the opening state."""

    def __len__(self) -> int:
        return len(self.symbol)


@dataclass(frozen=True)
class Splits:
    """Of the ledger's symbols from their first on, all arrays (A,), in any order."""

    symbol: NDArray[np.intp]
    ex_date: Days
    ratio: Floats


@dataclass(frozen=True)
class Ledger:
    """T days, each from one evening to the next, and the S listed symbols of the lots held in them, ascending.

    Evenings are sessions with a snapshot. A day is the session that ends it; what was known on the evening before is in
    the day's row.
    """

    sessions: Days
    """(N,) the calendar from five sessions before the first evening on."""
    evenings: NDArray[np.intp]
    """(T + 1,) their places among `sessions`, ascending."""
    symbols: tuple[str, ...]
    lots: Lots
    splits: Splits
    closes: Floats
    """(N, S) as traded, USD; NaN where there is none."""
    returns: Floats
    """(T, S) total return of the day; NaN where there is none, and on a day of several sessions."""
    factor_returns: Floats
    """(T, 8)"""
    betas: Floats
    """(T, S, 8) loadings of the last edition of the evening before; NaN where there are none."""
    assumed: Bools
    """(T, S) whether they are assumed, for want of history."""
    loadings_session: Days
    """(T,) the session of that edition, or of the last one within five sessions before; NaT where there is none."""
    fees: Floats
    """(T,) USD paid on the day, not negative."""
    gross: Floats
    """(T,) USD, Σ |market value| of everything held on the evening before, by hand valued included."""
    by_hand: tuple[str, ...]
    """Options and private holdings held in these days, ascending."""
    newer: bool
    """Whether a lot was changed after the valuation: what was held then can no longer be read."""
