"""What some measures need beside the newest valuation: the portfolio's own past, and that of symbols."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from analytics.ledger import Ledger
from riskstream.market.arrays import Days, Floats


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a measure asks for, given the book and the parameters."""

    symbols: frozenset[str] = frozenset()
    """Beside those of the book: what the edition must show of them if it holds them at all."""
    snapshots: bool = False
    returns_of: frozenset[str] = frozenset()
    """Symbols whose returns are wanted."""
    since: date | None = None
    """The first session of these returns; None is the portfolio's first snapshot."""
    until: date | None = None
    """The last one; None, as any later one, is the book's session."""
    ledger: bool = False
    """Whether the lots held from `since` to `until` are wanted, evening by evening."""

    @property
    def of_the_past(self) -> bool:
        """Whether anything must be read that is neither in the book nor in the edition."""
        return self.snapshots or self.ledger or bool(self.returns_of)


@dataclass(frozen=True)
class Snapshots:
    """The T snapshots of a portfolio up to the book's session, ascending; amounts in USD.

    `daily_return` (T,) is NaN where NAV was not positive before; the first one's P&L is 0 and its return NaN.
    """

    sessions: Days
    nav: Floats
    pnl: Floats
    flow: Floats
    """Deposits less withdrawals, at the close of the session."""
    daily_return: Floats


@dataclass(frozen=True)
class Returns:
    """Daily total returns (S, T) in decimals of `symbols` on consecutive `sessions`, NaN where there is none.

    A missing close makes both adjoining returns missing. The first return is that of the first session on the close
    before it.
    """

    symbols: tuple[str, ...]
    sessions: Days
    returns: Floats

    def of(self, symbol: str) -> Floats:
        """(T,); all NaN for a symbol that was not asked for or has no close."""
        if symbol not in self.symbols:
            return np.full(len(self.sessions), np.nan)
        found: Floats = self.returns[self.symbols.index(symbol)]
        return found


_NO_DAYS: NDArray[np.datetime64] = np.array([], dtype="datetime64[D]")


@dataclass(frozen=True)
class Past:
    """What was asked for by a `Wanted`; what was not asked for is None or empty."""

    snapshots: Snapshots | None = None
    returns: Returns = field(default_factory=lambda: Returns((), _NO_DAYS, np.empty((0, 0))))
    ledger: Ledger | None = None
    """None too where there is no day between two evenings."""


NOTHING_WANTED = Wanted()
NO_PAST = Past()
