"""Rows of the ledger, as the arithmetic takes them. No I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from portfolio_refresh.store.holdings import HandPrice, HeldFlow, HeldLot, Standing
from portfolio_refresh.store.states import PortfolioState
from portfolio_refresh.valuation.arrays import DAY, Days, Floats, Ints
from portfolio_refresh.valuation.book import NO_SYMBOL, Flows, Lots, Opening
from portfolio_refresh.valuation.by_hand import NO_SERIES, HandPrices
from portfolio_refresh.valuation.closings import expiry_sessions
from portfolio_refresh.valuation.money import exact_ten_thousandths

PUBLIC = "PUBLIC"
_NOT_A_TIME = np.iinfo(np.int64).min  # numpy's own mark of NaT


def symbols_needed(lots: Sequence[HeldLot]) -> list[str]:
    """The symbols whose prices and splits a valuation of the lots needs, sorted: options need the underlying's."""
    public = {lot.symbol for lot in lots if lot.investment_class == PUBLIC}
    return sorted(public | {lot.underlying for lot in lots if lot.underlying is not None})


def expiries(lots: Sequence[HeldLot], calendar: Days) -> set[tuple[str, int]]:
    """The underlying of each option that has expired by the calendar's end, and the session of its expiry."""
    options = [lot for lot in lots if lot.expiry_day is not None]
    expires = np.array([lot.expiry_day for lot in options], dtype=np.int64).astype(DAY)
    entered = np.array([lot.entry_day for lot in options], dtype=np.int64).astype(DAY)
    sessions = expiry_sessions(calendar, expires, entered).tolist()
    return {
        (lot.underlying, session)
        for lot, session in zip(options, sessions, strict=True)
        if lot.underlying is not None and session < len(calendar)
    }


def check_amounts(state: PortfolioState, lots: Sequence[HeldLot], flows: Sequence[HeldFlow]) -> None:
    """Raise OverflowError where an amount that is exact is more than a valuation can count."""
    for amount in (
        state.declared_equity or Decimal(0),
        *(flow.amount for flow in flows),
        *(lot.entry_fee for lot in lots),
        *(lot.exit_fee for lot in lots),
    ):
        if amount is not None:
            exact_ten_thousandths(amount)


def as_lots(held: Sequence[Sequence[HeldLot]], prices: Sequence[HandPrice], symbols: Sequence[str]) -> Lots:
    """The lots of several portfolios, with the prices by hand that are theirs; `symbols` number their symbols."""
    number: dict[str | None, int] = {symbol: place for place, symbol in enumerate(symbols)}
    flat = [lot for lots in held for lot in lots]
    series, by_hand = _hand_prices(flat, prices)

    def floats(of: Callable[[HeldLot], Any]) -> Floats:
        return np.array([of(lot) for lot in flat], dtype=np.float64)

    def nullable(values: Iterator[float | None]) -> Floats:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def days(values: Iterator[int | None]) -> Days:
        return np.array([_NOT_A_TIME if day is None else day for day in values], dtype=np.int64).astype(DAY)

    def ints(values: Iterator[int]) -> Ints:
        return np.fromiter(values, dtype=np.int64, count=len(flat))

    return Lots(
        portfolio=np.repeat(np.arange(len(held)), [len(lots) for lots in held]).astype(np.int64),
        symbol=ints(number[lot.symbol] if lot.investment_class == PUBLIC else NO_SYMBOL for lot in flat),
        quantity=floats(lambda lot: lot.quantity),
        multiplier=floats(lambda lot: lot.multiplier),
        entry_price=floats(lambda lot: lot.entry_price),
        entry_date=days(lot.entry_day for lot in flat),
        entry_fee=ints(_paid(lot.entry_fee) for lot in flat),
        exit_price=nullable(lot.exit_price for lot in flat),
        exit_date=days(lot.exit_day for lot in flat),
        exit_fee=ints(_paid(lot.exit_fee) for lot in flat),
        underlying=ints(number.get(lot.underlying, NO_SYMBOL) for lot in flat),
        right=ints(lot.right for lot in flat),
        strike=nullable(lot.strike for lot in flat),
        expires=days(lot.expiry_day for lot in flat),
        series=series,
        by_hand=by_hand,
    )


def _paid(fee: Decimal | None) -> int:
    return 0 if fee is None else exact_ten_thousandths(fee)


def as_flows(held: Sequence[Sequence[HeldFlow]]) -> Flows:
    flat = [(place, flow) for place, flows in enumerate(held) for flow in flows]
    return Flows(
        portfolio=np.array([place for place, _ in flat], dtype=np.int64),
        date=np.array([flow.day for _, flow in flat], dtype=np.int64).astype(DAY),
        amount=np.array([exact_ten_thousandths(flow.amount) for _, flow in flat], dtype=np.int64),
        fee=np.array([flow.fee for _, flow in flat], dtype=bool),
    )


def as_opening(states: Sequence[PortfolioState], standings: Mapping[UUID, Standing], *, first: bool) -> Opening:
    """Where the portfolios stand: at their `first` session by what was declared, otherwise by their snapshots."""
    if first:
        nothing = np.zeros(len(states), dtype=np.int64)
        return Opening(
            equity=_amounts(state.declared_equity or Decimal(0) for state in states),
            declared=np.array([state.declared_equity is not None for state in states]),
            cash=nothing,
            cumulative_pnl=nothing,
        )
    before = [standings[state.portfolio_id] for state in states]
    return Opening(
        equity=_amounts(standing.nav for standing in before),
        declared=np.zeros(len(states), dtype=bool),
        cash=_amounts(standing.cash for standing in before),
        cumulative_pnl=_amounts(standing.cumulative_pnl for standing in before),
    )


def _hand_prices(lots: Sequence[HeldLot], prices: Sequence[HandPrice]) -> tuple[Ints, HandPrices]:
    """The series of each lot, and the prices: a series is a lot that has any."""
    number: dict[UUID, int] = {}
    for price in prices:
        number.setdefault(price.position_id, len(number))
    series = np.array([number.get(lot.position_id, NO_SERIES) for lot in lots], dtype=np.int64)
    by_hand = HandPrices(
        np.array([number[price.position_id] for price in prices], dtype=np.int64),
        np.array([price.day for price in prices], dtype=np.int64).astype(DAY),
        np.array([price.price for price in prices], dtype=np.float64),
    )
    return series, by_hand


def _amounts(values: Iterator[Decimal]) -> Ints:
    return np.array([exact_ten_thousandths(value) for value in values], dtype=np.int64)
