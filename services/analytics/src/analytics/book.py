"""A book: one valuation of one portfolio, whole, as the arithmetic reads it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

PriceStatus = Literal["priced", "stale", "unpriced", "manual"]
InvestmentClass = Literal["PUBLIC", "OPTIONS", "PRIVATE"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The portfolio's figures after the session, in USD, as portfolio-refresh stored them; `short` is ≤ 0."""

    nav: float
    cash: float
    long: float
    short: float
    gross: float
    net: float
    pnl: float
    pnl_price: float
    pnl_dividend: float
    pnl_in_kind: float
    pnl_trading: float
    fees: float
    """Not negative: `pnl` has them subtracted."""
    daily_return: float | None
    cumulative_pnl: float
    flow: float
    positions: int
    stale: int
    unpriced: int
    coverage: float | None


class Position(NamedTuple):
    """One lot as of the session; a tuple, because a thousand of them are made for one answer.

    `quantity` is signed and effective: after the splits gone ex since entry.
    `price_session` is the date of the close, or of the price by hand.
    """

    position_id: UUID
    symbol: str
    investment_class: InvestmentClass
    quantity: float
    price: float | None
    price_session: date | None
    price_status: PriceStatus
    sector: str | None
    """A GICS name, ETF or PRIVATE; an option has its underlying's. None where no profile says."""
    market_value: float
    cost_basis: float | None
    """Signed as the quantity. None, as `unrealised_pnl`, in a valuation from before these were kept."""
    unrealised_pnl: float | None
    pnl: float


@dataclass(frozen=True)
class Book:
    """Everything that one valuation says, read in one transaction: versions, snapshot and positions agree.

    `positions` are in the order of their ids and may contain lots closed on the session, with market value 0.
    """

    portfolio: UUID
    valuation: int
    portfolio_version: int
    edition: int
    session: date
    run_id: UUID
    """The run that published the edition."""
    unknown_symbols: frozenset[str]
    """Held, but not in the edition when the book was folded. They stay unknown for as long as this valuation is the
    head, even if the edition gains them: an answer is the same whoever computes it, and whenever."""
    snapshot: Snapshot
    positions: tuple[Position, ...]

    @cached_property
    def market_values(self) -> NDArray[np.float64]:
        """(N,) signed USD, in the order of `positions`."""
        return np.array([position.market_value for position in self.positions], dtype=np.float64)

    @cached_property
    def weights(self) -> NDArray[np.float64] | None:
        """(N,) signed market value over NAV; null where NAV is not positive, for then no weight means anything."""
        return self.market_values / self.snapshot.nav if self.snapshot.nav > 0 else None

    @cached_property
    def public_lots(self) -> Mapping[str, tuple[int, ...]]:
        """The places in `positions` of each symbol's public lots, in their order."""
        places: dict[str, list[int]] = defaultdict(list)
        for place, position in enumerate(self.positions):
            if position.investment_class == "PUBLIC":
                places[position.symbol].append(place)
        return {symbol: tuple(held) for symbol, held in places.items()}

    @cached_property
    def estimable_symbols(self) -> frozenset[str]:
        """The symbols that the book's edition holds: those of public positions, known when it was folded."""
        return frozenset(
            position.symbol
            for position in self.positions
            if position.investment_class == "PUBLIC" and position.symbol not in self.unknown_symbols
        )
