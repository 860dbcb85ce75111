"""What is true of every fold, on random markets and books."""

from dataclasses import replace
from itertools import chain

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_refresh.valuation.book import NO_SYMBOL, Flows, Lots, Market, Opening
from portfolio_refresh.valuation.by_hand import HandPrices
from portfolio_refresh.valuation.fold import Folded, fold
from portfolio_refresh.valuation.ratios import Ratios

DAY = "datetime64[D]"
SESSIONS, SYMBOLS = 16, 3
FIRST = 2


def random_market(random: np.random.Generator) -> Market:
    calendar = np.busday_offset("2024-11-01", np.arange(SESSIONS), roll="forward").astype(DAY)
    closes = np.round(50 * np.exp(np.cumsum(random.normal(0, 0.03, (SYMBOLS, SESSIONS)), axis=1)), 4)
    there = random.random((SYMBOLS, SESSIONS)) < 0.7
    symbol, session = np.nonzero(there)

    def actions(count: int) -> tuple[np.ndarray, np.ndarray]:
        days = calendar[0] + random.integers(-5, 25, count).astype("timedelta64[D]")
        return random.integers(0, SYMBOLS, count), days

    splits, distributions, dividends = actions(3), actions(3), actions(4)
    return Market(
        calendar=calendar,
        symbols=SYMBOLS,
        close_symbol=symbol,
        close_session=session,
        close=closes[there],
        splits=Ratios(*splits, random.choice([2.0, 0.1, 1.5, 4 / 3], 3)),
        distributions=Ratios(*distributions, random.uniform(0.9, 1.4, 3)),
        dividend_symbol=dividends[0],
        dividend_date=dividends[1],
        dividend=random.uniform(0.1, 2.0, 4),
    )


def random_lots(random: np.random.Generator, portfolios: int, lots: int, calendar: np.ndarray) -> Lots:
    entered = calendar[0] + random.integers(-30, 22, lots).astype("timedelta64[D]")
    left = entered + random.integers(0, 20, lots).astype("timedelta64[D]")
    left[random.random(lots) < 0.5] = np.datetime64("NaT")
    symbol = random.integers(-1, SYMBOLS, lots)
    option = (symbol == NO_SYMBOL) & (random.random(lots) < 0.7)
    expires = entered + random.integers(0, 25, lots).astype("timedelta64[D]")
    expires[~option] = np.datetime64("NaT")
    priced = random.integers(0, lots, lots)
    given = HandPrices(
        priced, entered[priced] + np.arange(lots).astype("timedelta64[D]"), np.round(random.uniform(0, 9, lots), 2)
    )
    return Lots(
        portfolio=np.sort(random.integers(0, portfolios, lots)),
        symbol=symbol,
        quantity=np.round(random.normal(0, 300, lots), 3),
        multiplier=np.where(option, 100.0, 1.0),
        entry_price=np.round(random.uniform(10, 90, lots), 2),
        entry_date=entered,
        entry_fee=random.integers(0, 90_000, lots),
        exit_price=np.where(np.isnat(left), np.nan, np.round(random.uniform(10, 90, lots), 2)),
        exit_date=left,
        exit_fee=np.where(np.isnat(left), 0, random.integers(0, 90_000, lots)),
        underlying=np.where(option, random.integers(0, SYMBOLS, lots), NO_SYMBOL),
        right=np.where(option, random.choice([1, -1], lots), 0),
        strike=np.where(option, np.round(random.uniform(20, 80, lots)), np.nan),
        expires=expires,
        series=np.arange(lots),
        by_hand=given,
    )


def random_case(seed: int, portfolios: int = 4, lots: int = 12) -> tuple[Market, Lots, Flows, Opening]:
    random = np.random.default_rng(seed)
    market = random_market(random)
    flows = Flows(
        random.integers(0, portfolios, 5),
        market.calendar[0] + random.integers(-3, 25, 5).astype("timedelta64[D]"),
        random.integers(-10_000_000, 0, 5),
        random.random(5) < 0.5,
    )
    flows.amount[~flows.fee] += 5_000_000
    opening = Opening(
        random.integers(0, 10**9, portfolios), random.random(portfolios) < 0.5, *np.zeros((2, portfolios), np.int64)
    )
    return market, random_lots(random, portfolios, lots, market.calendar), flows, opening


def rows(folded: Folded) -> dict[str, list[object]]:
    snapshots = folded.snapshots
    return {name: np.nan_to_num(getattr(snapshots, name), nan=-9e9).tolist() for name in snapshots.__slots__}


def permuted(lots: Lots, order: np.ndarray) -> Lots:
    """The lots in another order, some of them twice or not at all."""
    arrays = [name for name in lots.__slots__ if name != "by_hand"]
    return replace(lots, **{name: getattr(lots, name)[order] for name in arrays})


def until(market: Market, sessions: int) -> Market:
    return Market(
        **{name: getattr(market, name) for name in market.__slots__ if name != "calendar"},
        calendar=market.calendar[:sessions],
    )


def state(folded: Folded) -> Opening:
    snapshots = folded.snapshots
    return Opening(
        snapshots.nav[:, -1],
        np.zeros(len(snapshots.nav), dtype=bool),
        snapshots.cash[:, -1],
        snapshots.cumulative_pnl[:, -1],
    )


seeds = st.integers(0, 2**32 - 1)


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_the_nav_chain_closes_by_both_ways_of_counting(seed):
    market, lots, flows, opening = random_case(seed)
    folded = fold(lots, flows, opening, market, FIRST, at_first_session=True)
    assert not folded.unchained.any()
    snapshots = folded.snapshots
    changed = snapshots.nav[:, 1:] - snapshots.nav[:, :-1]
    assert (changed == snapshots.pnl[:, 1:] + snapshots.flow[:, 1:]).all()
    assert (snapshots.nav == snapshots.cash + snapshots.long_value + snapshots.short_value).all()
    assert (snapshots.pnl[:, 0] == 0).all()


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_one_session_at_a_time_comes_to_the_same_bits_as_all_in_one_go(seed):
    market, lots, flows, opening = random_case(seed)
    whole = fold(lots, flows, opening, market, FIRST, at_first_session=True)
    part = fold(lots, flows, opening, until(market, FIRST + 1), FIRST, at_first_session=True)
    steps = [rows(part)]
    for session in range(FIRST + 1, SESSIONS):
        part = fold(lots, flows, state(part), until(market, session + 1), session, at_first_session=False)
        assert not part.opening_differs.any()
        steps.append(rows(part))
    joined = {name: [list(chain(*(step[name][p] for step in steps))) for p in range(4)] for name in steps[0]}
    assert joined == rows(whole)
    assert part.lots.market_value.tolist() == whole.lots.market_value.tolist()
    assert part.lots.pnl.tolist() == whole.lots.pnl.tolist()


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_neither_the_order_of_lots_nor_the_other_portfolios_matter(seed):
    market, lots, flows, opening = random_case(seed)
    whole = rows(fold(lots, flows, opening, market, FIRST, at_first_session=True))
    order = np.lexsort((np.random.default_rng(seed).random(len(lots)), lots.portfolio))
    assert rows(fold(permuted(lots, order), flows, opening, market, FIRST, at_first_session=True)) == whole
    for portfolio in range(4):
        mine = permuted(lots, np.flatnonzero(lots.portfolio == portfolio))
        mine.portfolio[:] = 0
        ours = flows.portfolio == portfolio
        alone = Flows(np.zeros(int(ours.sum()), np.int64), flows.date[ours], flows.amount[ours], flows.fee[ours])
        part = slice(portfolio, portfolio + 1)
        single = Opening(*(getattr(opening, name)[part] for name in opening.__slots__))
        folded = rows(fold(mine, alone, single, market, FIRST, at_first_session=True))
        assert folded == {name: [values[portfolio]] for name, values in whole.items()}


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_splitting_a_lot_in_two_changes_nothing_beyond_rounding(seed):
    market, lots, flows, opening = random_case(seed)
    whole = fold(lots, flows, opening, market, FIRST, at_first_session=True).snapshots
    twice = permuted(lots, np.repeat(np.arange(len(lots)), 2))
    share = np.tile([0.3, 0.7], len(lots))
    fees = {name: getattr(lots, name) for name in ("entry_fee", "exit_fee")}
    shared = {name: np.stack([fee // 3, fee - fee // 3], axis=1).ravel() for name, fee in fees.items()}
    halves = replace(twice, quantity=twice.quantity * share, **shared)
    parts = fold(halves, flows, opening, market, FIRST, at_first_session=True).snapshots
    for name in ("nav", "cash", "long_value", "cumulative_pnl"):
        assert np.abs(getattr(parts, name) - getattr(whole, name)).max() <= 2 * len(lots) * SESSIONS
    np.testing.assert_allclose(parts.daily_return, whole.daily_return, rtol=1e-3, atol=1e-5)
