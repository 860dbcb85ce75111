"""What each lot did on each session, in ten-thousandths of USD."""

from dataclasses import dataclass

import numpy as np

from portfolio_refresh.valuation.arrays import DAY, Bools, Days, Floats, Ints, session_on_which_it_counts
from portfolio_refresh.valuation.book import Lots, Market
from portfolio_refresh.valuation.closings import Closings, closings
from portfolio_refresh.valuation.money import dollars, ten_thousandths
from portfolio_refresh.valuation.pricing import LotPrices, lot_prices


@dataclass(frozen=True, slots=True)
class Movements:
    """Of L lots on T sessions, arrays (L, T). `before` is the session before each.

    The gain of a session is exactly what value and cash did: `price_pnl` of lots held throughout, `trading_pnl` of
    those opened or closed. `formula_pnl` is the same in USD by the textbook's formula, for comparison.
    """

    value: Ints
    value_before: Ints
    held: Bools
    """At the session's close."""
    closed: Bools
    """On this session."""
    cost: Ints
    proceeds: Ints
    dividend: Ints
    in_kind: Ints
    fees: Ints
    """Never negative."""
    price_pnl: Ints
    trading_pnl: Ints
    formula_pnl: Floats
    turnover: Floats
    """(L,): the largest absolute value and the sum of all that moved, in USD: what must stay countable."""
    prices: LotPrices
    ends: Closings


def movements(lots: Lots, market: Market, columns: Ints) -> Movements:
    """Value the lots on the calendar's sessions `columns[1:]`, coming from `columns[0]`, (T + 1,).

    `columns[0] == columns[1]` says that the fold begins at a first session: what is dated up to it belongs to the
    opening state, and nothing moves on it.

    Held: `q_{t−1}·m·(ratio_t·P_t − P_{t−1})` plus dividend; opened: `q·m·(P_t − entry)`; closed:
    `q·m·(exit − P_{t−1})`; opened and closed: `q·m·(exit − entry)`. Shares held at t − 1 earn the dividend of t. A
    distribution is received in kind at the first price since it went ex. The fee of the entry is paid when the lot is
    opened, that of the exit when its owner closes it; expiry costs nothing.
    """
    entered = session_on_which_it_counts(market.calendar, lots.entry_date)[:, None]
    ends = closings(lots, market)
    left = ends.session[:, None]
    known = lot_prices(lots, market, columns, expiry=ends.expiry, unsettled_from=ends.unsettled_from)
    held_all = (entered <= columns) & (columns < left)
    held, held_before = held_all[:, 1:], held_all[:, :-1]
    moves = columns[1:] > columns[:-1]
    opened = (entered == columns[1:]) & moves & (entered <= left)
    closed = (left == columns[1:]) & (entered <= left) & moves

    size = (lots.quantity * lots.multiplier)[:, None]
    worth = size * known.value_per_quantity
    cost = np.where(opened, size * lots.entry_price[:, None], 0.0)
    proceeds = np.where(closed, size * ends.value[:, None], 0.0)
    dividend = np.where(held_before, size * _dividends(lots, market, columns), 0.0)
    in_kind = np.where(
        held_before, _in_kind(lots, market, known, columns, worth=worth[:, 1:], closed=closed, proceeds=proceeds), 0.0
    )
    exit_fee = np.where(ends.expired, 0, lots.exit_fee)[:, None]
    fees = np.where(opened, lots.entry_fee[:, None], 0) + np.where(closed, exit_fee, 0)

    value_all = ten_thousandths(np.where(held_all, worth, 0.0))
    value, value_before = value_all[:, 1:], value_all[:, :-1]
    costs, proceeds_counted = ten_thousandths(cost), ten_thousandths(proceeds)
    stays = held & held_before
    moved = value - value_before
    formula = (
        _formula(lots, known, held=held, held_before=held_before, opened=opened, closed=closed)
        - cost
        + proceeds
        + dividend
        + in_kind
        - dollars(fees)
    )
    return Movements(
        value=value,
        value_before=value_before,
        held=held,
        closed=closed,
        cost=costs,
        proceeds=proceeds_counted,
        dividend=ten_thousandths(dividend),
        in_kind=ten_thousandths(in_kind),
        fees=fees,
        price_pnl=np.where(stays, moved, 0),
        trading_pnl=np.where(stays, 0, moved - costs + proceeds_counted),
        formula_pnl=formula,
        turnover=_turnover(np.where(held_all, worth, 0.0), cost, proceeds, dividend, in_kind, dollars(fees)),
        prices=known,
        ends=ends,
    )


def cost_basis(lots: Lots, market: Market, moved: Movements) -> Floats:
    """(L,): what a lot that is held at the last session cost, in USD, signed as its quantity; fees are in no basis.

    A distribution takes its share of the basis with it, `basis / ratio`, as the tax law of the United States has it for
    spin-offs and stock dividends (Internal Revenue Code, section 358 and 307): what is received in kind was part of
    what was paid. It does so when it is booked.
    """
    known = moved.prices
    base = _earns_from(lots, market)
    booked = np.where(known.marked[:, -1] & (known.mark_date[:, -1] >= base), known.mark_date[:, -1], base)
    ratio = market.distributions.until(lots.symbol, booked) / market.distributions.until(lots.symbol, base)
    return np.asarray(lots.quantity * lots.multiplier * lots.entry_price / ratio)


def _formula(lots: Lots, known: LotPrices, *, held: Bools, held_before: Bools, opened: Bools, closed: Bools) -> Floats:
    """(L, T): the price part of a session's gain in USD, from quantities and prices as the field writes it."""
    quantity = (lots.quantity * lots.multiplier)[:, None] * known.effective
    price = np.where(np.isnan(known.price), known.value_per_quantity / known.effective, known.price)
    before, now = quantity[:, :-1], quantity[:, 1:]
    ratio = known.effective[:, 1:] / known.effective[:, :-1]
    stays = held & held_before
    gain = np.where(stays, before * (ratio * price[:, 1:] - price[:, :-1]), 0.0)
    gain += np.where(opened & held, now * price[:, 1:], 0.0)
    return gain - np.where(closed & held_before, before * price[:, :-1], 0.0)


def _dividends(lots: Lots, market: Market, columns: Ints) -> Floats:
    """(L, T): what one unit of the quantity as of the entry date earns.

    A dividend is per share before the split of its own ex-date.
    """
    panel = np.zeros((market.symbols + 1, len(columns) - 1))
    session = session_on_which_it_counts(market.calendar, market.dividend_date)
    column = np.searchsorted(columns[1:], session, side="left")
    inside = (session > columns[0]) & (column < len(columns) - 1)
    if not inside.any():
        return np.zeros((len(lots), len(columns) - 1))
    symbol, date = market.dividend_symbol[inside], market.dividend_date[inside]
    per_share = market.dividend[inside] * market.splits.before(symbol, date)
    np.add.at(panel, (symbol, column[inside]), per_share)
    # The last row, of no symbol, stays 0: lots valued by hand have the symbol −1.
    return np.asarray(panel[lots.symbol] / market.splits.until(lots.symbol, lots.entry_date)[:, None])


def _in_kind(
    lots: Lots,
    market: Market,
    known: LotPrices,
    columns: Ints,
    *,
    worth: Floats,
    closed: Bools,
    proceeds: Floats,
) -> Floats:
    """(L, T): `(ratio − 1)·P_t·q·m` for the distributions since the lot's last price.

    A lot that is closed on a session without a close takes its exit price for P_t. `columns` as in `movements`;
    `worth` and `proceeds` in USD.
    """
    received = np.zeros(worth.shape)
    some = np.isin(lots.symbol, market.distributions.symbols)
    if not some.any():
        return received
    symbol = lots.symbol[some][:, None]
    base = _earns_from(lots, market)[some][:, None]
    mark_date = known.mark_date[some][:, :-1]
    since = np.where(known.marked[some][:, :-1] & (mark_date >= base), mark_date, base)
    now = market.distributions.until(symbol, market.calendar[columns[1:]][None, :])
    ratio = now / market.distributions.until(symbol, since)
    fresh = known.fresh[some][:, 1:]
    received[some] = (ratio - 1.0) * np.where(fresh, worth[some], np.where(closed[some], proceeds[some], 0.0))
    return received


def _earns_from(lots: Lots, market: Market) -> Days:
    """(L,): the day after which a lot takes part in distributions: that of the session on which it counts as opened."""
    entered = session_on_which_it_counts(market.calendar, lots.entry_date)
    session = market.calendar[np.minimum(entered, len(market.calendar) - 1)]
    early = lots.entry_date < market.calendar[0]
    return np.where(early, lots.entry_date.astype(DAY), session)


def _turnover(worth: Floats, *moved: Floats) -> Floats:
    largest = np.abs(worth).max(axis=1)
    return np.asarray(largest + sum(np.abs(amounts).sum(axis=1) for amounts in moved))
