"""Replays against sums done by hand, and against the crash of 2020 as it was recorded."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from analytics.book import Book
from analytics.evidence import Evidence
from analytics.measures.historical_replay import HistoricalReplay, ReplayParameters, compute
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


def test_spy_lost_a_third_in_the_crash_of_2020() -> None:
    table = total_returns().loc[date(2020, 2, 19) : date(2020, 3, 23), list(BENCHMARKS)]
    then = Past(returns=Returns(BENCHMARKS, np.array(table.index, dtype="datetime64[D]"), table.to_numpy(float).T))
    found = ask(book_of([Lot("SPY", 1000.0)]), then, window="covid_crash_2020").result
    assert found.total_return == pytest.approx(-0.337, abs=0.001)
    assert (found.filled_share, found.sessions) == (0.0, 23)
