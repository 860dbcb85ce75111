"""The log of changes, and changes of the portfolio itself."""

import re
from uuid import uuid4

LOT = {"symbol": "AAPL", "quantity": "100", "entry_price": "240", "entry_date": "2024-12-11"}


async def test_every_version_says_who_did_what_under_which_request(portfolio):
    await portfolio.ask("POST", "/lots", {"lots": [LOT]}, **{"X-Request-ID": "r-1"})
    newest, oldest = await portfolio.changes()
    assert (newest["version"], newest["actor"], newest["action"], newest["request_id"]) == (
        2,
        "ada",
        "lot.create",
        "r-1",
    )
    assert (newest["before"], newest["after"][0]["symbol"]) == (None, "AAPL")
    assert (oldest["version"], oldest["action"], oldest["actor"]) == (1, "portfolio.create", "ada")
    assert oldest["after"][0]["declared_equity"] == "100000"


async def test_a_request_id_that_is_none_is_refused(portfolio):
    answer = await portfolio.ask("POST", "/lots", {"lots": [LOT]}, **{"X-Request-ID": "a b"})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_id_invalid")


async def test_whatever_changes_something_takes_a_request_id_and_refuses_one_that_is_none(api, layer):
    paths = (await api.client.get("/openapi.json")).json()["paths"]
    writing = [(method, path) for path in paths for method in paths[path] if method != "get"]
    assert len(writing) >= 13
    for method, path in writing:
        headers = [each["name"] for each in paths[path][method]["parameters"] if each["in"] == "header"]
        assert headers.count("X-Request-ID") == 1, (method, path)
        filled = re.sub(r"{[^}]*}", str(uuid4()), path)
        sent = api.as_owner("ada", **{"X-Request-ID": "a b", "If-Match": "*"})
        answer = await api.client.request(method, filled, content="{}", headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "request_id_invalid"), (method, path)
    assert sum((await layer.counts()).values()) == 0


async def test_pages_go_from_the_newest_to_the_first(portfolio):
    for _ in range(4):
        await portfolio.flow()
    seen, address = [], f"{portfolio.path}/changes?limit=2"
    while address:
        page = (await portfolio.api.get(address)).json()
        seen += [change["version"] for change in page["changes"]]
        address = page["next"]
    assert seen == [5, 4, 3, 2, 1]


async def test_a_name_changes_no_figure_and_an_equity_all_of_them(portfolio, layer):
    named = await portfolio.ask("PATCH", "", {"name": "Ours"}, tag=1)
    body = named.json()
    assert (body["name"], body["declared_equity"], body["version"]) == ("Ours", "100000.0000", 2)
    assert (body["first_affected_session"], named.headers["etag"]) == ("2024-12-13", '"2"')
    body = (await portfolio.ask("PATCH", "", {"declared_equity": None}, tag=2)).json()
    assert (body["declared_equity"], body["first_affected_session"]) == (None, "2024-12-12")
    assert [event[0] for event in await layer.outbox()] == ["portfolio.changed.v1"] * 3


async def test_what_a_portfolio_cannot_be_is_refused(portfolio):
    for body, found in (
        ({}, {("portfolio", "nothing_to_change")}),
        ({"name": ""}, {("name", "name_missing")}),
        ({"name": None}, {("name", "name_missing")}),
        ({"declared_equity": "-1"}, {("declared_equity", "equity_out_of_range")}),
        ({"first_session": "2024-12-13"}, {("first_session", "first_session_fixed")}),
        ({"owner": "bob"}, {("owner", "field_unknown")}),
    ):
        assert portfolio.codes(await portfolio.ask("PATCH", "", body, tag="*")) == found
    assert await portfolio.version() == 1


async def test_the_tag_of_a_portfolio_changes_with_all_that_its_body_says_and_takes_part_in_changes(portfolio, layer):
    first = await portfolio.ask("GET")
    tag = first.headers["etag"]
    assert (await portfolio.ask("GET", **{"If-None-Match": tag})).status_code == 304
    await layer.value(portfolio.id)
    ready = await portfolio.ask("GET", **{"If-None-Match": tag})
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert (await portfolio.ask("PATCH", "", {"name": "x"}, **{"If-Match": tag})).status_code == 200
    assert (await portfolio.ask("DELETE", **{"If-Match": tag})).status_code == 412


async def test_a_stranger_finds_nothing_and_changes_nothing(portfolio, make_portfolio, layer):
    lot = await portfolio.lot()
    flow = (await portfolio.flow()).json()["cash_flow"]
    bobs = await make_portfolio("bob")
    stored, version = await layer.counts(), await portfolio.version()
    close = {"exit_date": "2024-12-13", "exit_price": "1"}
    of_lot, of_flow = f"/lots/{lot['position_id']}", f"/cash-flows/{flow['flow_id']}"
    owners_id, bobs_id = portfolio.id, bobs.id
    for where in (owners_id, bobs_id, str(uuid4())):
        bobs.id = where
        for method, path, body in (
            ("GET", of_lot, None),
            ("PATCH", of_lot, {"quantity": "1"}),
            ("DELETE", of_lot, None),
            ("POST", f"{of_lot}/close", close),
            ("GET", f"{of_lot}/prices", None),
            ("GET", f"{of_lot}/prices/2024-12-13", None),
            ("PUT", f"{of_lot}/prices/2024-12-13", {"price": "1"}),
            ("DELETE", f"{of_lot}/prices/2024-12-13", None),
            ("GET", of_flow, None),
            ("PATCH", of_flow, {"amount": "1"}),
            ("DELETE", of_flow, None),
        ):
            answer = await bobs.ask(method, path, body, tag="*")
            assert answer.status_code == 404, (method, path, where)
            assert "AAPL" not in answer.text
        if where == bobs_id:
            continue
        for method, path, body in (
            ("GET", "/lots", None),
            ("POST", "/lots", {"lots": [LOT]}),
            ("GET", "/cash-flows", None),
            ("POST", "/cash-flows", {"kind": "fee", "amount": "1", "date": "2024-12-16"}),
            ("GET", "/changes", None),
            ("PATCH", "", {"name": "taken"}),
        ):
            assert (await bobs.ask(method, path, body, tag="*")).json()["code"] == "no_such_portfolio"
    assert (await layer.counts(), await portfolio.version()) == (stored, version)
