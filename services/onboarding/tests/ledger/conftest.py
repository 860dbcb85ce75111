"""Portfolios that change: requests as their owners send them."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import httpx
import pytest

LOT = {"symbol": "AAPL", "quantity": "100", "entry_price": "240", "entry_date": "2024-12-11", "entry_fee": "10"}

Ledger: TypeAlias = dict[tuple[str, ...], dict[str, Any]]
"""The portfolio, its lots, flows and prices by what each is and which one."""


@dataclass
class Owned:
    """A portfolio, spoken to by one owner."""

    api: Any
    id: str
    owner: str = "ada"

    @property
    def path(self) -> str:
        return f"/portfolios/{self.id}"

    async def ask(
        self, method: str, path: str = "", body: Any = None, tag: Any = None, **headers: str
    ) -> httpx.Response:
        """A request to the portfolio's `path`; `tag` is the version for If-Match, quoted here."""
        sent = self.api.as_owner(self.owner, **headers)
        if tag is not None:
            sent["If-Match"] = tag if tag == "*" else f'"{tag}"'
        content = None if body is None else json.dumps(body)
        return await self.api.client.request(method, f"{self.path}{path}", content=content, headers=sent)

    async def add(self, *lots: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.ask("POST", "/lots", {"lots": list(lots or (LOT,))}, **headers)

    async def lot(self, **fields: Any) -> dict[str, Any]:
        """A new lot as the answer shows it."""
        answer = await self.add(LOT | fields)
        assert answer.status_code == 201, answer.text
        return answer.json()["lots"][0]

    async def flow(self, amount: str = "500", kind: str = "deposit", **fields: Any) -> httpx.Response:
        body = {"kind": kind, "amount": amount, "date": "2024-12-16"} | fields
        return await self.ask("POST", "/cash-flows", body)

    async def lots(self) -> list[dict[str, Any]]:
        return (await self.ask("GET", "/lots")).json()["lots"]

    async def changes(self) -> list[dict[str, Any]]:
        return (await self.ask("GET", "/changes")).json()["changes"]

    def codes(self, answer: httpx.Response) -> set[tuple[str, str]]:
        """Field and code of each error; each says how to mend it."""
        assert answer.status_code == 422, answer.text
        assert all(error["mend"] for error in answer.json()["errors"])
        return {(error["field"], error["code"]) for error in answer.json()["errors"]}

    async def version(self) -> int:
        return (await self.ask("GET")).json()["version"]

    async def answered(self) -> Ledger:
        """All that is in the portfolio, as the API answers it."""
        lots, flows = await self.lots(), (await self.ask("GET", "/cash-flows")).json()["cash_flows"]
        summary = (await self.ask("GET")).json()
        found = [{name: summary[name] for name in ("portfolio_id", "name", "first_session", "declared_equity")}]
        for lot in lots:
            lot_id = lot["position_id"]
            prices = (await self.ask("GET", f"/lots/{lot_id}/prices")).json()["prices"]
            found += [{"position_id": lot_id} | price for price in prices]
        return {named(resource): resource for resource in [*found, *lots, *flows]}

    async def ledger(self) -> Ledger:
        """The same as the log of changes would say it."""
        return {name: plain(resource) for name, resource in (await self.answered()).items()}

    async def replayed(self) -> Ledger:
        """What the log of changes leads to, from nothing on."""
        ledger: Ledger = {}
        for change in reversed(await self.changes()):
            before = {named(resource) for resource in change["before"] or ()}
            after = {named(resource): plain(resource) for resource in change["after"] or ()}
            assert before <= ledger.keys(), "only what there was can have changed"
            gone = before - after.keys()
            # A lot takes its prices along.
            ledger = {name: kept for name, kept in ledger.items() if name not in gone and ("lot", name[1]) not in gone}
            ledger |= after
        return ledger


NUMBERS = {
    "amount", "declared_equity", "entry_fee", "entry_price", "exit_fee", "exit_price", "multiplier", "price",
    "quantity", "strike_price",
}  # fmt: skip
ONLY_ANSWERED = {"changed_version", "counts_on", "created_version", "currency", "entry_counts_on", "exit_counts_on"}


def named(resource: dict[str, Any]) -> tuple[str, ...]:
    if "price" in resource:
        return "price", resource["position_id"], resource["date"]
    if "flow_id" in resource:
        return "flow", resource["flow_id"]
    return ("lot", resource["position_id"]) if "symbol" in resource else ("portfolio", resource["portfolio_id"])


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """What log and answers say alike: exact numbers, without nulls, and without fees that were not paid."""
    said = {name: value for name, value in resource.items() if value is not None and name not in ONLY_ANSWERED}
    exact = {name: Decimal(value) if name in NUMBERS else value for name, value in said.items()}
    return {name: value for name, value in exact.items() if value or not name.endswith("_fee")}


@pytest.fixture
def make_portfolio(api: Any) -> Callable[..., Awaitable[Owned]]:
    async def make(owner: str = "ada", first_session: str = "2024-12-12", **more: Any) -> Owned:
        body = {"name": "Mine", "positions": [], "declared_equity": "100000", "first_session": first_session} | more
        answer = await api.create(body, owner)
        assert answer.status_code == 201, answer.text
        return Owned(api, answer.json()["portfolio_id"], owner)

    return make


@pytest.fixture
async def portfolio(make_portfolio: Callable[..., Awaitable[Owned]]) -> Owned:
    """One that begins on Thursday 2024-12-12 with cash; today is Monday 2024-12-16."""
    return await make_portfolio()
