"""Trades that were not made, against portfolios really changed that way."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.book import Book
from analytics.evidence import Evidence
from analytics.measures.measure import UnanswerableError
from analytics.measures.what_if import COMPARED, WhatIf, WhatIfParameters, compute, wants
from yardstick.books import Lot, book_of, edition_of, planted_market

SYMBOLS = tuple(f"S{n}" for n in range(12))
MARKET = planted_market(SYMBOLS, seed=3)
EDITION = edition_of(
    MARKET,
    exposures={symbol: [0.1 * n + 0.01 * factor for factor in range(12)] for n, symbol in enumerate(SYMBOLS)},
    sectors=dict.fromkeys(SYMBOLS, "Energy"),
)
CLOSE = 100.0
"""Of every symbol, in the book and in the edition."""


def book(shares: dict[str, float], cash: float = 1_000.0) -> Book:
    return book_of([Lot(s, q * CLOSE, sector="Energy", price=CLOSE) for s, q in shares.items() if q], cash=cash)


def ask(of: Book, **parameters: Any) -> WhatIf:
    return compute(Evidence(of, EDITION), WhatIfParameters(**parameters)).result


def sent(trades: dict[str, float]) -> list[dict[str, Any]]:
    return [{"symbol": symbol, "quantity": quantity} for symbol, quantity in trades.items()]


def test_a_purchase_takes_cash_and_leaves_nav() -> None:
    found = ask(book({"S1": 5.0}), trades=sent({"S2": 3.0}))
    assert (found.cash_before, found.cash_after, found.nav) == (1_000.0, 700.0, 1_500.0)
    assert [(t.symbol, t.quantity, t.price, t.value) for t in found.trades] == [("S2", 3.0, 100.0, 300.0)]
    beta = next(f for f in found.figures if f.figure == "factors.market_beta.beta")
    assert beta.before == pytest.approx(500 / 1_500 * 0.1)
    assert beta.after == pytest.approx(500 / 1_500 * 0.1 + 300 / 1_500 * 0.2)
    assert beta.change == pytest.approx(300 / 1_500 * 0.2)


shares = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(-50, 50).map(float), max_size=12)


@settings(max_examples=60, deadline=None)
@given(held=shares, trades=shares.filter(lambda trades: any(trades.values())))
def test_every_figure_is_that_of_a_portfolio_really_changed_that_way(
    held: dict[str, float], trades: dict[str, float]
) -> None:
    before = book(held, cash=20_000.0)
    after = book_of(
        [
            Lot(symbol, quantity * CLOSE, sector="Energy", price=CLOSE)
            for symbol in SYMBOLS
            for quantity in lots_after(held.get(symbol, 0.0), trades.get(symbol, 0.0))
        ],
        cash=20_000.0 - CLOSE * sum(trades.values()),
    )
    found = ask(before, trades=sent(trades), allow_short=True)
    told = {(one.measure, one.figure): one for one in found.figures}
    for compared in COMPARED:
        same, _ = compared.figures(Evidence(after, EDITION))
        assert {figure for name, figure in told if name == compared.measure.name} >= {
            figure for figure, wanted in same.items() if wanted is not None
        }
        for figure, wanted in same.items():
            one = told.get((compared.measure.name, figure))
            assert (one is None or one.after is None) == (wanted is None), figure
            if one is not None and wanted is not None:
                assert one.after == pytest.approx(wanted, abs=1e-12 * max(1.0, abs(wanted))), figure


def lots_after(held: float, trade: float) -> list[float]:
    """What stands in a ledger: a trade against what is held closes of it, one in its direction is a lot more."""
    return [lot for lot in ([held + trade] if held * trade < 0 else [held, trade]) if lot]


def test_target_weights_are_met_and_others_are_sold_only_if_that_is_asked() -> None:
    of = book({"S1": 5.0, "S2": -4.0}, cash=900.0)  # NAV 1,000
    keeping = ask(of, target_weights=[{"symbol": "S3", "weight": 0.25}])
    assert [(t.symbol, t.quantity) for t in keeping.trades] == [("S3", 2.5)]
    alone = ask(of, target_weights=[{"symbol": "S3", "weight": 0.25}], close_others=True)
    assert {t.symbol: t.quantity for t in alone.trades} == {"S1": -5.0, "S2": 4.0, "S3": 2.5}
    assert alone.cash_after == 750.0


def test_a_sale_closes_lots_and_splitting_lots_changes_nothing() -> None:
    one = ask(book({"S1": 6.0}), trades=sent({"S1": -4.0}))
    lots = book_of([Lot("S1", 100.0, price=CLOSE, sector="Energy")] * 6, cash=1_000.0)
    several = ask(lots, trades=sent({"S1": -4.0}))
    assert differing(one, several) == {"positions"}, "how many lots there are, and nothing else"


def differing(one: WhatIf, other: WhatIf) -> set[str]:
    others = {(f.measure, f.figure): f.after for f in other.figures}
    return {
        f.figure.split(".")[-1]
        for f in one.figures
        if f.after is not None and f.after != pytest.approx(others[f.measure, f.figure], rel=1e-9, abs=1e-12)
    }


@pytest.mark.parametrize(
    ("parameters", "field", "sentence"),
    [
        ({"trades": sent({"S1": -6.0})}, "trades", "6 of S1 are to be sold, of which 5 are held.*allow_short"),
        ({"trades": sent({"S2": -1.0})}, "trades", "of which 0 are held"),
        ({"trades": sent({"NEVER": 1.0})}, "trades", "NEVER is not known to edition 1.*when a portfolio holds it"),
        ({"trades": sent({"WAITS": 1.0})}, "trades", "WAITS has no close within five sessions"),
        ({"target_weights": [{"symbol": "NEVER", "weight": 0.1}]}, "target_weights", "NEVER is not known"),
        (
            {"target_weights": [{"symbol": "S1", "weight": -0.1}]},
            "target_weights",
            "are to be sold, of which 5 are held",
        ),
    ],
)
def test_what_cannot_be_traded_is_refused_with_what_to_do(parameters: Any, field: str, sentence: str) -> None:
    of = book_of(
        [Lot("S1", 500.0, price=CLOSE), Lot("WAITS", 50.0, price_status="unpriced")], cash=1_000.0, unknown=["WAITS"]
    )
    with pytest.raises(UnanswerableError, match=sentence) as refused:
        ask(of, **parameters)
    assert refused.value.field == field


@pytest.mark.parametrize("cash", [400.0, 100.0])
def test_without_a_positive_nav_weights_are_refused_and_trades_are_not(cash: float) -> None:
    of = book({"S1": 5.0, "S2": -9.0}, cash=cash)
    with pytest.raises(UnanswerableError, match=r"no weight.* means anything; send trades"):
        ask(of, target_weights=[{"symbol": "S1", "weight": 0.1}])
    assert ask(of, trades=sent({"S1": 1.0})).cash_after == cash - 100.0


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({}, "either trades or target_weights"),
        ({"trades": sent({"S1": 1.0}), "target_weights": [{"symbol": "S1", "weight": 1.0}]}, "either"),
        ({"target_weights": [{"symbol": "BRK.B", "weight": 0.1}, {"symbol": "brk-b", "weight": 0.2}]}, "twice"),
        ({"trades": sent({"S1": math.nan})}, "finite"),
        ({"trades": sent({"S1": 1e16})}, "less than or equal"),
        ({"trades": sent({"no symbol": 1.0})}, "is not a symbol"),
        ({"target_weights": [{"symbol": "S1", "weight": 1e9}]}, "less than or equal"),
        ({"trades": sent({f"T{n}": 1.0 for n in range(1_001)})}, "at most 1000"),
        ({"trades": sent({"S1": 1.0}), "price": 5}, "Extra inputs"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        WhatIfParameters(**parameters)


def test_buying_back_more_than_is_short_goes_long() -> None:
    found = ask(book({"S1": -5.0}, cash=2_000.0), trades=sent({"S1": 8.0}))
    beta = next(f for f in found.figures if f.figure == "factors.market_beta.dollar_exposure")
    assert (beta.before, beta.after) == (pytest.approx(-50.0), pytest.approx(30.0))


def test_trades_in_one_symbol_add_up_and_symbols_are_written_one_way() -> None:
    trades: Sequence[dict[str, Any]] = [{"symbol": "s1", "quantity": 4.0}, {"symbol": " S1", "quantity": -4.0}]
    found = ask(book({"S1": 5.0}), trades=trades)
    assert (found.cash_after, {f.change for f in found.figures if f.change is not None}) == (1_000.0, {0.0})
    assert wants(book({}), WhatIfParameters(trades=trades)).symbols == {"S1"}


async def test_over_http_a_question_that_makes_no_sense_of_the_book_says_where(world: Any, replica: Any) -> None:
    await world.edition(1, date(2024, 12, 16))
    await world.symbol(1, "AAA", 1.0)
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, date(2024, 12, 16), world.lot("AAA", 500.0), cash=500.0)
    answer = await replica.post(portfolio, "what-if", {"trades": [{"symbol": "AAA", "quantity": -5}]})
    assert (answer.status_code, answer.json()["data"]["cash_after"]) == (200, 550.0)
    refused = await replica.post(portfolio, "what-if", {"trades": [{"symbol": "ZZZ", "quantity": 5}]})
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["errors"][0]["where"]) == (422, "unanswerable", "trades")
    broken = await replica.client.post(
        f"/api/v1/analytics/portfolio/{portfolio}/what-if",
        content=b'{"trades": [{"symbol": "AAA", "quantity": NaN}]}',
        headers=replica.bearer("ana") | {"Content-Type": "application/json"},
    )
    assert (broken.status_code, broken.json()["code"]) == (422, "invalid_request")
    assert (await replica.get(portfolio, "what-if")).status_code == 405
