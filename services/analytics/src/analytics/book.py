"""A book: one valuation of one portfolio, whole, as the arithmetic reads it."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import compress
from typing import Any, Literal, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from riskstream.market.arrays import Bools, Floats

PriceStatus = Literal["priced", "stale", "unpriced", "manual"]
InvestmentClass = Literal["PUBLIC", "OPTIONS", "PRIVATE"]
OutsideReason = Literal["option", "private", "unpriced", "unknown"]
"""Why nothing can be estimated of a lot."""


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


_FIELDS = len(Position._fields)


@dataclass(frozen=True)
class Columns:
    """The same N lots field by field: what is asked of a thousand of them is asked of all at once."""

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    """The symbols, each once, ascending."""
    name_of: NDArray[np.intp]
    """(N,) the place of the lot's symbol in `names`."""
    sectors: tuple[str | None, ...]
    sector_names: tuple[str, ...]
    """What the lot is counted under: its sector, PRIVATE if it is that, nothing where no profile says."""
    market_values: Floats
    """(N,) signed USD."""
    options: Bools
    private: Bools
    unpriced: Bools

    @property
    def public(self) -> Bools:
        """Neither of both."""
        return ~(self.options | self.private)


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
    def columns(self) -> Columns:
        """In the order of `positions`."""
        fields: Any = Position._make(zip(*self.positions, strict=True) if self.positions else ((),) * _FIELDS)
        count = len(self.positions)
        names = tuple(sorted(set(fields.symbol)))
        place = dict(zip(names, range(len(names)), strict=True))
        return Columns(
            symbols=fields.symbol,
            names=names,
            name_of=np.fromiter(map(place.__getitem__, fields.symbol), np.intp, count),
            sectors=fields.sector,
            sector_names=tuple(
                [
                    "PRIVATE" if what == "PRIVATE" else sector or ""
                    for what, sector in zip(fields.investment_class, fields.sector, strict=True)
                ]
            ),
            market_values=np.array(fields.market_value, dtype=np.float64),
            options=np.fromiter(map("OPTIONS".__eq__, fields.investment_class), bool, count),
            private=np.fromiter(map("PRIVATE".__eq__, fields.investment_class), bool, count),
            unpriced=np.fromiter(map("unpriced".__eq__, fields.price_status), bool, count),
        )

    @property
    def market_values(self) -> Floats:
        """(N,) signed USD, in the order of `positions`."""
        return self.columns.market_values

    @cached_property
    def outside(self) -> Mapping[int, OutsideReason]:
        """The places in `positions` of lots of which nothing can be estimated, and why."""
        columns = self.columns
        reasons: dict[int, OutsideReason] = {}
        if self.unknown_symbols:
            reasons |= {n: "unknown" for n, symbol in enumerate(columns.symbols) if symbol in self.unknown_symbols}
        # Of several reasons the one given is that of what it is, then that it has no price.
        reasons |= dict.fromkeys(np.flatnonzero(columns.unpriced).tolist(), "unpriced")
        reasons |= dict.fromkeys(np.flatnonzero(columns.private).tolist(), "private")
        reasons |= dict.fromkeys(np.flatnonzero(columns.options).tolist(), "option")
        return reasons

    @cached_property
    def weights(self) -> Floats | None:
        """(N,) signed market value over NAV; null where NAV is not positive, for then no weight means anything."""
        return self.market_values / self.snapshot.nav if self.snapshot.nav > 0 else None

    def public_lots(self, symbol: str) -> list[int]:
        """The places in `positions` of the symbol's public lots, in their order."""
        columns = self.columns
        place = bisect_left(columns.names, symbol)
        if place == len(columns.names) or columns.names[place] != symbol:
            return []
        found: list[int] = np.flatnonzero((columns.name_of == place) & columns.public).tolist()
        return found

    @cached_property
    def estimable_symbols(self) -> frozenset[str]:
        """The symbols that the book's edition holds: those of public positions, known when it was folded."""
        return frozenset(compress(self.columns.symbols, self.columns.public)) - self.unknown_symbols
