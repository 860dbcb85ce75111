"""Prices of options and private holdings as their owner says."""

from decimal import Decimal

import pytest

PRIVATE = {"symbol": "LAKE HOUSE", "investment_class": "PRIVATE", "investment_subtype": "REAL_ESTATE"}


@pytest.fixture
async def house(portfolio):
    return await portfolio.lot(**PRIVATE)


def path(lot: dict, day: str = "") -> str:
    return f"/lots/{lot['position_id']}/prices" + (f"/{day}" if day else "")


async def test_a_price_counts_from_its_day_on_and_said_again_it_is_another(portfolio, house):
    first = await portfolio.ask("PUT", path(house, "2024-12-14"), {"price": "900"})
    assert (first.status_code, first.json()["version"], first.json()["counts_on"]) == (200, 3, "2024-12-16")
    await portfolio.ask("PUT", path(house, "2024-12-14"), {"price": 0})
    await portfolio.ask("PUT", path(house, "2024-12-13"), {"price": "850.5"})
    listed = (await portfolio.ask("GET", path(house))).json()["prices"]
    assert [(price["date"], Decimal(price["price"])) for price in listed] == [
        ("2024-12-13", Decimal("850.5")),
        ("2024-12-14", 0),
    ]
    assert [change["action"] for change in await portfolio.changes()][:3] == ["price.set"] * 3
    assert (await portfolio.changes())[1]["before"][0]["price"] == "900"


async def test_a_price_that_is_taken_away_is_gone(portfolio, house):
    await portfolio.ask("PUT", path(house, "2024-12-13"), {"price": "900"})
    gone = await portfolio.ask("DELETE", path(house, "2024-12-13"))
    assert (gone.status_code, gone.json()["first_affected_session"]) == (200, "2024-12-13")
    assert (await portfolio.ask("DELETE", path(house, "2024-12-13"))).json()["code"] == "no_such_price"
    assert (await portfolio.ask("GET", path(house))).json()["prices"] == []


async def test_what_is_traded_has_its_markets_price(portfolio):
    answer = await portfolio.ask("PUT", path(await portfolio.lot(), "2024-12-13"), {"price": "1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "price_of_public_lot")


async def test_what_is_no_price_or_no_day_of_the_lot_is_refused(portfolio, house):
    for day, body, found in (
        ("2024-12-13", {}, {("price", "price_missing")}),
        (
            "2024-12-13",
            {"price": "-1", "currency": "EUR"},
            {("price", "price_not_positive"), ("currency", "currency_not_usd")},
        ),
        ("2024-12-13", {"price": "x", "day": 1}, {("price", "price_not_a_number"), ("day", "field_unknown")}),
        ("2024-12-10", {"price": "1"}, {("date", "price_before_entry")}),
        ("2034-12-10", {"price": "1"}, {("date", "date_in_future")}),
        ("13.12.2024", {"price": "1"}, {("date", "date_not_iso")}),
    ):
        assert portfolio.codes(await portfolio.ask("PUT", path(house, day), body)) == found
    assert await portfolio.version() == 2


async def test_both_parts_of_a_lot_keep_what_was_said_before(portfolio, house):
    await portfolio.ask("PUT", path(house, "2024-12-12"), {"price": "900"})
    close = {"exit_date": "2024-12-13", "exit_price": "950", "quantity": "50"}
    parts = (await portfolio.ask("POST", f"/lots/{house['position_id']}/close", close, tag="*")).json()
    for part in (parts["closed"], parts["remaining"]):
        [price] = (await portfolio.ask("GET", path(part))).json()["prices"]
        assert (price["date"], Decimal(price["price"])) == ("2024-12-12", 900)
    late = await portfolio.ask("PUT", path(parts["closed"], "2024-12-16"), {"price": "1"})
    assert portfolio.codes(late) == {("date", "price_after_exit")}
