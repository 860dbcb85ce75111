"""The price rule: which close values a position on a session, and how good it is."""

from dataclasses import dataclass

import numpy as np

from portfolio_refresh.valuation.arrays import Bools, Floats, Ints
from portfolio_refresh.valuation.book import NO_SYMBOL, Lots, Market

STALE_SESSIONS = 5
"""A close this many sessions old still is a price; an older one only keeps the value where it was."""

PRICED, STALE, UNPRICED, MANUAL = range(4)
STATUS_WORDS = ("priced", "stale", "unpriced", "manual")


@dataclass(frozen=True, slots=True)
class Marks:
    """The last close at or before each of T sessions, of K symbols, however old: arrays (K, T)."""

    session: Ints
    """Index into the calendar; −1 where there is none yet."""
    close: Floats
    """As traded on `session`; NaN where there is none."""


def marks(market: Market, columns: Ints) -> Marks:
    """The marks of the calendar's sessions `columns` (T,), which must not decrease."""
    first, last = int(columns[0]), int(columns[-1])
    width = last - first + 1
    session = np.full((market.symbols, width), -1, dtype=np.int64)
    close = np.full((market.symbols, width), np.nan)
    usable = market.close_session <= last
    # In order of session: of several closes before the first column the last one stays.
    order = np.lexsort((market.close_session[usable], market.close_symbol[usable]))
    symbols, sessions = market.close_symbol[usable][order], market.close_session[usable][order]
    place = np.maximum(sessions - first, 0)
    session[symbols, place] = sessions
    close[symbols, place] = market.close[usable][order]
    source = np.maximum.accumulate(np.where(session >= 0, np.arange(width), 0), axis=1)
    rows = np.arange(market.symbols)[:, None]
    source = source[:, columns - first]
    return Marks(session[rows, source], close[rows, source])


@dataclass(frozen=True, slots=True)
class LotPrices:
    """What values each of L lots on each of T sessions: arrays (L, T)."""

    value_per_quantity: Floats
    """USD for one unit of the quantity as of the entry date, multiplier apart."""
    price: Floats
    """USD per share as of that session; NaN where `status` is unpriced."""
    status: Ints
    fresh: Bools
    """Whether the price is that session's own close."""
    marked: Bools
    """Whether the lot ever had a price up to that session."""
    mark_session: Ints
    """The calendar index of the close that values it; meaningless where not `marked`."""
    effective: Floats
    """`Π ratio(splits with entry_date < ex_date ≤ t)`, by which the quantity is multiplied."""


def lot_prices(lots: Lots, market: Market, entry_session: Ints, columns: Ints) -> LotPrices:
    """Apply the price rule to each lot: last close ≤ t within 5 sessions.

    A close from up to 5 sessions before the entry serves too, since it is a price on the entry's session. Without any,
    a lot keeps its last value: that of its last price, or of its entry price. Lots without a symbol are valued at
    their entry price, status manual.
    """
    by_symbol = marks(market, columns)
    manual = (lots.symbol == NO_SYMBOL)[:, None]
    if market.symbols:
        mark_session, close = by_symbol.session[lots.symbol], by_symbol.close[lots.symbol]
    else:
        mark_session = np.full((len(lots), len(columns)), -1, dtype=np.int64)
        close = np.full((len(lots), len(columns)), np.nan)
    marked = ~manual & (mark_session >= 0) & (mark_session >= entry_session[:, None] - STALE_SESSIONS)
    mark_dates = market.calendar[np.maximum(mark_session, 0)]
    symbol = lots.symbol[:, None]
    splits_at_mark = market.splits.until(symbol, mark_dates)
    splits_at_entry = market.splits.until(lots.symbol, lots.entry_date)[:, None]
    splits_now = market.splits.until(symbol, market.calendar[columns][None, :])
    entry_price = lots.entry_price[:, None]
    # The quantity as it was at the close's own session: a split since then leaves the value alone.
    value = np.where(marked, close * (splits_at_mark / splits_at_entry), entry_price)
    age = columns[None, :] - mark_session
    status = np.where(
        manual, MANUAL, np.where(marked & (age <= STALE_SESSIONS), np.where(age == 0, PRICED, STALE), UNPRICED)
    )
    price = np.where(manual, entry_price, np.where(status == UNPRICED, np.nan, close * (splits_at_mark / splits_now)))
    return LotPrices(
        value_per_quantity=value,
        price=price,
        status=status.astype(np.int64),
        fresh=marked & (age == 0),
        marked=marked,
        mark_session=mark_session,
        effective=splits_now / splits_at_entry,
    )
