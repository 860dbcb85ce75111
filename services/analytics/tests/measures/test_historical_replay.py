"""Replays against sums done by hand and by loops, and against past windows as they were recorded."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from analytics.book import Book
from analytics.evidence import Evidence
from analytics.measures.historical_replay import WINDOWS, HistoricalReplay, ReplayParameters, WindowName, compute
from analytics.measures.measure import Finding, UnanswerableError
from analytics.past import Past, Returns
from riskstream.market.risk_factors import BENCHMARKS
from yardstick.books import Lot, book_of, edition_of, planted_market
from yardstick.prices import total_returns

EDITION = edition_of(planted_market(("AAA", "NEW"), seed=3), assumed={"NEW": "too_few_observations"})
DAYS = np.array(["2020-02-19", "2020-02-20", "2020-02-21"], dtype="datetime64[D]")
WINDOW = {"since": date(2020, 2, 19), "until": date(2020, 2, 21)}
NAN = float("nan")


def past(funds: float = -0.1, **own: list[float]) -> Past:
    """The return of the first day is before the window; funds all move alike, so that styles stand still."""
    table = {**{fund: [0.5, funds, funds] for fund in BENCHMARKS}, **own}
    return Past(returns=Returns(tuple(table), DAYS, np.array(list(table.values()))))


def ask(of: Book, then: Past, **parameters: Any) -> Finding[HistoricalReplay]:
    return compute(Evidence(of, EDITION, then), ReplayParameters(**(parameters or WINDOW)))


def test_holdings_are_kept_and_their_returns_compound_shorts_too() -> None:
    of = book_of([Lot("AAA", 200.0), Lot("SPY", -100.0)], cash=900.0)
    found = ask(of, past(AAA=[9.0, 0.1, -0.5])).result
    assert found.pnl == pytest.approx(200 * (1.1 * 0.5 - 1) - 100 * (0.9 * 0.9 - 1))
    assert found.total_return == pytest.approx(found.pnl / 1000)
    assert [day.pnl for day in found.path] == pytest.approx([30.0, -101.0])
    assert found.worst_day == found.path[1]
    assert found.max_drawdown is not None
    assert found.max_drawdown.depth == pytest.approx(929 / 1030 - 1)
    assert (found.max_drawdown.peak, found.max_drawdown.trough) == (date(2020, 2, 20), date(2020, 2, 21))


def test_a_symbol_without_history_is_given_the_factors_and_named() -> None:
    found = ask(book_of([Lot("NEW", 300.0), Lot("SPY", 100.0)]), past()).result
    assert found.pnl == pytest.approx(400 * (0.81 - 1))
    assert (found.filled_symbols, found.filled_share) == (["NEW"], 0.75)


def test_where_not_even_factors_exist_there_is_a_reason() -> None:
    of = book_of([Lot("NEW", 300.0)])
    found = ask(of, past(funds=NAN))
    assert (found.result.pnl, found.result.reason, found.coverage) == (None, "no_position_has_it", 0.0)
    assert [one.reason for one in found.result.excluded] == ["no_returns"]
    assert ask(of, Past()).result.reason == "no_sessions"
    late = ask(of, past(), since=date(2019, 9, 1), until=date(2020, 2, 21)).result
    assert (late.pnl, late.reason) == (None, "history_begins_later")


def test_sessions_before_the_first_price_are_history_that_begins_later() -> None:
    """The calendar reaches ten years back; prices begin where an installation says."""
    unpriced = {fund: [NAN, NAN, -0.1] for fund in BENCHMARKS}
    then = Past(returns=Returns((*unpriced, "AAA"), DAYS, np.array([*unpriced.values(), [NAN, NAN, 0.1]])))
    found = ask(book_of([Lot("AAA", 300.0)]), then)
    assert (found.result.pnl, found.result.reason, found.coverage) == (None, "history_begins_later", 0.0)
    assert [one.reason for one in found.result.excluded] == ["no_returns"]
    private = ask(book_of([Lot("AAA", 300.0, investment_class="PRIVATE")]), then).result
    assert private.reason == "no_position_has_it"
    assert ask(book_of([], cash=5.0), then).result.pnl == 0.0


async def test_the_calendar_without_prices_is_told_as_history_that_begins_later(world: Any, replica: Any) -> None:
    monday = date(2024, 12, 16)
    await world.calendar(date(2018, 9, 20), date(2018, 9, 21), date(2018, 9, 24))
    await world.edition(1, monday)
    await world.symbol(1, "AAA", 1.2)
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, monday, world.lot("AAA", 900.0), cash=100.0)
    data = (await replica.ask(portfolio, "historical-replay", window="autumn_2018"))["data"]
    assert (data["sessions"], data["pnl"], data["reason"]) == (2, None, "history_begins_later")


def test_without_a_positive_nav_usd_stay_and_cash_alone_loses_nothing() -> None:
    found = ask(book_of([Lot("SPY", 100.0)], nav=-1.0), past()).result
    assert (found.pnl, found.total_return, found.max_drawdown) == (pytest.approx(-19.0), None, None)
    assert found.relative_reason == "nav_not_positive"
    assert ask(book_of([], cash=5.0), past()).result.pnl == 0.0


@pytest.mark.parametrize(
    "bad",
    [
        {"since": date(2020, 1, 1)},
        {"since": date(2020, 1, 1), "until": date(2020, 1, 1)},
        {"since": date(2015, 1, 1), "until": date(2020, 1, 1)},
        {"window": "tulips"},
    ],
)
def test_windows_that_are_none_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReplayParameters(**bad)


def test_the_future_cannot_be_replayed() -> None:
    with pytest.raises(UnanswerableError, match="after the valuation's session"):
        ask(book_of([], cash=1.0), past(), since=date(2024, 12, 1), until=date(2025, 1, 2))


HELD = tuple(f"S{n}" for n in range(6))
ESTIMATED = edition_of(planted_market((*HELD, "NEW"), seed=8), assumed={"NEW": "too_few_observations"})
MONTH = np.arange("2020-02-20", "2020-03-11", dtype="datetime64[D]")

lots_of_books = st.lists(
    st.builds(
        Lot,
        symbol=st.sampled_from((*HELD, "NEW", "SPY", "GONE")),
        market_value=st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1),
    ),
    min_size=1,
    max_size=12,
)


@st.composite
def months(draw: st.DrawFn, *, fund_holes: bool = True) -> Returns:
    """Twenty sessions of every symbol but `NEW`, some with holes, some moving by more than a share can."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    symbols = (*BENCHMARKS, *HELD)
    table = np.maximum(dice.normal(0.0, draw(st.sampled_from([0.02, 0.3])), (len(symbols), len(MONTH))), -1.0)
    holes = dice.random(table.shape) < draw(st.sampled_from([0.0, 0.02, 0.2]))
    holes[: len(BENCHMARKS)] &= fund_holes and draw(st.booleans())
    return Returns(symbols, MONTH, np.where(holes, np.nan, table))


def replay(lots: Sequence[Lot], then: Returns, *, nav: float | None = None, **window: Any) -> Finding[HistoricalReplay]:
    window = {"since": date(2020, 2, 19), "until": MONTH[-1].item()} | window
    return compute(Evidence(book_of(lots, nav=nav), ESTIMATED, Past(returns=then)), ReplayParameters(**window))


def slowly(symbol: str, then: Returns, session: int) -> tuple[float, bool]:
    """The return of one symbol on one session, by the formula of `domain.md`, and whether the model gave it."""
    known = float(then.of(symbol)[session])
    if not np.isnan(known):
        return known, False
    spy, tlt, *styles = (float(then.of(fund)[session]) for fund in BENCHMARKS)
    moves = [spy, tlt, *(style - spy for style in styles)]
    betas = ESTIMATED.risk.betas[ESTIMATED.index[symbol]]
    filled = sum(float(beta) * move for beta, move in zip(betas, moves, strict=True))
    return (filled if filled > -1 or np.isnan(filled) else -1.0), True


def test_what_the_model_fills_in_loses_all_and_no_more() -> None:
    swings = {symbol: ESTIMATED.risk.betas[ESTIMATED.index[symbol], :2].sum() for symbol in HELD}
    symbol = max(swings, key=lambda one: swings[one])
    funds = np.full((len(BENCHMARKS), len(MONTH)), 0.01)
    funds[:, 3] = -0.95
    assert swings[symbol] * -0.95 < -1.2
    found = replay([Lot(symbol, 300.0)], Returns(BENCHMARKS, MONTH, funds), nav=1e3).result
    assert found.filled_symbols == [symbol]
    assert [day.cumulative_pnl for day in found.path[3:]] == pytest.approx([-300.0] * (len(MONTH) - 3))


@settings(max_examples=60, deadline=None)
@given(lots=lots_of_books, then=months(), nav=st.floats(1e3, 1e7))
def test_any_replay_equals_a_loop_over_its_lots_and_sessions(lots: list[Lot], then: Returns, nav: float) -> None:
    finding = replay(lots, then, nav=nav)
    found, gross = finding.result, sum(abs(lot.market_value) for lot in lots)
    at_risk = sorted({lot.symbol for lot in lots} - {"GONE"})
    given_on = {symbol: [slowly(symbol, then, session) for session in range(len(MONTH))] for symbol in at_risk}
    kept = {symbol: days for symbol, days in given_on.items() if not any(np.isnan(value) for value, _ in days)}
    entered = [lot for lot in lots if lot.symbol in kept]
    assert finding.coverage == pytest.approx(sum(abs(lot.market_value) for lot in entered) / gross, rel=1e-12)
    assert {one.symbol for one in found.excluded} == {lot.symbol for lot in lots} - set(kept)
    if not entered:
        assert (found.pnl, found.path, found.max_drawdown) == (None, [], None)
        assert found.reason in {"no_position_has_it", "history_begins_later"}
        return
    worth = dict.fromkeys(kept, 1.0)
    path, largest = [], 1.0
    for session in range(len(MONTH)):
        worth = {symbol: value * (1 + kept[symbol][session][0]) for symbol, value in worth.items()}
        path.append(sum(lot.market_value * (worth[lot.symbol] - 1) for lot in entered))
        largest = max(largest, *worth.values())
    rounding = 1e-10 * gross * largest
    assert [day.cumulative_pnl for day in found.path] == pytest.approx(path, rel=1e-10, abs=rounding)
    assert [day.pnl for day in found.path] == pytest.approx(np.diff(path, prepend=0.0), rel=1e-10, abs=rounding)
    assert found.total_return == pytest.approx(path[-1] / nav, rel=1e-10, abs=rounding / nav)
    filled = {symbol: sum(by_model for _, by_model in days) for symbol, days in kept.items()}
    assert found.filled_symbols == [symbol for symbol, sessions in filled.items() if sessions]
    weighed = sum(abs(lot.market_value) * filled[lot.symbol] for lot in entered)
    whole = sum(abs(lot.market_value) for lot in entered) * len(MONTH)
    assert found.filled_share == pytest.approx(weighed / whole, rel=1e-12)
    assert found.max_drawdown is not None
    growth = [1.0, *(1 + value / nav for value in path)]
    deepest = min(growth[b] / max(growth[: b + 1]) - 1 for b in range(len(growth)))
    assert found.max_drawdown.depth == pytest.approx(deepest, rel=1e-9, abs=1e-9 + rounding / nav)


@settings(max_examples=40, deadline=None)
@given(lots=lots_of_books, then=months(), factor=st.floats(0.01, 100), sessions=st.integers(1, len(MONTH)))
def test_replays_scale_mirror_and_do_not_mind_how_lots_are_split(
    lots: list[Lot], then: Returns, factor: float, sessions: int
) -> None:
    until = MONTH[sessions - 1].item()
    once = pnl_of(lots, then, until=until)
    rounding = 1e-9 * sum(abs(lot.market_value) for lot in lots) * largest_growth(then)
    for other, times in (
        ([Lot(lot.symbol, factor * lot.market_value) for lot in lots], factor),
        ([Lot(lot.symbol, -lot.market_value) for lot in lots], -1.0),
        ([Lot(lot.symbol, lot.market_value / 2) for lot in (*lots, *lots)], 1.0),
    ):
        assert pnl_of(other, then, until=until) == pytest.approx(times * once, rel=1e-9, abs=abs(times) * rounding)


@settings(max_examples=40, deadline=None)
@given(lots=lots_of_books, then=months(fund_holes=False), sessions=st.integers(1, len(MONTH)))
def test_a_window_that_ends_earlier_is_the_beginning_of_the_longer_one(
    lots: list[Lot], then: Returns, sessions: int
) -> None:
    whole, part = pnl_of(lots, then), pnl_of(lots, then, until=MONTH[sessions - 1].item())
    rounding = 1e-10 * sum(abs(lot.market_value) for lot in lots) * largest_growth(then)
    assert part == pytest.approx(whole[:sessions], rel=1e-10, abs=rounding)


def pnl_of(lots: Sequence[Lot], then: Returns, **window: Any) -> NDArray[np.float64]:
    return np.array([day.cumulative_pnl for day in replay(lots, then, **window).result.path])


def largest_growth(then: Returns) -> float:
    return float(np.prod(1 + np.nanmax(np.abs(then.returns), axis=0)))


@pytest.mark.parametrize(
    ("window", "lost", "sessions"),
    [("covid_crash_2020", -0.337, 23), ("rising_yields_2022", -0.245, 195), ("autumn_2018", -0.193, 65)],
)
def test_spy_lost_in_each_window_what_is_recorded(window: WindowName, lost: float, sessions: int) -> None:
    since, until = WINDOWS[window]
    table = total_returns().loc[since:until, list(BENCHMARKS)]
    then = Past(returns=Returns(BENCHMARKS, np.array(table.index, dtype="datetime64[D]"), table.to_numpy(float).T))
    found = ask(book_of([Lot("SPY", 1000.0)]), then, window=window).result
    assert found.total_return == pytest.approx(lost, abs=0.001)
    assert (found.filled_share, found.sessions) == (0.0, sessions)
