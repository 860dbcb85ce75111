"""Portfolios after their creation: found, listed, their status, deleted."""

from datetime import date
from typing import Any

from onboarding.imports.lot import Lot

KNOWN = {"symbol": "AAPL", "quantity": "100", "entry_price": "185.50", "entry_date": "2024-01-16"}
NEW = {"symbol": "SNDK", "quantity": "5", "entry_price": "40", "entry_date": "2024-12-12"}
WRONG = {"symbol": "XNOSUCH", "quantity": "5", "entry_price": "40", "entry_date": "2024-12-12"}


async def created(api: Any, *positions: dict[str, Any], owner: str = "ada") -> str:
    answer = await api.create({"name": "Mine", "positions": list(positions)}, owner)
    return str(answer.json()["portfolio_id"])


async def status(api: Any, portfolio: str) -> dict[str, Any]:
    return (await api.get(f"/portfolios/{portfolio}/status")).json()


class TestStatus:
    async def test_goes_from_pending_to_ready_as_symbol_and_valuation_arrive(self, api, layer):
        portfolio = await created(api, KNOWN, NEW)
        asked = await status(api, portfolio)
        assert (asked["status"], asked["pending_symbols"], asked["valuation"]) == ("pending", ["SNDK"], None)
        assert asked["progress"][0]["state"] is None
        await layer.request("SNDK", "waiting_for_provider")
        await layer.value(portfolio)
        working = await status(api, portfolio)
        assert (working["status"], working["progress"][0]["state"]) == ("pending", "waiting_for_provider")
        await layer.know("SNDK")
        ready = await status(api, portfolio)
        assert (ready["status"], ready["pending_symbols"], ready["progress"]) == ("ready", [], [])
        assert ready["valuation"] == {"valuation": 1, "portfolio_version": 1, "edition": 7, "session": "2024-12-13"}

    async def test_a_symbol_that_cannot_be_found_is_an_error_with_its_reason_and_the_rest_is_there(self, api, layer):
        portfolio = await created(api, KNOWN, NEW, WRONG)
        await layer.value(portfolio)
        await layer.request("XNOSUCH", "failed", "not_found", "No provider lists XNOSUCH.")
        found = (await api.get(f"/portfolios/{portfolio}")).json()
        assert found["status"] == "error"
        assert found["failed_symbols"] == [
            {"symbol": "XNOSUCH", "reason": "not_found", "detail": "No provider lists XNOSUCH."}
        ]
        assert found["pending_symbols"] == ["SNDK"]
        assert len(found["positions"]) == 3
        assert found["valuation"] is not None

    async def test_a_symbol_that_failed_once_and_is_known_now_is_no_error(self, api, layer):
        portfolio = await created(api, KNOWN)
        await layer.request("AAPL", "failed", "not_found")
        await layer.value(portfolio)
        assert (await status(api, portfolio))["status"] == "ready"

    async def test_follows_the_edition_that_is_current(self, api, layer):
        portfolio = await created(api, KNOWN)
        await layer.value(portfolio)
        await layer.publish(date(2024, 12, 16), ("MSFT",), edition=8)
        assert (await status(api, portfolio))["pending_symbols"] == ["AAPL"]


class TestList:
    async def test_pages_through_all_of_ones_own_and_nobody_elses(self, api):
        mine = {await created(api, KNOWN) for _ in range(5)}
        await created(api, KNOWN, owner="bob")
        seen: list[str] = []
        address = "/portfolios?limit=2"
        while address:
            page = (await api.get(address)).json()
            seen += [portfolio["portfolio_id"] for portfolio in page["portfolios"]]
            address = page["next"]
        assert len(seen) == 5
        assert set(seen) == mine

    async def test_each_has_its_own_status(self, api, layer):
        valued, waiting = await created(api, KNOWN), await created(api, NEW)
        await layer.value(valued)
        page = (await api.get("/portfolios")).json()["portfolios"]
        assert {p["portfolio_id"]: p["status"] for p in page} == {valued: "ready", waiting: "pending"}

    async def test_a_limit_or_an_id_that_makes_no_sense_is_refused(self, api):
        for address in ("/portfolios?limit=0", "/portfolios?limit=501", "/portfolios?after=x", "/portfolios/x"):
            answer = await api.get(address)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


class TestDelete:
    async def test_raises_the_version_says_so_and_hides_the_portfolio(self, api, layer):
        portfolio = await created(api, KNOWN)
        assert (await api.delete(f"/portfolios/{portfolio}")).status_code == 204
        assert (await api.get(f"/portfolios/{portfolio}")).status_code == 404
        assert (await api.get("/portfolios")).json()["portfolios"] == []
        kind, key, body = (await layer.outbox())[-1]
        assert (kind, key) == ("portfolio.changed.v1", portfolio)
        assert (body["version"], body["deleted"]) == (2, True)
        assert await layer.count("portfolio_changes") == 2

    async def test_twice_is_not_found_the_second_time_and_says_nothing_new(self, api, layer):
        portfolio = await created(api, KNOWN)
        await api.delete(f"/portfolios/{portfolio}")
        said = await layer.counts()
        assert (await api.delete(f"/portfolios/{portfolio}")).status_code == 404
        assert await layer.counts() == said


async def test_a_position_shows_every_field_that_is_stored(api):
    portfolio = await created(api, KNOWN)
    shown = (await api.get(f"/portfolios/{portfolio}")).json()["positions"][0]
    assert set(shown) == {"position_id", *Lot.__dataclass_fields__}


async def test_the_documented_examples_are_accepted(api):
    paths = (await api.client.get("/openapi.json")).json()["paths"]
    json_example = paths["/portfolios"]["post"]["requestBody"]["content"]["application/json"]["example"]
    csv_example = paths["/portfolios/import"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    assert (await api.create(json_example)).status_code == 201
    assert (await api.upload(csv_example)).status_code == 201
    assert all(
        "401" in operation["responses"] for path in paths if "/portfolios" in path for operation in paths[path].values()
    )
