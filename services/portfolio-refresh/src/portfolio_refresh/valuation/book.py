"""What is valued: lots, cash flows, where each portfolio stands before the fold, and the market it is valued on."""

from dataclasses import dataclass

import numpy as np

from portfolio_refresh.valuation.arrays import Bools, Days, Floats, Ints
from portfolio_refresh.valuation.by_hand import HandPrices
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
    entry_fee: Ints
    """Ten-thousandths of USD, as `exit_fee`; never negative."""
    exit_price: Floats
    """NaN while open, as `exit_date` is NaT."""
    exit_date: Days
    exit_fee: Ints
    underlying: Ints
    """Of options the index of what they are on; `NO_SYMBOL` for others."""
    right: Ints
    """1 for a call, −1 for a put, 0 for what is no option."""
    strike: Floats
    """USD per share of the underlying as of the entry date; NaN for what is no option."""
    expires: Days
    """NaT for what does not expire."""
    series: Ints
    """Index into `by_hand`, or `NO_SERIES`."""
    by_hand: HandPrices

    def __len__(self) -> int:
        return len(self.portfolio)

    @property
    def split_symbol(self) -> Ints:
        """Whose splits multiply the quantity: the lot's own symbol, or an option's underlying."""
        return np.where(self.underlying == NO_SYMBOL, self.symbol, self.underlying)


@dataclass(frozen=True, slots=True)
class Flows:
    """Deposits (> 0), withdrawals and fees (< 0), all arrays (F,)."""

    portfolio: Ints
    date: Days
    amount: Ints
    """Ten-thousandths of USD."""
    fee: Bools
    """Whether it is a fee, which is a loss, and not a flow, which is none."""


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


@dataclass(frozen=True, slots=True)
class Market:
    """Prices as traded and the ledger of actions of K symbols.

    `calendar` is every session that has prices, ascending, up to the edition's. Closes are (N,) triples in any order:
    they must hold, for each symbol, those of the fold's sessions and of the six before; where none of these six has
    one, the last before them; and for each option that has expired those of its expiry's session and the five before.
    Dividends (D,) are USD per share as traded before the ex-date.
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
