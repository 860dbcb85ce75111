"""The client of onboarding."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from riskstream_client import onboarding_models as models
from riskstream_client.cash_flows import CashFlows
from riskstream_client.connection import Id
from riskstream_client.editing import Version, conditions, portfolio_path
from riskstream_client.imports import Imports
from riskstream_client.lots import Lots
from riskstream_client.onboarding_bodies import Amount, NewCashFlow, NewPortfolio, NewPosition, PortfolioChange
from riskstream_client.prices_by_hand import PricesByHand
from riskstream_client.progress import Progress


class Portfolios(Imports, Lots, CashFlows, PricesByHand, Progress):
    """All that onboarding does, a method each operation of docs/api/onboarding.openapi.json, under its name."""

    def create_portfolio(
        self,
        name: str,
        positions: Sequence[NewPosition],
        *,
        declared_equity: Amount | None = None,
        first_session: date | None = None,
        cash_flows: Sequence[NewCashFlow] = (),
        idempotency_key: str | None = None,
    ) -> models.CreatedPortfolio:
        """Create a portfolio. Sent again under the same key, it is the same portfolio."""
        body = NewPortfolio(name=name, positions=positions)
        if declared_equity is not None:
            body["declared_equity"] = declared_equity
        if first_session is not None:
            body["first_session"] = first_session
        if cash_flows:
            body["cash_flows"] = cash_flows
        headers = conditions(key=idempotency_key)
        return self._ask("POST", "/portfolios", models.CreatedPortfolio, body=body, headers=headers)

    def list_portfolios(self, *, after: Id | None = None, limit: int | None = None) -> models.Portfolios:
        """A page of your portfolios, from after the last one of the page before."""
        return self._ask("GET", "/portfolios", models.Portfolios, query={"after": after, "limit": limit})

    def read_portfolio(self, portfolio: Id) -> models.Portfolio:
        """A portfolio with its positions and its status."""
        return self._ask("GET", portfolio_path(portfolio), models.Portfolio)

    def describe_portfolio(
        self, portfolio: Id, change: PortfolioChange, *, version: Version
    ) -> models.ChangedPortfolio:
        """Another name, another declared equity (None for none), or both."""
        headers = conditions(version=version)
        return self._ask("PATCH", portfolio_path(portfolio), models.ChangedPortfolio, body=change, headers=headers)

    def delete_portfolio(self, portfolio: Id, *, version: Version) -> None:
        """Delete it, if it is still at that version."""
        self._send("DELETE", portfolio_path(portfolio), headers=conditions(version=version))

    def list_changes(self, portfolio: Id, *, after: int | None = None, limit: int | None = None) -> models.Changes:
        """Who changed what, the newest first, from before the version `after`."""
        query = {"after": after, "limit": limit}
        return self._ask("GET", f"{portfolio_path(portfolio)}/changes", models.Changes, query=query)

    def export_portfolio(self, portfolio: Id, *, file_format: Literal["csv", "json"] | None = None) -> bytes:
        """A file that can be imported again: the lots as CSV (the service's default), or the whole ledger as JSON."""
        path = f"{portfolio_path(portfolio)}/export"
        return self._send("GET", path, query={"format": file_format}).content
