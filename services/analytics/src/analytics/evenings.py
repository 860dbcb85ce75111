"""What was held of each symbol on evenings gone by, valued by the price rule, and what trading between them made."""

from dataclasses import dataclass

import numpy as np

from analytics.ledger import Ledger, Lots, Splits
from riskstream.market.arrays import Days, Floats

STALE_SESSIONS = 5
"""A close this many sessions old still is a price (`domain.md` §3)."""


@dataclass(frozen=True)
class Evenings:
    """Of T + 1 evenings and S symbols, USD."""

    values: Floats
    """(T + 1, S) signed, net of all lots; 0 where nothing is held, NaN where what is held has no price."""
    gross_values: Floats
    """(T + 1, S) Σ |value| of the lots; NaN as `values`."""
    held_pnl: Floats
    """(T, S) what prices alone made of what was held before the day, splits undone, without dividends and
    distributions; NaN where either evening has no price."""
    trading_pnl: Floats
    """(T, S) of lots opened on the day against its close, `q·m·(P_t − entry)`, and of lots closed on it,
    `q·m·(exit − P_t)`; 0 for a lot whose symbol has no price that evening."""
    traded: Floats
    """(T, S) USD turned over by entries and exits, not negative."""


def evenings_of(ledger: Ledger) -> Evenings:
    """Value every lot on every evening.

    Quantities and prices are taken to what one share was before the symbol's first split: prices times the product of
    the ratios gone ex by their day, quantities over that of their entry date. A split then changes neither. A close
    counts on its session and the five after it; with an older one, or none, a holding has no price.
    """
    lots, days = ledger.lots, ledger.sessions[ledger.evenings]
    undone = np.ones(ledger.closes.shape)
    for column in np.unique(ledger.splits.symbol):
        undone[:, column] = _splits_until(ledger.splits, int(column), ledger.sessions)
    prices = _carried(ledger.closes * undone)[ledger.evenings]
    at_entry, at_exit = (
        _at(ledger.splits, lots.symbol, lots.entry_date),
        _at(ledger.splits, lots.symbol, lots.exit_date),
    )
    shares = lots.quantity / at_entry
    opened, closed = np.searchsorted(days, lots.entry_date), _closed(lots, days)
    begins = np.searchsorted(days, lots.begins)
    in_opening = lots.entry_date <= lots.begins
    opened = np.where(in_opening, begins, opened)
    place = np.arange(len(days))[:, None]
    held = (opened <= place) & (place < closed)
    values, gross = (_by_symbol(np.where(held, amount, 0.0), ledger) for amount in (shares, np.abs(shares)))
    before = values[:-1]
    moved = np.where(before != 0, before * (prices[1:] - prices[:-1]), 0.0)

    at_close = prices[:, lots.symbol]
    bought = (opened == place) & ~in_opening & (opened <= closed) & (place > 0)
    sold = (closed == place) & ((opened < closed) | ~in_opening) & (opened <= closed) & (place > 0)
    made = np.where(bought, shares * (at_close - lots.entry_price * at_entry), 0.0)
    made += np.where(sold, shares * (lots.exit_price * at_exit - at_close), 0.0)
    turned = np.where(bought, np.abs(lots.quantity) * lots.entry_price, 0.0)
    turned += np.where(sold, np.abs(shares) * lots.exit_price * at_exit, 0.0)
    return Evenings(
        values=np.where(values != 0, values * prices, 0.0),
        gross_values=np.where(gross != 0, gross * prices, 0.0),
        held_pnl=moved,
        trading_pnl=_by_symbol(np.where(np.isnan(made), 0.0, made), ledger)[1:],
        traded=_by_symbol(turned, ledger)[1:],
    )


def _closed(lots: Lots, days: Days) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """(L,) the evening from which the lot is no longer there; beyond the last for one that stays."""
    return np.where(np.isnat(lots.exit_date), len(days), np.searchsorted(days, lots.exit_date))


def _splits_until(splits: Splits, column: int, days: Days) -> Floats:
    """(N,) the product of the symbol's ratios that have gone ex by each of the days."""
    ours = splits.symbol == column
    order = np.argsort(splits.ex_date[ours], kind="stable")
    products = np.concatenate([[1.0], np.cumprod(splits.ratio[ours][order])])
    found: Floats = products[np.searchsorted(splits.ex_date[ours][order], days, side="right")]
    return found


def _at(splits: Splits, symbol: "np.ndarray[tuple[int], np.dtype[np.intp]]", days: Days) -> Floats:
    """(L,) the product of each lot's symbol's ratios that have gone ex by its day; 1 for NaT."""
    found = np.ones(len(symbol))
    for column in np.unique(splits.symbol):
        ours = (symbol == column) & ~np.isnat(days)
        found[ours] = _splits_until(splits, int(column), days[ours])
    return found


def _carried(prices: Floats) -> Floats:
    """(N, S) with every price carried on for five sessions, or to the next one."""
    sessions = np.arange(len(prices))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(prices), -1, sessions), axis=0)
    carried = np.take_along_axis(prices, np.maximum(last, 0), axis=0)
    return np.where((last >= 0) & (sessions - last <= STALE_SESSIONS), carried, np.nan)


def _by_symbol(amounts: Floats, ledger: Ledger) -> Floats:
    """(E, L) → (E, S), each symbol's lots one after the other, so that what cancels out comes to 0."""
    total = np.zeros((len(ledger.symbols), len(amounts)))
    np.add.at(total, ledger.lots.symbol, amounts.T)
    return total.T
