"""The fold against a ledger kept by hand in decimals, on random portfolios over recorded and invented prices."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_refresh.group import Group, value_group
from portfolio_refresh.holdings_as_arrays import symbols_needed
from portfolio_refresh.store.holdings import HandPrice, HeldFlow, HeldLot
from portfolio_refresh.store.states import Edition, PortfolioState
from portfolio_refresh.store.valuations import AMOUNTS, SNAPSHOT_COLUMNS
from portfolio_refresh.valuation.book import Market
from portfolio_refresh.valuation.ratios import Ratios
from yardstick.ledger import Tape, snapshots
from yardstick.prices import require_real_data
from yardstick.random_ledger import Ledger, invented_tape, random_ledger, recorded_tape

PORTFOLIO = UUID(int=1)
COUNTS = ("positions", "stale", "unpriced")

seeds = st.integers(0, 2**32 - 1)


def day_number(day: date | None) -> int | None:
    return None if day is None else (day - date(1970, 1, 1)).days


def market(tape: Tape, symbols: list[str]) -> Market:
    number = {symbol: place for place, symbol in enumerate(symbols)}
    place_of = {session: place for place, session in enumerate(tape.sessions)}
    closes = [
        (number[symbol], place_of[session], float(close))
        for symbol, series in tape.closes.items()
        if symbol in number
        for session, close in series.items()
    ]

    def columns(actions):
        flat = [(number[s], day, float(x)) for s, ones in actions.items() if s in number for day, x in ones.items()]
        symbol, days, figures = zip(*flat, strict=True) if flat else ((), (), ())
        return np.array(symbol, np.int64), np.array(days, "datetime64[D]"), np.array(figures, float)

    symbol, session, close = zip(*closes, strict=True) if closes else ((), (), ())
    return Market(
        np.array(tape.sessions, "datetime64[D]"),
        len(symbols),
        np.array(symbol, np.int64),
        np.array(session, np.int64),
        np.array(close, float),
        Ratios(*columns(tape.splits)),
        Ratios(*columns(tape.distributions)),
        *columns(tape.dividends),
    )


def group(tape: Tape, ledger: Ledger) -> Group:
    lots = [
        HeldLot(
            position_id=UUID(int=place + 1),
            portfolio_id=PORTFOLIO,
            symbol=lot.symbol,
            quantity=lot.quantity,
            multiplier=lot.multiplier,
            entry_price=float(lot.entry_price),
            entry_day=day_number(lot.entry_date),
            entry_fee=lot.entry_fee,
            exit_price=None if lot.exit_price is None else float(lot.exit_price),
            exit_day=day_number(lot.exit_date),
            exit_fee=lot.exit_fee,
            investment_class=lot.investment_class,
            underlying=lot.underlying,
            right=0 if lot.option_type is None else 1 if lot.option_type == "CALL" else -1,
            strike=None if lot.option_type is None else float(lot.strike),
            expiry_day=day_number(lot.expires),
        )
        for place, lot in enumerate(ledger.lots)
    ]
    prices = [
        HandPrice(PORTFOLIO, UUID(int=place + 1), day_number(day), float(price))
        for place, lot in enumerate(ledger.lots)
        for day, price in lot.prices.items()
    ]
    flows = [HeldFlow(PORTFOLIO, day_number(flow.day), flow.amount, flow.kind == "fee") for flow in ledger.flows]
    symbols = symbols_needed(lots)
    return Group(
        edition=Edition(1, tape.sessions[-1]),
        start=tape.counts_on(ledger.first_session),
        at_first_session=True,
        states=[
            PortfolioState(PORTFOLIO, "ana", 1, ledger.first_session, ledger.declared, False, None, False, None, None)
        ],
        standings={},
        lots={PORTFOLIO: lots},
        flows={PORTFOLIO: flows},
        hand_prices={PORTFOLIO: prices},
        symbols=symbols,
        known=set(tape.closes),
        sectors={},
        market=market(tape, symbols),
    )


def assert_the_same(tape: Tape, ledger: Ledger) -> None:
    outcome = value_group(group(tape, ledger))
    assert not outcome.faults
    ours = outcome.folds[0].snapshots
    expected = snapshots(ledger.lots, ledger.flows, tape, ledger.first_session, ledger.declared)
    assert [row[0] for row in ours] == list(tape.sessions[tape.counts_on(ledger.first_session) :])
    # Where an amount lies between two ten-thousandths of USD, float and decimal may round a lot to either side.
    units = 1 + len(ledger.lots)
    nav_before = Decimal(0)
    for row, by_hand in zip(ours, expected, strict=True):
        stored = dict(zip(SNAPSHOT_COLUMNS, row, strict=True))
        for name in COUNTS:
            assert stored[name] == by_hand[name], (stored["session"], name)
        for name in AMOUNTS:
            assert abs(stored[name] - by_hand[name] * 10_000) <= units, (stored["session"], name)
        gross = by_hand["long_value"] - by_hand["short_value"]
        assert_share(stored, by_hand, "daily_return", of=nav_before, units=units)
        assert_share(stored, by_hand, "coverage", of=gross, units=units)
        nav_before = by_hand["nav"]


def assert_share(stored: dict[str, object], by_hand: dict[str, object], name: str, *, of: Decimal, units: int) -> None:
    """Both parts of a fraction may differ by `units`, which is much where it is of little."""
    whole = abs(of) * 10_000
    if 0 < whole <= units:
        return
    expected = by_hand[name]
    allowed = 0.0 if expected is None else float(units * (1 + abs(expected)) / (whole - units))
    near = None if expected is None else pytest.approx(float(expected), abs=allowed + 1e-9)
    assert stored[name] == near, (stored["session"], name)


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_on_invented_prices_every_figure_is_the_one_counted_by_hand(seed):
    random = np.random.default_rng(seed)
    tape = invented_tape(random)
    assert_the_same(tape, random_ledger(random, tape))


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_on_recorded_prices_every_figure_is_the_one_counted_by_hand(seed):
    require_real_data()
    random = np.random.default_rng(seed)
    tape = recorded_tape(random)
    assert_the_same(tape, random_ledger(random, tape))
