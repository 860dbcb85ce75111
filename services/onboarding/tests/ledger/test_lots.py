"""Lots: added, read, changed, closed, deleted."""

import asyncio
from decimal import Decimal

LOT = {"symbol": "AAPL", "quantity": "100", "entry_price": "240", "entry_date": "2024-12-11", "entry_fee": "10"}
OPTION = {
    "symbol": "AAPL250117C00250000",
    "quantity": "2",
    "entry_price": "5",
    "entry_date": "2024-12-11",
    "investment_class": "OPTIONS",
    "underlying_symbol": "AAPL",
    "strike_price": "250",
    "expiration_date": "2025-01-17",
    "option_type": "CALL",
}


class TestAdding:
    async def test_several_lots_are_one_version_one_change_and_one_event(self, portfolio, layer):
        answer = await portfolio.add(LOT, LOT | {"symbol": "MSFT", "entry_date": "2024-12-13"})
        body = answer.json()
        assert answer.status_code == 201
        assert (body["version"], body["first_affected_session"], body["status"]) == (2, "2024-12-12", "pending")
        assert {lot["symbol"] for lot in body["lots"]} == {"AAPL", "MSFT"}
        assert answer.headers["etag"] == '"2"'
        kind, key, said = (await layer.outbox())[-1]
        assert (kind, key, said["version"]) == ("portfolio.changed.v1", portfolio.id, 2)
        assert said["first_affected_session"] == "2024-12-12"
        assert [change["action"] for change in await portfolio.changes()] == ["lot.create", "portfolio.create"]

    async def test_one_bad_lot_keeps_all_out_and_every_error_is_told_at_once(self, portfolio, layer):
        before = await layer.counts()
        bad = LOT | {"quantity": "0", "entry_date": "2034-01-01", "currency": "EUR"}
        answer = await portfolio.add(LOT, bad)
        assert portfolio.codes(answer) == {
            ("quantity", "quantity_zero"),
            ("entry_date", "date_in_future"),
            ("currency", "currency_not_usd"),
        }
        assert {error["index"] for error in answer.json()["errors"]} == {1}
        assert await layer.counts() == before

    async def test_an_entry_on_a_weekend_counts_on_the_next_session_and_one_before_the_first_on_that(self, portfolio):
        weekend = await portfolio.lot(entry_date="2024-12-14")
        assert (weekend["entry_date"], weekend["entry_counts_on"]) == ("2024-12-14", "2024-12-16")
        answer = (await portfolio.add(LOT | {"entry_date": "2020-01-02"})).json()
        assert answer["lots"][0]["entry_counts_on"] == answer["first_affected_session"] == "2024-12-12"

    async def test_an_unknown_symbol_is_asked_for_and_the_answer_is_pending(self, portfolio, layer):
        assert (await portfolio.add(LOT | {"symbol": "SNDK"})).json()["status"] == "pending"
        assert ("symbol.requested.v1", "SNDK") in [(kind, key) for kind, key, _ in await layer.outbox()]

    async def test_so_does_what_an_option_is_on(self, portfolio, layer):
        await portfolio.add(OPTION | {"underlying_symbol": "TSLA"})
        assert ("symbol.requested.v1", "TSLA") in [(kind, key) for kind, key, _ in await layer.outbox()]

    async def test_over_the_hard_limit_of_new_symbols_nothing_is_stored(self, make_api, layer, portfolio):
        portfolio.api = await make_api(pending_symbols_hard_limit=1)
        await layer.request("OTHER", "queued")
        before = await layer.counts()
        answer = await portfolio.add(LOT | {"symbol": "SNDK"})
        assert (answer.status_code, answer.json()["code"]) == (503, "symbol_queue_full")
        assert answer.headers["retry-after"]
        assert await layer.counts() == before

    async def test_amounts_that_no_portfolio_has_are_refused(self, portfolio):
        for sent, found in (
            ({"quantity": "1e15"}, ("quantity", "amount_too_large")),
            ({"quantity": "8e14"}, ("quantity", "amount_too_large")),
            ({"entry_price": "1e16"}, ("entry_price", "price_too_large")),
            ({"entry_date": "1901-01-01"}, ("entry_date", "date_too_old")),
        ):
            assert found in portfolio.codes(await portfolio.add(LOT | sent)), sent
        assert await portfolio.lots() == []

    async def test_what_is_no_list_of_lots_is_refused(self, portfolio):
        for body in ({}, {"lots": {}}, {"lots": []}):
            assert portfolio.codes(await portfolio.ask("POST", "/lots", body)) == {("lots", "lots_missing")}
        assert (await portfolio.ask("POST", "/lots", [LOT])).status_code == 400
        misspelt = await portfolio.ask("POST", "/lots", {"lots": [LOT], "positions": []})
        assert portfolio.codes(misspelt) == {("positions", "field_unknown")}

    async def test_a_portfolio_holds_so_many_lots_and_no_more(self, make_api, portfolio):
        portfolio.api = await make_api(portfolio_max_rows=2)
        await portfolio.lot()
        answer = await portfolio.add(LOT, LOT | {"quantity": "1"})
        assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")
        assert len(await portfolio.lots()) == 1


class TestReading:
    async def test_pages_go_through_all_lots_with_the_same_filters(self, portfolio):
        await portfolio.add(*[LOT | {"quantity": str(n)} for n in range(1, 6)], LOT | {"symbol": "MSFT"}, OPTION)
        seen, address = [], f"{portfolio.path}/lots?limit=2&symbol=aapl"
        while address:
            page = (await portfolio.api.get(address)).json()
            seen += page["lots"]
            address = page["next"]
        assert sorted(Decimal(lot["quantity"]) for lot in seen) == [1, 2, 2, 3, 4, 5]
        assert {lot["symbol"] for lot in seen} == {"AAPL", OPTION["symbol"]}

    async def test_open_and_closed_ones_are_told_apart(self, portfolio):
        await portfolio.add(LOT, LOT | {"exit_date": "2024-12-13", "exit_price": "250"})
        for state, exits in (("open", [None]), ("closed", ["2024-12-13"])):
            page = (await portfolio.ask("GET", f"/lots?state={state}")).json()["lots"]
            assert [lot["exit_date"] for lot in page] == exits
        assert (await portfolio.ask("GET", "/lots?state=sold")).status_code == 422

    async def test_what_one_has_seen_is_not_sent_again(self, portfolio):
        lot = await portfolio.lot()
        path = f"/lots/{lot['position_id']}"
        answer = await portfolio.ask("GET", path)
        assert answer.json() == lot
        same = await portfolio.ask("GET", path, **{"If-None-Match": answer.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        await portfolio.ask("PATCH", path, {"quantity": "7"}, tag=lot["changed_version"])
        newer = await portfolio.ask("GET", path, **{"If-None-Match": answer.headers["etag"]})
        assert (newer.status_code, newer.headers["etag"]) == (200, '"3"')


class TestChanging:
    async def test_what_is_sent_takes_the_place_of_what_was_and_the_rest_stays(self, portfolio):
        lot = await portfolio.lot(entry_date="2024-12-13")
        answer = await portfolio.ask("PATCH", f"/lots/{lot['position_id']}", {"quantity": 12.5}, tag=2)
        body = answer.json()
        assert (answer.status_code, body["version"], answer.headers["etag"]) == (200, 3, '"3"')
        changed = {"quantity": "12.5000000000", "changed_version": 3}
        assert body["lot"] == lot | changed
        assert body["first_affected_session"] == "2024-12-13"

    async def test_an_earlier_entry_counts_from_there_and_a_later_one_from_the_old(self, portfolio):
        lot = await portfolio.lot(entry_date="2024-12-13")
        path = f"/lots/{lot['position_id']}"
        later = await portfolio.ask("PATCH", path, {"entry_date": "2024-12-16"}, tag="*")
        assert later.json()["first_affected_session"] == "2024-12-13"
        earlier = await portfolio.ask("PATCH", path, {"entry_date": "2024-12-11"}, tag="*")
        assert earlier.json()["first_affected_session"] == "2024-12-12"

    async def test_a_closed_lot_is_opened_again_by_clearing_its_exit(self, portfolio):
        lot = await portfolio.lot(exit_date="2024-12-13", exit_price="250", exit_fee="3")
        answer = await portfolio.ask("PATCH", f"/lots/{lot['position_id']}", {"exit_date": None}, tag="*")
        opened = answer.json()["lot"]
        assert (opened["exit_date"], opened["exit_price"], Decimal(opened["exit_fee"])) == (None, None, 0)
        assert answer.json()["first_affected_session"] == "2024-12-13"

    async def test_what_is_rounded_is_warned_about_and_what_stays_is_not(self, portfolio):
        path = f"/lots/{(await portfolio.lot())['position_id']}"
        exit_ = {"exit_date": "2024-12-13", "exit_price": "248.1234567891"}
        for method, where, body, field in (
            ("PATCH", path, {"entry_price": "240.1234567891"}, "entry_price"),
            ("PATCH", path, {"quantity": "7"}, None),
            ("POST", f"{path}/close", exit_, "exit_price"),
        ):
            answer = await portfolio.ask(method, where, body, tag="*")
            found = [(warning["field"], warning["code"]) for warning in answer.json()["warnings"]]
            assert found == ([] if field is None else [(field, "number_rounded")]), body

    async def test_every_rule_holds_for_the_outcome(self, portfolio):
        lot = await portfolio.lot()
        path = f"/lots/{lot['position_id']}"
        for sent, found in (
            ({"exit_date": "2024-12-10", "exit_price": "1"}, {("exit_date", "exit_before_entry")}),
            ({"exit_price": "1"}, {("exit_date", "date_missing")}),
            ({"exit_fee": "1"}, {("exit_fee", "exit_fee_without_exit")}),
            ({"quantity": "0"}, {("quantity", "quantity_zero")}),
            ({"quantity": None}, {("quantity", "quantity_missing")}),
            ({"quantity": [1]}, {("quantity", "value_invalid")}),
            ({"colour": "red"}, {("colour", "field_unknown")}),
            ({}, {("lot", "nothing_to_change")}),
        ):
            assert portfolio.codes(await portfolio.ask("PATCH", path, sent, tag="*")) == found, sent
        assert await portfolio.lots() == [lot]
        assert await portfolio.version() == 2


class TestConflicts:
    async def test_of_two_clients_that_saw_the_same_exactly_one_changes(self, portfolio):
        lot = await portfolio.lot()
        path = f"/lots/{lot['position_id']}"
        answers = await asyncio.gather(
            *(portfolio.ask("PATCH", path, {"quantity": str(n)}, tag=lot["changed_version"]) for n in (1, 2))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        [lost] = [answer for answer in answers if answer.status_code == 412]
        assert lost.json()["code"] == "precondition_failed"
        assert lost.headers["etag"] == '"3"'
        assert '"3"' in lost.json()["detail"]
        assert await portfolio.version() == 3

    async def test_who_has_not_seen_what_is_changed_is_told_to_look(self, portfolio):
        lot = await portfolio.lot()
        path = f"/lots/{lot['position_id']}"
        close = {"exit_date": "2024-12-13", "exit_price": "250"}
        for method, where, body in (
            ("PATCH", path, {"quantity": "1"}),
            ("DELETE", path, None),
            ("POST", f"{path}/close", close),
            ("PATCH", "", {"name": "x"}),
            ("DELETE", "", None),
        ):
            answer = await portfolio.ask(method, where, body)
            assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
            for tag in ('"1000"', 'W/"2"', "2", "", '"x"'):
                refused = await portfolio.ask(method, where, body, **{"If-Match": tag})
                assert refused.status_code == 412, tag
        assert await portfolio.version() == 2

    async def test_additions_may_name_the_version_that_they_build_on(self, portfolio):
        assert (await portfolio.ask("POST", "/lots", {"lots": [LOT]}, tag=1)).status_code == 201
        assert (await portfolio.ask("POST", "/lots", {"lots": [LOT]}, tag=1)).status_code == 412


class TestDeleting:
    async def test_takes_the_lot_away_from_its_entry_on_and_the_log_keeps_it(self, portfolio, layer):
        lot = await portfolio.lot(entry_date="2024-12-13")
        path = f"/lots/{lot['position_id']}"
        answer = await portfolio.ask("DELETE", path, tag=lot["changed_version"])
        assert (answer.status_code, answer.json()["first_affected_session"]) == (200, "2024-12-13")
        assert await portfolio.lots() == []
        assert (await portfolio.ask("GET")).json()["positions_count"] == 0
        assert (await portfolio.ask("GET", path)).json()["code"] == "no_such_lot"
        assert (await portfolio.ask("DELETE", path, tag="*")).status_code == 404
        assert await layer.count("positions") == 1
        change = (await portfolio.changes())[0]
        assert (change["action"], change["subject"], change["after"]) == ("lot.delete", lot["position_id"], None)
        assert change["before"][0]["quantity"] == "100"

    async def test_a_deleted_symbol_is_waited_for_no_more(self, portfolio, layer):
        lot = await portfolio.lot(symbol="SNDK")
        await layer.value(portfolio.id, version=3)
        await portfolio.ask("DELETE", f"/lots/{lot['position_id']}", tag="*")
        assert (await portfolio.ask("GET", "/status")).json()["status"] == "ready"
