"""Deposits, withdrawals and fees, by portfolio."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.imports.flow import CashFlow

_INSERT_FLOWS = text("""
INSERT INTO portfolios.cash_flows (flow_id, portfolio_id, owner_id, flow_date, amount, kind, note)
SELECT flow.flow_id, :portfolio, :owner, flow.flow_date, flow.amount, flow.kind, flow.note
FROM unnest(CAST(:flow_id AS uuid[]), CAST(:flow_date AS date[]), CAST(:amount AS numeric[]), CAST(:kind AS text[]),
            CAST(:note AS text[])) AS flow (flow_id, flow_date, amount, kind, note)
""")


async def insert_flows(connection: AsyncConnection, *, owner: str, portfolio: UUID, flows: Sequence[CashFlow]) -> None:
    """The flows with which a portfolio is created."""
    if flows:
        columns = {
            "flow_id": [uuid4() for _ in flows],
            "flow_date": [flow.day for flow in flows],
            "amount": [flow.amount for flow in flows],
            "kind": [str(flow.kind) for flow in flows],
            "note": [flow.note for flow in flows],
        }
        await connection.execute(_INSERT_FLOWS, {"portfolio": portfolio, "owner": owner} | columns)
