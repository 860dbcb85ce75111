"""What is valued: lots, cash flows, where each portfolio stands before the fold, and the market it is valued on."""

from dataclasses import dataclass

import numpy as np

from portfolio_refresh.valuation.arrays import Bools, Days, Floats, Ints
from portfolio_refresh.valuation.ratios import Ratios

NO_SYMBOL = -1
"""The symbol of a lot that is valued by hand: options and private holdings."""


@dataclass(frozen=True, slots=True)
class Lots:
    """Lots of several portfolios, all arrays (L,). `portfolio` must not decrease."""

    portfolio: Ints
    symbol: Ints
    """Index into the market's symbols, or `NO_SYMBOL`."""
    quantity: Floats
    """Signed, as of the entry date."""
    multiplier: Floats
    entry_price: Floats
    entry_date: Days
    exit_price: Floats
    """NaN while open, as `exit_date` is NaT."""
    exit_date: Days

    def __len__(self) -> int:
        return len(self.portfolio)

    def of_portfolios(self, start: int, stop: int) -> tuple[slice, "Lots"]:
        """The lots of the portfolios `start` to `stop`, numbered from 0 again, and where they are among these."""
        low, high = np.searchsorted(self.portfolio, [start, stop])
        where = slice(int(low), int(high))
        return where, Lots(
            self.portfolio[where] - start,
            self.symbol[where],
            self.quantity[where],
            self.multiplier[where],
            self.entry_price[where],
            self.entry_date[where],
            self.exit_price[where],
            self.exit_date[where],
        )


@dataclass(frozen=True, slots=True)
class Flows:
    """Deposits (> 0) and withdrawals, all arrays (F,)."""

    portfolio: Ints
    date: Days
    amount: Ints
    """Ten-thousandths of USD."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Where P portfolios stand before the fold, all arrays (P,), amounts in ten-thousandths of USD.

    At a first session `equity` is the declared one, `declared` says whether there is one, and the others are 0.
    Otherwise they are the snapshot of the session before the fold, and `declared` is meaningless.
    """

    equity: Ints
    declared: Bools
    cash: Ints
    cumulative_pnl: Ints

    def __len__(self) -> int:
        return len(self.equity)

    def of_portfolios(self, start: int, stop: int) -> "Opening":
        part = slice(start, stop)
        return Opening(self.equity[part], self.declared[part], self.cash[part], self.cumulative_pnl[part])


@dataclass(frozen=True, slots=True)
class Market:
    """Prices as traded and the ledger of actions of K symbols.

    `calendar` is every session that has prices, ascending, up to the edition's. Closes are (N,) triples in any order:
    they must hold, for each symbol, those of the fold's sessions and of the six before, and where none of these six
    has one, the last before them. Dividends (D,) are USD per share as traded before the ex-date.
    """

    calendar: Days
    symbols: int
    close_symbol: Ints
    close_session: Ints
    """Index into the calendar."""
    close: Floats
    splits: Ratios
    distributions: Ratios
    dividend_symbol: Ints
    dividend_date: Days
    dividend: Floats
