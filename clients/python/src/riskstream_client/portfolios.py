"""The client of onboarding: portfolios in, and how far they are. Ledgers are edited over HTTP itself."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from riskstream_client import onboarding_models as models
from riskstream_client.connection import Connection, Id, path_part

Amount = Decimal | str | int
"""USD or units, exact: a float is none, because 0.1 is not one."""


class NewPrice(TypedDict):
    """What an option or a private holding is worth from a day on, USD per share or unit."""

    date: date
    price: Amount


class NewLot(TypedDict):
    """A lot as it was bought, or sold short where the quantity is negative."""

    symbol: str
    quantity: Amount
    entry_price: Amount
    entry_date: date
    investment_class: NotRequired[Literal["PUBLIC", "OPTIONS", "PRIVATE"]]
    investment_subtype: NotRequired[str]
    underlying_symbol: NotRequired[str]
    strike_price: NotRequired[Amount]
    expiration_date: NotRequired[date]
    option_type: NotRequired[Literal["CALL", "PUT"]]
    exit_date: NotRequired[date]
    exit_price: NotRequired[Amount]
    entry_fee: NotRequired[Amount]
    exit_fee: NotRequired[Amount]
    multiplier: NotRequired[Amount]
    prices: NotRequired[Sequence[NewPrice]]


class NewCashFlow(TypedDict):
    """Money that came or went, after the portfolio's first session."""

    kind: str
    amount: Amount
    date: date
    note: NotRequired[str]


class Portfolios(Connection):
    """What brings portfolios in and says how far they are."""

    def create_portfolio(
        self,
        name: str,
        positions: Sequence[NewLot],
        *,
        declared_equity: Amount | None = None,
        first_session: date | None = None,
        cash_flows: Sequence[NewCashFlow] = (),
        idempotency_key: str | None = None,
    ) -> models.CreatedPortfolio:
        """Create a portfolio. Sent again under the same key, it is the same portfolio."""
        body: dict[str, Any] = {"name": name, "positions": list(positions)}
        if declared_equity is not None:
            body["declared_equity"] = declared_equity
        if first_session is not None:
            body["first_session"] = first_session
        if cash_flows:
            body["cash_flows"] = list(cash_flows)
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self._ask("POST", "/portfolios", models.CreatedPortfolio, body=body, headers=headers)

    def import_portfolio(
        self,
        name: str,
        file: Path | bytes,
        *,
        declared_equity: Amount | None = None,
        first_session: date | None = None,
        mode: Literal["all_or_nothing", "accept_valid"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ImportedPortfolio:
        """Create a portfolio from a broker's CSV file."""
        query = {"name": name, "declared_equity": declared_equity, "first_session": first_session, "mode": mode}
        headers = {"Content-Type": "text/csv"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        content = file.read_bytes() if isinstance(file, Path) else file
        return self._ask(
            "POST", "/portfolios/import", models.ImportedPortfolio, query=query, headers=headers, content=content
        )

    def list_portfolios(self, *, after: Id | None = None, limit: int | None = None) -> models.Portfolios:
        """A page of your portfolios, from after the last one of the page before."""
        return self._ask("GET", "/portfolios", models.Portfolios, query={"after": after, "limit": limit})

    def read_portfolio(self, portfolio: Id) -> models.Portfolio:
        """A portfolio with its counts and its status."""
        return self._ask("GET", _of(portfolio), models.Portfolio)

    def delete_portfolio(self, portfolio: Id, *, version: int) -> None:
        """Delete it, if it is still at that version."""
        self._send("DELETE", _of(portfolio), headers={"If-Match": f'"{version}"'})

    def read_status(self, portfolio: Id) -> models.PortfolioStatus:
        """How far it is: `pending`, `ready` or `error`, and what it waits for."""
        return self._ask("GET", f"{_of(portfolio)}/status", models.PortfolioStatus)

    def follow_progress(self, portfolio: Id) -> Iterator[models.PortfolioStatus]:
        """Its status at once, and whenever it has changed, until nothing is on its way any more."""
        with self._listen(f"{_of(portfolio)}/progress", told=None) as events:
            for event in events:
                if event.event in {"status", "end"}:
                    yield models.PortfolioStatus.model_validate_json(event.data)


def _of(portfolio: Id) -> str:
    return f"/portfolios/{path_part(portfolio)}"
