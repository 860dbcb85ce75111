"""Portfolios that change: requests as their owners send them."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

LOT = {"symbol": "AAPL", "quantity": "100", "entry_price": "240", "entry_date": "2024-12-11", "entry_fee": "10"}


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


@pytest.fixture
def make_portfolio(api: Any) -> Callable[..., Awaitable[Owned]]:
    async def make(owner: str = "ada", first_session: str = "2024-12-12") -> Owned:
        body = {"name": "Mine", "positions": [], "declared_equity": "100000", "first_session": first_session}
        answer = await api.create(body, owner)
        assert answer.status_code == 201, answer.text
        return Owned(api, answer.json()["portfolio_id"], owner)

    return make


@pytest.fixture
async def portfolio(make_portfolio: Callable[..., Awaitable[Owned]]) -> Owned:
    """One that begins on Thursday 2024-12-12 with cash; today is Monday 2024-12-16."""
    return await make_portfolio()
