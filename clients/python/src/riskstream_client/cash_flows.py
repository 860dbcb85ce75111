"""The cash flows of a portfolio."""

from typing import Literal

from riskstream_client import onboarding_models as models
from riskstream_client.connection import Connection, Id, path_part
from riskstream_client.editing import Version, conditions, portfolio_path
from riskstream_client.onboarding_bodies import CashFlowChange, NewCashFlow


class CashFlows(Connection):
    """Deposits, withdrawals and fees, after the portfolio's first session."""

    def list_cash_flows(
        self,
        portfolio: Id,
        *,
        after: Id | None = None,
        limit: int | None = None,
        kind: Literal["deposit", "withdrawal", "fee"] | None = None,
    ) -> models.CashFlows:
        """A page of flows, from after the last one of the page before."""
        query = {"after": after, "limit": limit, "kind": kind}
        return self._ask("GET", _flows(portfolio), models.CashFlows, query=query)

    def read_cash_flow(self, portfolio: Id, flow: Id) -> models.CashFlowAnswer:
        """One flow; its `changed_version` is what a change of it names."""
        return self._ask("GET", _flow(portfolio, flow), models.CashFlowAnswer)

    def add_cash_flow(
        self,
        portfolio: Id,
        flow: NewCashFlow,
        *,
        version: Version | None = None,
        idempotency_key: str | None = None,
    ) -> models.ChangedCashFlow:
        """A withdrawal is at most the NAV; `version` is the portfolio's, where nothing may have changed since."""
        headers = conditions(version=version, key=idempotency_key)
        return self._ask("POST", _flows(portfolio), models.ChangedCashFlow, body=flow, headers=headers)

    def edit_cash_flow(
        self, portfolio: Id, flow: Id, change: CashFlowChange, *, version: Version
    ) -> models.ChangedCashFlow:
        """What is not named stays as it is."""
        headers = conditions(version=version)
        return self._ask("PATCH", _flow(portfolio, flow), models.ChangedCashFlow, body=change, headers=headers)

    def delete_cash_flow(self, portfolio: Id, flow: Id, *, version: Version) -> models.ChangeMade:
        """As if it had never been."""
        return self._ask("DELETE", _flow(portfolio, flow), models.ChangeMade, headers=conditions(version=version))


def _flows(portfolio: Id) -> str:
    return f"{portfolio_path(portfolio)}/cash-flows"


def _flow(portfolio: Id, flow: Id) -> str:
    return f"{_flows(portfolio)}/{path_part(flow)}"
