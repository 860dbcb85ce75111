"""When lots are closed and at what: at the price their owner got, or, of options that expire, at intrinsic value."""

from dataclasses import dataclass

import numpy as np

from portfolio_refresh.valuation.arrays import Bools, Days, Floats, Ints, session_on_which_it_counts
from portfolio_refresh.valuation.book import Lots, Market
from portfolio_refresh.valuation.pricing import STALE_SESSIONS

_SESSIONS_A_SYMBOL = 1 << 32


@dataclass(frozen=True, slots=True)
class Closings:
    """Of L lots, all (L,). A calendar index of `len(calendar)` means: not yet."""

    session: Ints
    """On which the lot is closed."""
    value: Floats
    """USD for one unit of the quantity as of the entry date; 0 while open."""
    price: Floats
    """USD per share or unit as of `session`; NaN while open."""
    expired: Bools
    """Closed by expiry."""
    expiry: Ints
    """The session on which an option that nobody closed before expires."""
    unsettled_from: Ints
    """The session from which an option has expired and the underlying's price is missing."""


def expiry_sessions(calendar: Days, expires: Days, entry_date: Days) -> Ints:
    """The calendar index of the first session at or after each expiration; not before the lot is opened."""
    opened = session_on_which_it_counts(calendar, entry_date)
    return np.maximum(session_on_which_it_counts(calendar, expires), opened)


def closings(lots: Lots, market: Market) -> Closings:
    """Find how each lot ends.

    An option that its owner has not closed by the session of its expiry, or on it, is closed there at intrinsic value:
    `max(0, r·S − K)` of a call and `max(0, K − r·S)` of a put, per unit as of the entry date, S the underlying's last
    close within five sessions, r the product of the splits it had from the entry date to that close. Without such a
    close the option stays, and its owner's own exit counts when there is one.
    """
    never = len(market.calendar)
    left = session_on_which_it_counts(market.calendar, lots.exit_date)
    expiry = np.where(
        np.isnat(lots.expires), never, expiry_sessions(market.calendar, lots.expires, lots.entry_date)
    ).astype(np.int64)
    expiry = np.where(left <= expiry, never, expiry)
    symbol = lots.split_symbol
    splits_at_entry = market.splits.until(symbol, lots.entry_date)
    value = lots.exit_price * (market.splits.until(symbol, lots.exit_date) / splits_at_entry)
    price = lots.exit_price
    expired = np.zeros(len(lots), dtype=bool)
    due = np.flatnonzero(expiry < never)
    if len(due):
        mark, close = _last_close(market, lots.underlying[due], expiry[due])
        settled = due[mark >= 0]
        expired[settled] = True
        mark, close = mark[mark >= 0], close[mark >= 0]
        ratio = market.splits.until(symbol[settled], market.calendar[mark]) / splits_at_entry[settled]
        intrinsic = np.maximum(0.0, lots.right[settled] * (ratio * close - lots.strike[settled]))
        value, price = value.copy(), price.copy()
        value[settled] = intrinsic
        now = market.splits.until(symbol[settled], market.calendar[expiry[settled]])
        price[settled] = intrinsic * (splits_at_entry[settled] / now)
    session = np.where(expired, expiry, left)
    return Closings(
        session=session,
        value=np.where(expired | ~np.isnat(lots.exit_date), value, 0.0),
        price=price,
        expired=expired,
        expiry=expiry,
        unsettled_from=np.where(expired, never, expiry),
    )


def _last_close(market: Market, symbol: Ints, session: Ints) -> tuple[Ints, Floats]:
    """The last close at or before the session and at most five sessions old, and its session: NaN and −1 without."""
    if not len(market.close):
        return np.full(len(symbol), -1, dtype=np.int64), np.full(len(symbol), np.nan)
    keys = market.close_symbol * _SESSIONS_A_SYMBOL + market.close_session
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys[order], symbol * _SESSIONS_A_SYMBOL + session, side="right") - 1
    nearest = order[place]
    mark = market.close_session[nearest]
    found = (place >= 0) & (market.close_symbol[nearest] == symbol) & (session - mark <= STALE_SESSIONS)
    return np.where(found, mark, -1), np.where(found, market.close[nearest], np.nan)
