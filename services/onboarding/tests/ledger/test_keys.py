"""Idempotency keys of everything that is added."""

import asyncio

LOT = {"symbol": "AAPL", "quantity": "100", "entry_price": "240", "entry_date": "2024-12-11"}
FLOW = {"kind": "deposit", "amount": "5", "date": "2024-12-16"}
KEY = {"Idempotency-Key": "k"}


async def test_two_requests_at_once_under_one_key_do_it_once(portfolio, layer):
    for number, (path, body) in enumerate((("/lots", {"lots": [LOT, LOT]}), ("/cash-flows", FLOW)), start=2):
        key = {"Idempotency-Key": path}
        answers = await asyncio.gather(*(portfolio.ask("POST", path, body, **key) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
        assert len({answer.text for answer in answers}) == 1
        assert await portfolio.version() == number
    assert len(await portfolio.lots()) == 2


async def test_a_key_stands_for_one_thing_whatever_is_asked_for(portfolio, make_portfolio, layer):
    await portfolio.ask("POST", "/lots", {"lots": [LOT]}, **KEY)
    other = await make_portfolio()
    stored = await layer.counts()
    for where, path, body in (
        (portfolio, "/lots", {"lots": [LOT, LOT]}),
        (portfolio, "/cash-flows", FLOW),
        (other, "/lots", {"lots": [LOT]}),
    ):
        answer = await where.ask("POST", path, body, **KEY)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
        assert portfolio.id in answer.json()["detail"]
    answer = await portfolio.api.create({"name": "x", "positions": [LOT]}, **KEY)
    assert answer.status_code == 409
    assert await layer.counts() == stored


async def test_another_owners_key_is_another_key(portfolio, make_portfolio):
    await portfolio.ask("POST", "/cash-flows", FLOW, **KEY)
    bobs = await make_portfolio("bob")
    assert (await bobs.ask("POST", "/cash-flows", FLOW, **KEY)).status_code == 201


async def test_what_was_deleted_since_does_not_come_back(portfolio):
    flow = (await portfolio.ask("POST", "/cash-flows", FLOW, **KEY)).json()["cash_flow"]
    await portfolio.ask("DELETE", f"/cash-flows/{flow['flow_id']}", tag="*")
    answer = await portfolio.ask("POST", "/cash-flows", FLOW, **KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "created_and_deleted")


async def test_what_was_changed_since_is_shown_as_it_is(portfolio):
    lot = (await portfolio.ask("POST", "/lots", {"lots": [LOT]}, **KEY)).json()["lots"][0]
    await portfolio.ask("PATCH", f"/lots/{lot['position_id']}", {"quantity": "5"}, tag="*")
    again = (await portfolio.ask("POST", "/lots", {"lots": [LOT]}, **KEY)).json()
    assert (again["version"], again["lots"][0]["changed_version"]) == (2, 3)


async def test_a_refused_request_leaves_its_key_free(portfolio):
    assert (await portfolio.ask("POST", "/cash-flows", FLOW | {"amount": "0"}, **KEY)).status_code == 422
    assert (await portfolio.ask("POST", "/cash-flows", FLOW | {"date": "2024-12-12"}, **KEY)).status_code == 422
    assert (await portfolio.ask("POST", "/cash-flows", FLOW, **KEY)).status_code == 201
