"""The price rule: which close values a position on a session, and how good it is."""

from dataclasses import dataclass

import numpy as np

from portfolio_refresh.valuation.arrays import DAY, Bools, Days, Floats, Ints, session_on_which_it_counts
from portfolio_refresh.valuation.book import NO_SYMBOL, Lots, Market
from portfolio_refresh.valuation.by_hand import NO_SERIES

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
    """Whether the lot ever had a close up to that session."""
    mark_date: Days
    """The date of the close that values it; meaningless where not `marked`."""
    price_date: Days
    """The date of the close, or of the price by hand; NaT where `status` is unpriced."""
    effective: Floats
    """`Π ratio(splits with entry_date < ex_date ≤ t)`, by which the quantity is multiplied."""


def lot_prices(lots: Lots, market: Market, columns: Ints, *, expiry: Ints, unsettled_from: Ints) -> LotPrices:
    """Apply the price rule to each lot: last close ≤ t within 5 sessions.

    A close from up to 5 sessions before the entry serves too, since it is a price on the entry's session. Without any,
    a lot keeps its last value: that of its last price, or of its entry price. Lots without a symbol are valued by
    hand: at the last price ≤ t that their owner gave, or paid on entry, status manual. An option's price by hand
    counts up to the session of its `expiry`; from `unsettled_from` on it is unpriced: both (L,), calendar indices.
    """
    entry_session = session_on_which_it_counts(market.calendar, lots.entry_date)
    by_symbol = marks(market, columns)
    manual = (lots.symbol == NO_SYMBOL)[:, None]
    if market.symbols:
        mark_session, close = by_symbol.session[lots.symbol], by_symbol.close[lots.symbol]
    else:
        mark_session = np.full((len(lots), len(columns)), -1, dtype=np.int64)
        close = np.full((len(lots), len(columns)), np.nan)
    marked = ~manual & (mark_session >= 0) & (mark_session >= entry_session[:, None] - STALE_SESSIONS)
    mark_date = market.calendar[np.maximum(mark_session, 0)]
    symbol = lots.split_symbol
    splits_at_entry = market.splits.until(symbol, lots.entry_date)[:, None]
    splits_now = market.splits.until(symbol[:, None], market.calendar[columns][None, :])
    by_hand, given_on = _by_hand(lots, market, columns, expiry)
    price = np.where(manual, by_hand, np.where(marked, close, lots.entry_price[:, None]))
    price_date = np.where(manual, given_on, np.where(marked, mark_date, lots.entry_date[:, None]))
    # The quantity as it was when that was the price: a split since then leaves the value alone.
    splits_then = market.splits.until(symbol[:, None], price_date)
    age = columns[None, :] - mark_session
    status = np.where(marked & (age <= STALE_SESSIONS), np.where(age == 0, PRICED, STALE), UNPRICED)
    status = np.where(manual, np.where(columns >= unsettled_from[:, None], UNPRICED, MANUAL), status)
    unpriced = status == UNPRICED
    return LotPrices(
        value_per_quantity=price * (splits_then / splits_at_entry),
        price=np.where(unpriced, np.nan, price * (splits_then / splits_now)),
        status=status.astype(np.int64),
        fresh=marked & (age == 0),
        marked=marked,
        mark_date=mark_date,
        price_date=np.where(unpriced, np.datetime64("NaT"), price_date),
        effective=splits_now / splits_at_entry,
    )


def _by_hand(lots: Lots, market: Market, columns: Ints, expiry: Ints) -> tuple[Floats, Days]:
    """(L, T) the price by hand as of its date, and that date. The entry price is one, given on the entry date.

    What lots with a symbol get here means nothing.
    """
    shape = len(lots), len(columns)
    price = np.broadcast_to(lots.entry_price[:, None], shape).copy()
    given_on = np.broadcast_to(lots.entry_date.astype(DAY)[:, None], shape).copy()
    some = np.flatnonzero((lots.symbol == NO_SYMBOL) & (lots.series != NO_SERIES))
    if len(some):
        until = market.calendar[np.minimum(columns[None, :], expiry[some][:, None])]
        last, on = lots.by_hand.last(lots.series[some][:, None], until)
        counts = on >= lots.entry_date[some][:, None]
        price[some] = np.where(counts, last, price[some])
        given_on[some] = np.where(counts, on, given_on[some])
    return price, given_on
