"""All of an owner's portfolios as one."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from analytics.measures import MEASURES
from analytics.past import Wanted

FRIDAY, MONDAY, TUESDAY = date(2024, 12, 13), date(2024, 12, 16), date(2024, 12, 17)


@pytest.fixture
async def edition(world: Any) -> None:
    await world.edition(1, MONDAY)
    await world.symbol(1, "AAA", 1.2, error=0.1)
    await world.symbol(1, "BBB", 0.5, error=0.2)


@pytest.fixture
async def two(world: Any, edition: None) -> tuple[UUID, UUID]:
    """NAV 1,000 and 600: 700 AAA, 500 BBB and 400 cash together."""
    first, second = sorted([await world.portfolio("ana"), await world.portfolio("ana")])
    await world.fold(first, 1, MONDAY, world.lot("AAA", 600.0), world.lot("BBB", 200.0), cash=200.0)
    await world.fold(second, 1, MONDAY, world.lot("AAA", 100.0), world.lot("BBB", 300.0), cash=200.0)
    return first, second


async def ask(replica: Any, measure: str = "overview", owner: str = "ana", **parameters: Any) -> Any:
    address = f"/api/v1/analytics/portfolios/{measure}"
    return await replica.client.get(address, params=parameters, headers=replica.bearer(owner))


async def test_two_portfolios_are_one_book_of_all_their_positions(two: Any, replica: Any) -> None:
    body = (await ask(replica)).json()
    figures = body["data"]["figures"]
    assert (figures["nav"], figures["cash"], figures["gross"], figures["positions"]) == (1600.0, 400.0, 1200.0, 4)
    assert figures["pnl"]["total"] == 22.0
    assert figures["daily_return"] == pytest.approx(22 / (1600 - 22))
    assert [(part["portfolio"], part["valuation"]) for part in body["data"]["portfolios"]] == [
        (str(portfolio), 1) for portfolio in two
    ]
    assert (body["measure"], body["as_of"], body["coverage"], body["pending"]) == (
        "portfolios/overview",
        "2024-12-16",
        1.0,
        False,
    )
    assert {"portfolio", "valuation", "portfolio_version"}.isdisjoint(body)


async def test_exposures_are_those_of_one_portfolio_that_holds_everything(two: Any, world: Any, replica: Any) -> None:
    whole = await world.portfolio("bob")
    await world.fold(whole, 1, MONDAY, world.lot("AAA", 700.0), world.lot("BBB", 500.0), cash=400.0)
    alone = await replica.ask(whole, "factor-exposures", owner="bob")
    together = (await ask(replica, "factor-exposures")).json()
    for one, all_of_them in zip(alone["data"]["factors"], together["data"]["figures"]["factors"], strict=True):
        assert all_of_them["beta"] == pytest.approx(one["beta"], abs=1e-14)
        assert all_of_them["standard_error"] == pytest.approx(one["standard_error"], abs=1e-14)


async def test_one_that_is_a_session_behind_or_not_valued_is_left_out_and_named(
    two: Any, world: Any, replica: Any
) -> None:
    behind, never = await world.portfolio("ana"), await world.portfolio("ana")
    await world.fold(behind, 1, FRIDAY, world.lot("AAA", 5000.0))
    body = (await ask(replica)).json()
    assert body["data"]["figures"]["nav"] == 1600.0
    assert {one["portfolio"]: one["reason"] for one in body["data"]["left_out"]} == {
        str(behind): "valued_on_an_earlier_session",
        str(never): "not_valued_yet",
    }
    assert body["pending"] is True, "the one that waits for its first valuation"


async def test_nobody_elses_portfolio_enters(two: Any, world: Any, replica: Any) -> None:
    await world.fold(await world.portfolio("bob"), 1, MONDAY, world.lot("AAA", 5000.0))
    assert (await ask(replica)).json()["data"]["figures"]["nav"] == 1600.0
    assert (await ask(replica, owner="bob")).json()["data"]["figures"]["nav"] == 5000.0


async def test_the_answer_is_kept_until_any_of_them_changes(two: Any, world: Any, make_replica: Any) -> None:
    replica, other = await make_replica(), await make_replica()
    layers = [(await ask(one)).json()["cache"] for one in (replica, replica, other)]
    assert layers == ["miss", "process", "redis"]
    tag = (await ask(replica)).headers["ETag"]
    await world.change(two[0])
    waiting = await ask(replica)
    assert (waiting.json()["pending"], waiting.json()["cache"]) == (True, "process")
    await world.fold(two[0], 1, MONDAY, cash=1.0)
    after = await ask(other)
    assert (after.json()["data"]["figures"]["nav"], after.json()["cache"]) == (601.0, "miss")
    assert after.headers["ETag"] != tag
    await world.delete(two[1])
    assert (await ask(replica)).json()["data"]["figures"]["nav"] == 1.0


async def test_without_a_portfolio_or_a_valuation_there_is_a_problem_that_says_so(world: Any, replica: Any) -> None:
    await world.edition(1, MONDAY)
    none = await ask(replica)
    assert (none.status_code, none.json()["code"]) == (404, "portfolio_not_found")
    await world.portfolio("ana")
    early = await ask(replica)
    assert (early.status_code, early.json()["code"], early.headers["Retry-After"]) == (409, "not_valued_yet", "2")


async def test_the_past_is_the_sum_and_a_later_beginner_comes_in_like_a_deposit(
    world: Any, replica: Any, edition: None
) -> None:
    first, second = await world.portfolio("ana"), await world.portfolio("ana")
    await world.fold(first, 1, FRIDAY, cash=1000.0)
    await world.fold(first, 1, MONDAY, cash=1011.0)
    await world.fold(second, 1, MONDAY, cash=500.0)
    _, (book, _, past) = await replica.portfolios.read_together("ana", lambda _: Wanted(snapshots=True))
    assert past.snapshots is not None
    assert past.snapshots.nav.tolist() == [1000.0, 1511.0]
    assert past.snapshots.flow.tolist() == [0.0, 500.0]
    assert book.snapshot.nav == 1511.0


async def test_every_measure_can_be_asked_of_all_portfolios(two: Any, replica: Any) -> None:
    document = (await replica.client.get("/openapi.json")).json()
    for name in MEASURES:
        assert f"/api/v1/analytics/portfolios/{name}" in document["paths"]
