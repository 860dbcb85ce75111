"""Every address of the four services: what it needs, and a request that gets as far as the question whose it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from chaos.kernel import story

PORTFOLIO, OWNER, OTHER = story.EDITED, "alice", "bob"
LOT, FLOW = UUID(int=PORTFOLIO.int + 10_000), UUID(int=77)

FILLED = {
    "portfolio": str(PORTFOLIO),
    "portfolio_id": str(PORTFOLIO),
    "position_id": str(LOT),
    "flow_id": str(FLOW),
    "day": str(story.FIRST),
    "session": str(story.FIRST),
    "run_id": str(story.CHUNKED_RUN),
    "symbol": "KO",
}
"""What stands in an address, all of it Alice's where it is anybody's."""

OPERATIONS = {"symbol-batch", "portfolio-refresh"}
"""Services that show how the system runs and nobody's data; the others show owners their own."""
LOOKING = {"analytics"}
"""Services that change nothing: what is sent to them is a question."""
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}

DAY = str(story.FIRST)
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/portfolios/{portfolio_id}"): {"name": "Taken"},
    ("POST", "/portfolios/{portfolio_id}/lots"): {
        "lots": [{"symbol": "KO", "quantity": "1", "entry_price": "50", "entry_date": DAY}]
    },
    ("PATCH", "/portfolios/{portfolio_id}/lots/{position_id}"): {"entry_price": "51"},
    ("POST", "/portfolios/{portfolio_id}/lots/{position_id}/close"): {"exit_date": DAY, "exit_price": "60"},
    ("PUT", "/portfolios/{portfolio_id}/lots/{position_id}/prices/{day}"): {"price": "5"},
    ("POST", "/portfolios/{portfolio_id}/cash-flows"): {"kind": "deposit", "date": DAY, "amount": "5"},
    ("PATCH", "/portfolios/{portfolio_id}/cash-flows/{flow_id}"): {"amount": "5"},
    ("POST", "/api/v1/analytics/portfolio/{portfolio}/what-if"): {"trades": [{"symbol": "KO", "quantity": 1}]},
    ("POST", "/api/v1/analytics/tickets"): {"portfolio": str(PORTFOLIO)},
    ("POST", "/api/v1/analytics/portfolios/what-if"): {"trades": [{"symbol": "KO", "quantity": 1}]},
}
"""What a request must carry to get as far as the question whose portfolio it is about."""


@dataclass(frozen=True)
class Address:
    service: str
    method: str
    template: str

    @property
    def path(self) -> str:
        return self.filled()

    @property
    def has_a_part(self) -> bool:
        """Whether it names something in a portfolio."""
        return "{position_id" in self.template or "{flow_id" in self.template

    def filled(self, **other: str) -> str:
        values = FILLED | other
        return re.sub(r"{(\w+)[^}]*}", lambda name: values[name[1]], self.template)

    @property
    def is_operations(self) -> bool:
        return self.service in OPERATIONS

    @property
    def needs(self) -> str:
        if self.is_operations:
            return "operator"
        return "write" if self.method in CHANGING and self.service not in LOOKING else "read"

    @property
    def is_nobodys(self) -> bool:
        """Whether all who may read are answered alike."""
        return "{symbol}" in self.template

    @property
    def takes_tickets(self) -> bool:
        """Whether a browser opens it, which can send no token."""
        return self.service == "analytics" and self.template.endswith("/events")

    @property
    def names_a_portfolio(self) -> bool:
        return "{portfolio" in self.template


def addresses_of(service: str, app: FastAPI) -> Iterator[Address]:
    for route in iter_route_contexts(app.routes):
        path, methods = getattr(route, "path", None), getattr(route, "methods", None)
        assert isinstance(path, str), f"{service} serves {route!r}, which this test does not know how to try"
        assert methods, f"{service} serves {path} by no method of HTTP, which this test does not know how to try"
        unknown = [name for name in re.findall(r"{(\w+)", path) if name not in FILLED]
        assert not unknown, f"say in FILLED what stands for {unknown} in {path}"
        yield from (Address(service, method, path) for method in sorted(methods - {"HEAD"}))


def body_of(address: Address) -> Any:
    """What a request to change something there must carry."""
    return BODIES.get((address.method, address.template), {})
