"""Prices of options and private holdings as their owner says."""

import asyncio
from decimal import Decimal

import pytest

PRIVATE = {"symbol": "LAKE HOUSE", "investment_class": "PRIVATE", "investment_subtype": "REAL_ESTATE"}


@pytest.fixture
async def house(portfolio):
    return await portfolio.lot(**PRIVATE)


def path(lot: dict, day: str = "") -> str:
    return f"/lots/{lot['position_id']}/prices" + (f"/{day}" if day else "")


async def put(portfolio, lot: dict, day: str, price: object, tag: object = None):
    """Say a price of the day: the first, or one in place of what `tag` names."""
    unseen = {"If-None-Match": "*"} if tag is None else {}
    return await portfolio.ask("PUT", path(lot, day), {"price": price}, tag=tag, **unseen)


async def test_a_price_counts_from_its_day_on_and_said_again_it_is_another(portfolio, house):
    first = await put(portfolio, house, "2024-12-14", "900")
    assert (first.status_code, first.json()["version"], first.json()["counts_on"]) == (200, 3, "2024-12-16")
    await put(portfolio, house, "2024-12-14", 0, tag=3)
    await put(portfolio, house, "2024-12-13", "850.5")
    listed = (await portfolio.ask("GET", path(house))).json()["prices"]
    assert [(price["date"], Decimal(price["price"]), price["changed_version"]) for price in listed] == [
        ("2024-12-13", Decimal("850.5"), 5),
        ("2024-12-14", 0, 4),
    ]
    assert [change["action"] for change in await portfolio.changes()][:3] == ["price.set"] * 3
    assert (await portfolio.changes())[1]["before"][0]["price"] == "900"


async def test_a_price_that_is_taken_away_is_gone_and_another_is_a_first_one(portfolio, house):
    await put(portfolio, house, "2024-12-13", "900")
    gone = await portfolio.ask("DELETE", path(house, "2024-12-13"), tag=3)
    assert (gone.status_code, gone.json()["first_affected_session"]) == (200, "2024-12-13")
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"price": "1"})):
        answer = await portfolio.ask(method, path(house, "2024-12-13"), body, tag="*")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_price"), method
    assert "If-None-Match: *" in answer.json()["detail"]
    assert (await portfolio.ask("GET", path(house))).json()["prices"] == []
    assert (await put(portfolio, house, "2024-12-13", "901")).json()["version"] == 5


async def test_a_price_is_read_under_the_tag_that_its_next_change_needs(portfolio, house):
    said = await put(portfolio, house, "2024-12-13", "900")
    await portfolio.flow()
    read = await portfolio.ask("GET", path(house, "2024-12-13"))
    assert said.headers["etag"] == read.headers["etag"] == '"3"'
    assert (read.json()["date"], Decimal(read.json()["price"])) == ("2024-12-13", 900)
    assert (await portfolio.ask("GET", path(house, "2024-12-13"), **{"If-None-Match": '"3"'})).status_code == 304
    changed = await put(portfolio, house, "2024-12-13", "901", tag=3)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"5"')
    assert (await portfolio.ask("GET", path(house, "2024-12-13"), **{"If-None-Match": '"3"'})).status_code == 200


async def test_of_two_who_say_the_first_price_at_once_one_is_told_of_the_other(portfolio, house):
    answers = await asyncio.gather(*(put(portfolio, house, "2024-12-13", price) for price in ("900", "950")))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code, lost.json()["code"]) == (200, 412, "precondition_failed")
    assert lost.headers["etag"] == won.headers["etag"] == '"3"'
    seen = await portfolio.ask("GET", path(house, "2024-12-13"))
    assert seen.json()["price"] == won.json()["price"]["price"]
    assert await portfolio.version() == 3


async def test_of_two_who_saw_the_same_price_the_second_overwrites_nothing(portfolio, house):
    await put(portfolio, house, "2024-12-13", "900")
    answers = await asyncio.gather(
        put(portfolio, house, "2024-12-13", "950", tag=3),
        portfolio.ask("DELETE", path(house, "2024-12-13"), tag=3),
        put(portfolio, house, "2024-12-13", "990", tag=3),
    )
    assert sum(answer.status_code == 200 for answer in answers) == 1
    for answer in answers:
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) in {
                (412, "precondition_failed"),
                (404, "no_such_price"),  # the one who took it away was the first
            }
    assert await portfolio.version() == 4


async def test_who_does_not_say_what_they_saw_changes_no_price(portfolio, house):
    bare = await portfolio.ask("PUT", path(house, "2024-12-13"), {"price": "900"})
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition_required")
    assert "If-None-Match: *" in bare.json()["detail"]
    await put(portfolio, house, "2024-12-13", "900")
    for method, body, headers, status in (
        ("PUT", {"price": "1"}, {}, 428),
        ("PUT", {"price": "1"}, {"If-None-Match": '"2"'}, 428),
        ("PUT", {"price": "1"}, {"If-None-Match": "*", "If-Match": '"3"'}, 400),
        ("PUT", {"price": "1"}, {"If-Match": 'W/"3"'}, 412),
        ("PUT", {"price": "1"}, {"If-Match": '"2"'}, 412),
        ("DELETE", None, {}, 428),
        ("DELETE", None, {"If-None-Match": "*"}, 428),
        ("DELETE", None, {"If-Match": '"2"'}, 412),
    ):
        answer = await portfolio.ask(method, path(house, "2024-12-13"), body, **headers)
        assert answer.status_code == status, (method, headers, answer.text)
        if status == 412:
            assert answer.headers["etag"] == '"3"'
    assert await portfolio.version() == 3
    assert (await put(portfolio, house, "2024-12-13", "950", tag="*")).status_code == 200


async def test_what_is_traded_has_its_markets_price(portfolio):
    answer = await put(portfolio, await portfolio.lot(), "2024-12-13", "1")
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
        for seen in ({"If-None-Match": "*"}, {"If-Match": "*"}):
            assert portfolio.codes(await portfolio.ask("PUT", path(house, day), body, **seen)) == found
    assert await portfolio.version() == 2


async def test_both_parts_of_a_lot_keep_what_was_said_before(portfolio, house):
    await put(portfolio, house, "2024-12-12", "900")
    close = {"exit_date": "2024-12-13", "exit_price": "950", "quantity": "50"}
    parts = (await portfolio.ask("POST", f"/lots/{house['position_id']}/close", close, tag="*")).json()
    for part in (parts["closed"], parts["remaining"]):
        [price] = (await portfolio.ask("GET", path(part))).json()["prices"]
        assert (price["date"], Decimal(price["price"])) == ("2024-12-12", 900)
        read = await portfolio.ask("GET", path(part, "2024-12-12"))
        assert (await put(portfolio, part, "2024-12-12", "901", tag=price["changed_version"])).status_code == 200
        assert read.headers["etag"] == f'"{price["changed_version"]}"'
    late = await put(portfolio, parts["closed"], "2024-12-16", "1")
    assert portfolio.codes(late) == {("date", "price_after_exit")}
