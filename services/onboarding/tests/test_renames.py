"""Lots of a renamed symbol: brought to the new name, for every owner, once, and only when that is known."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import text

from onboarding.imports.findings import Field, Finding
from onboarding.imports.renames import under_new_names
from onboarding.imports.rows import Row, validate
from onboarding.renames import LotRenamer
from riskstream.messaging.outbox import Outbox

POSITION = {"quantity": "1", "entry_price": "1", "entry_date": "2024-01-02"}
OPTION = POSITION | {
    "symbol": "FI 270115C100", "investment_class": "OPTIONS", "underlying_symbol": "FI", "strike_price": "100",
    "expiration_date": "2027-01-15", "option_type": "CALL",
}  # fmt: skip
PRIVATE = POSITION | {"symbol": "FI", "investment_class": "PRIVATE"}
THURSDAY, FRIDAY, MONDAY = date(2024, 12, 12), date(2024, 12, 13), date(2024, 12, 16)
NEXT_EDITION = 8


@pytest.fixture
def renamer(engine, clock):
    return LotRenamer(engine, Outbox("portfolios", "/services/onboarding", clock=clock), clock, at_once=2)


async def rename(layer, old: str, new: str, effective: date = FRIDAY) -> None:
    await layer.connection.execute("INSERT INTO symbols.symbol_renames VALUES ($1, $2, $3, now())", old, new, effective)


async def hold(api, *symbols, owner="ada", first_session: date = THURSDAY, **more):
    positions = [POSITION | more | {"symbol": symbol} for symbol in symbols]
    body = {"name": "x", "positions": positions, "first_session": first_session.isoformat()}
    return (await api.create(body, owner)).json()["portfolio_id"]


async def held(api, portfolio, owner="ada"):
    answer = (await api.get(f"/portfolios/{portfolio}", owner)).json()
    return answer["version"], sorted(position["symbol"] for position in answer["positions"])


async def patch(api, portfolio, lot, **fields):
    """The answer to a change of a lot as it was seen."""
    headers = api.as_owner("ada", **{"If-Match": f'"{lot["changed_version"]}"'})
    path = f"/portfolios/{portfolio}/lots/{lot['position_id']}"
    answer = await api.client.patch(path, json=fields, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_holders_lots_go_on_under_the_new_name_and_are_folded_from_the_day_of_the_rename(
    api, layer, renamer
) -> None:
    mine, theirs = await hold(api, "FI", "AAPL"), await hold(api, "FI", "FI", owner="bob", first_session=FRIDAY)
    closed = await hold(api, "FI", exit_date="2024-12-13", exit_price="2")
    other = await hold(api, "AAPL")
    deleted = await hold(api, "FI", "MSFT")
    await api.delete(f"/portfolios/{deleted}")
    await layer.connection.execute("DELETE FROM portfolios.outbox")
    await layer.know("FISV")
    await rename(layer, "FI", "FISV", THURSDAY)
    assert await renamer.apply() == 3
    assert await held(api, mine) == (2, ["AAPL", "FISV"])
    assert await held(api, theirs, "bob") == (2, ["FISV", "FISV"])
    assert await held(api, closed) == (2, ["FISV"])
    assert await held(api, other) == (1, ["AAPL"])
    said = {body["portfolio"]: body for _, _, body in await layer.outbox()}
    assert said.keys() == {mine, theirs, closed}
    assert (said[mine]["owner"], said[mine]["first_affected_session"]) == ("ada", THURSDAY.isoformat())
    assert (said[theirs]["owner"], said[theirs]["first_affected_session"]) == ("bob", FRIDAY.isoformat())
    changes = await layer.connection.fetch(
        "SELECT owner_id, version, first_affected_session FROM portfolios.portfolio_changes WHERE version = 2 "
        "AND portfolio_id = $1",
        mine,
    )
    assert [tuple(row) for row in changes] == [("ada", 2, THURSDAY)]
    assert await renamer.apply() == 0
    assert len(await layer.outbox()) == 3


async def test_the_log_says_which_lots_came_to_which_names_and_nothing_else_of_them_changed(
    api, layer, renamer
) -> None:
    portfolio = await hold(api, "FI", "AAPL", entry_fee="1.5")
    await layer.know("FISV")
    await rename(layer, "FI", "FISV", THURSDAY)
    await renamer.apply()
    change = (await api.get(f"/portfolios/{portfolio}/changes")).json()["changes"][0]
    assert (change["version"], change["action"], change["actor"]) == (2, "lots.rename", "onboarding")
    [before], [after] = change["before"], change["after"]
    assert (before["symbol"], after["symbol"], before["entry_fee"]) == ("FI", "FISV", "1.5")
    assert before | {"symbol": "FISV"} == after


async def test_lots_wait_until_the_new_name_is_known(api, layer, renamer) -> None:
    portfolio = await hold(api, "FI")
    await rename(layer, "FI", "FISV")
    assert await renamer.apply() == 0
    assert await held(api, portfolio) == (1, ["FI"])
    await layer.know("FISV")
    assert await renamer.apply() == 1
    assert await held(api, portfolio) == (2, ["FISV"])


async def test_a_rename_of_a_session_to_come_affects_the_published_one(api, layer, renamer) -> None:
    await hold(api, "FI")
    await layer.know("FISV")
    await rename(layer, "FI", "FISV", MONDAY)
    await renamer.apply()
    assert (await layer.outbox())[-1][2]["first_affected_session"] == FRIDAY.isoformat()


async def test_an_option_follows_what_it_is_on_and_a_private_holding_of_the_same_name_stays(
    api, layer, renamer
) -> None:
    body = {"name": "x", "positions": [OPTION, PRIVATE]}
    created = (await api.create(body)).json()["portfolio_id"]
    await layer.know("FISV")
    await rename(layer, "FI", "FISV")
    assert await renamer.apply() == 1
    positions = (await api.get(f"/portfolios/{created}")).json()["positions"]
    assert {(position["symbol"], position["underlying_symbol"]) for position in positions} == {
        ("FI 270115C100", "FISV"), ("FI", None),
    }  # fmt: skip


async def test_one_replica_renames_at_a_time(api, engine, layer, renamer) -> None:
    await hold(api, "FI")
    await layer.know("FISV")
    await rename(layer, "FI", "FISV")
    async with engine.begin() as other:
        await other.execute(text("SELECT pg_advisory_xact_lock(hashtext('onboarding renames'))"))
        assert await asyncio.wait_for(renamer.apply(), 10) == 0
    assert await renamer.apply() == 1


async def test_an_old_name_that_is_sent_is_entered_under_the_new_one_with_a_warning(api, layer) -> None:
    await layer.know("FISV")
    await rename(layer, "FI", "FISV")
    created = (await api.create({"name": "x", "positions": [POSITION | {"symbol": s} for s in ("AAPL", "fi")]})).json()
    [warning] = created["warnings"]
    assert (warning["index"], warning["field"], warning["code"], warning["value"]) == (
        1,
        "symbol",
        "symbol_renamed",
        "FI",
    )
    assert await held(api, created["portfolio_id"]) == (1, ["AAPL", "FISV"])
    assert created["pending_symbols"] == []
    file = "Symbol,Quantity,Entry Price Per Share,Entry Date\nAAPL,1,1,2024-01-02\n\nFI,2,2,2024-01-02\n"
    tried = (await api.upload(file, dry_run="true")).json()["report"]
    stored = (await api.upload(file)).json()
    assert tried == stored["report"]
    assert [(found["row"], found["column"], found["code"]) for found in tried["warnings"]] == [
        (4, "Symbol", "symbol_renamed")
    ]
    assert await held(api, stored["portfolio_id"]) == (1, ["AAPL", "FISV"])


async def test_a_lot_that_is_changed_to_an_old_name_has_the_new_one_at_once_with_a_warning(api, layer, renamer) -> None:
    await rename(layer, "FI", "FISV")
    portfolio = await hold(api, "AAPL")
    for known in (False, True):
        if known:
            await layer.know("FISV")
        [lot] = (await api.get(f"/portfolios/{portfolio}/lots")).json()["lots"]
        was = await patch(api, portfolio, lot, symbol="MSFT")
        answer = await patch(api, portfolio, was["lot"], symbol="fi")
        [warning] = answer["warnings"]
        assert (warning["field"], warning["code"], warning["value"]) == ("symbol", "symbol_renamed", "FI")
        assert "FISV" in warning["message"]
        assert warning["mend"]
        assert answer["lot"]["symbol"] == "FISV"
        change = (await api.get(f"/portfolios/{portfolio}/changes")).json()["changes"][0]
        assert (change["before"][0]["symbol"], change["after"][0]["symbol"]) == ("MSFT", "FISV")
    asked_for = [key for kind, key, _ in await layer.outbox() if kind == "symbol.requested.v1"]
    assert asked_for == ["FISV"], "the new name, as long as it was not known; never the old one"
    assert await renamer.apply() == 0


async def test_a_change_of_something_else_leaves_an_old_name_to_the_round_that_changes_all(api, layer, renamer) -> None:
    portfolio = await hold(api, "FI")
    await rename(layer, "FI", "FISV")
    [lot] = (await api.get(f"/portfolios/{portfolio}/lots")).json()["lots"]
    answer = await patch(api, portfolio, lot, quantity="7", symbol="FI")
    assert (answer["lot"]["symbol"], answer["warnings"]) == ("FI", [])
    await layer.know("FISV")
    assert await renamer.apply() == 1
    assert await held(api, portfolio) == (3, ["FISV"])


async def test_what_an_option_comes_to_be_on_and_what_comes_to_be_listed_has_its_new_name_too(api, layer) -> None:
    body = {"name": "x", "positions": [OPTION | {"underlying_symbol": "AAPL"}, PRIVATE]}
    portfolio = (await api.create(body)).json()["portfolio_id"]
    await layer.know("FISV")
    await rename(layer, "FI", "FISV")
    lots = (await api.get(f"/portfolios/{portfolio}/lots")).json()["lots"]
    call, house = sorted(lots, key=lambda lot: lot["investment_class"])
    answer = await patch(api, portfolio, call, underlying_symbol="FI")
    assert (answer["lot"]["underlying_symbol"], answer["warnings"][0]["field"]) == ("FISV", "underlying_symbol")
    answer = await patch(api, portfolio, house, entry_price="2")
    assert (answer["lot"]["symbol"], answer["warnings"]) == ("FI", [])
    answer = await patch(api, portfolio, answer["lot"], investment_class="PUBLIC")
    assert (answer["lot"]["symbol"], answer["warnings"][0]["value"]) == ("FISV", "FI")


async def test_a_symbol_that_was_dropped_makes_its_holders_portfolio_an_error_with_the_reason(api, layer) -> None:
    """It was in Friday's edition; Monday's is without it."""
    portfolio = await hold(api, "AAPL", "MSFT", first_session=FRIDAY)
    await layer.value(portfolio)
    assert (await api.get(f"/portfolios/{portfolio}/status")).json()["status"] == "ready"
    await layer.request("MSFT", "failed", "deactivated", "sold to nobody")
    assert (await api.get(f"/portfolios/{portfolio}/status")).json()["status"] == "ready"
    await layer.publish(MONDAY, ("AAPL",), NEXT_EDITION)
    status = (await api.get(f"/portfolios/{portfolio}/status")).json()
    assert status["status"] == "error"
    assert status["failed_symbols"] == [{"symbol": "MSFT", "reason": "deactivated", "detail": "sold to nobody"}]


def test_rows_without_an_old_name_stay_as_they_are() -> None:
    rows = [
        Row(3, {Field.SYMBOL: s, Field.QUANTITY: "1", Field.ENTRY_PRICE: "1", Field.ENTRY_DATE: "2024-01-02"})
        for s in ("A", "B")
    ]
    validated = validate(rows, MONDAY)
    assert under_new_names(validated, {}) is validated
    assert under_new_names(validated, {"C": "D"}) == validated
    renamed = under_new_names(validated, {"B": "C"})
    assert [lot.symbol for lot in renamed.lots] == ["A", "C"]
    assert [finding for finding in renamed.warnings if finding.code == "symbol_renamed"] == [
        Finding(3, Field.SYMBOL, "symbol_renamed", "B is called C now; the position is entered under that name.", "B")
    ]
