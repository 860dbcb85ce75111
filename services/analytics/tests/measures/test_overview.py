"""The overview shows what was stored, and weights by the rule."""

from datetime import date
from typing import Any

import pytest

FRIDAY, MONDAY = date(2024, 12, 13), date(2024, 12, 16)


@pytest.fixture(autouse=True)
async def edition(world: Any) -> None:
    await world.edition(1, MONDAY)


async def test_the_stored_figures_and_the_positions_by_size(world: Any, replica: Any) -> None:
    portfolio = await world.portfolio()
    await world.fold(
        portfolio,
        1,
        MONDAY,
        world.lot("AAA", 300.0, sector="Financials", cost_basis=250.0),
        world.lot("BBB", -500.0, cost_basis=-450.0),
        world.lot("CCC", 100.0, price_status="stale"),
        world.lot("DDD", 150.0, price_status="unpriced"),
        world.lot("OPT", 50.0, investment_class="OPTIONS", price_status="manual"),
        cash=900.0,
        fees=0.25,
    )
    body = await replica.ask(portfolio, "overview", top=3)
    data = body["data"]
    figures = ("nav", "cash", "long", "short", "gross", "net", "daily_return", "cumulative_pnl", "flow", "positions")
    assert {name: data[name] for name in figures} == {
        "nav": 1000.0,
        "cash": 900.0,
        "long": 600.0,
        "short": -500.0,
        "gross": 1100.0,
        "net": 100.0,
        "daily_return": 0.01,
        "cumulative_pnl": 42.0,
        "flow": 0.0,
        "positions": 5,
    }
    assert data["pnl"] == {"total": 11.0, "price": 6.0, "dividend": 3.0, "in_kind": 2.0, "trading": 0.25, "fees": 0.25}
    assert [(line["symbol"], line["weight"]) for line in data["top_positions"]] == [
        ("BBB", -0.5),
        ("AAA", 0.3),
        ("DDD", None),
    ]
    figures = ("sector", "sector_reason", "cost_basis", "unrealised_pnl", "unrealised_pnl_reason")
    assert [tuple(line[name] for name in figures) for line in data["top_positions"]] == [
        (None, "unclassified", -450.0, -50.0, None),
        ("Financials", None, 250.0, 50.0, None),
        (None, "unclassified", None, None, "valued_before_it_was_kept"),
    ]
    assert [line["symbol"] for line in data["stale"]] == ["CCC"]
    assert [line["symbol"] for line in data["unpriced"]] == ["DDD"]
    assert (data["stale_positions"], data["unpriced_positions"]) == (1, 1)
    assert body["coverage"] == pytest.approx(900 / 1100)
    assert (data["weights_reason"], data["daily_return_reason"]) == (None, None)


async def test_without_positive_nav_there_are_amounts_and_no_weights(world: Any, replica: Any) -> None:
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 300.0), cash=-400.0, daily_return=None)
    data = (await replica.ask(portfolio, "overview"))["data"]
    assert (data["nav"], data["top_positions"][0]["weight"]) == (-100.0, None)
    assert data["weights_reason"] == "nav_not_positive"
    assert (data["daily_return"], data["daily_return_reason"]) == (None, "no_positive_nav_before")


async def test_a_portfolio_with_nothing_in_it_is_answered(world: Any, replica: Any) -> None:
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, cash=100.0)
    body = await replica.ask(portfolio, "overview")
    assert (body["coverage"], body["data"]["top_positions"], body["data"]["nav"]) == (None, [], 100.0)


async def test_a_portfolio_with_nothing_priced_says_so(world: Any, replica: Any) -> None:
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, world.lot("XXX", 250.0, price_status="unpriced"), unknown=["XXX"])
    body = await replica.ask(portfolio, "overview")
    assert (body["coverage"], body["data"]["nav"], body["data"]["unpriced_positions"]) == (0.0, 250.0, 1)
    exposures = await replica.ask(portfolio, "factor-exposures")
    assert {factor["beta"] for factor in exposures["data"]["factors"]} == {None}
    assert {line["reason"] for line in exposures["data"]["excluded"]} == {"unpriced"}


async def test_the_figures_are_those_of_the_heads_session(world: Any, replica: Any) -> None:
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, FRIDAY, world.lot("AAA", 100.0))
    await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 110.0))
    body = await replica.ask(portfolio, "overview")
    assert (body["as_of"], body["data"]["nav"]) == ("2024-12-16", 110.0)


async def test_a_book_of_thousands_of_positions_is_answered_off_the_event_loop(world: Any, replica: Any) -> None:
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, *(world.lot(f"S{n}", 1.0 + n) for n in range(2_000)))
    data = (await replica.ask(portfolio, "overview", top=2))["data"]
    assert [line["symbol"] for line in data["top_positions"]] == ["S1999", "S1998"]
