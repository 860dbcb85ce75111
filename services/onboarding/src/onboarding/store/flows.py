"""Deposits, withdrawals and fees. What an owner has deleted is not there for any of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.imports.flow import CashFlow, FlowKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRecord:
    """A flow of a portfolio, with what has become of it."""

    flow_id: UUID
    flow: CashFlow
    created_version: int
    changed_version: int
    counts_on: date | None = None
    """The session at whose close it counts; null where the calendar does not reach so far."""


_INSERT_FLOWS = text("""
INSERT INTO portfolios.cash_flows
    (flow_id, portfolio_id, owner_id, flow_date, amount, kind, note, created_version, changed_version)
SELECT flow.flow_id, :portfolio, :owner, flow.flow_date, flow.amount, flow.kind, flow.note, :version, :version
FROM unnest(CAST(:flow_id AS uuid[]), CAST(:flow_date AS date[]), CAST(:amount AS numeric[]), CAST(:kind AS text[]),
            CAST(:note AS text[])) AS flow (flow_id, flow_date, amount, kind, note)
""")

_FLOWS = """
SELECT f.flow_id, f.flow_date, f.amount, f.kind, f.note, f.created_version, f.changed_version,
       (SELECT min(s.session) FROM symbols.trading_sessions s WHERE s.session >= f.flow_date) AS counts_on
FROM portfolios.cash_flows f
WHERE f.portfolio_id = :portfolio AND f.owner_id = :owner AND f.deleted_version IS NULL
"""

_SOME_FLOWS = text(_FLOWS + " AND f.flow_id = ANY (CAST(:ids AS uuid[])) ORDER BY f.flow_id")

_ALL_FLOWS = text(_FLOWS + " ORDER BY f.flow_date, f.flow_id")

_PAGE_OF_FLOWS = text(
    _FLOWS + " AND (CAST(:after AS uuid) IS NULL OR f.flow_id > :after)"
    " AND (CAST(:kind AS text) IS NULL OR f.kind = :kind) ORDER BY f.flow_id LIMIT :limit"
)

_CHANGE_FLOW = text("""
UPDATE portfolios.cash_flows
SET flow_date = :flow_date, amount = :amount, kind = :kind, note = :note, changed_version = :version
WHERE flow_id = :flow_id AND owner_id = :owner
""")

_DELETE_FLOW = text("""
UPDATE portfolios.cash_flows SET changed_version = :version, deleted_version = :version
WHERE flow_id = :flow_id AND owner_id = :owner
""")

_CASH_BY_DAY = text("""
SELECT flow_date AS day, sum(amount) AS amount FROM portfolios.cash_flows
WHERE portfolio_id = :portfolio AND owner_id = :owner AND deleted_version IS NULL GROUP BY flow_date
""")


async def insert_flows(
    connection: AsyncConnection, owner: str, portfolio: UUID, flows: Sequence[CashFlow], *, version: int
) -> list[UUID]:
    """Add the flows with `version`; returns their ids, in order."""
    ids = [uuid4() for _ in flows]
    if flows:
        columns = {
            "flow_id": ids,
            "flow_date": [flow.day for flow in flows],
            "amount": [flow.amount for flow in flows],
            "kind": [str(flow.kind) for flow in flows],
            "note": [flow.note for flow in flows],
        }
        values = {"portfolio": portfolio, "owner": owner, "version": version}
        await connection.execute(_INSERT_FLOWS, values | columns)
    return ids


async def find_flows(connection: AsyncConnection, owner: str, portfolio: UUID, ids: Sequence[UUID]) -> list[FlowRecord]:
    """Those of `ids` that there are, in the order of their ids."""
    rows = await connection.execute(_SOME_FLOWS, {"owner": owner, "portfolio": portfolio, "ids": list(ids)})
    return [_record(row) for row in rows]


async def all_flows(connection: AsyncConnection, owner: str, portfolio: UUID) -> list[CashFlow]:
    """The portfolio's flows, by date."""
    rows = await connection.execute(_ALL_FLOWS, {"owner": owner, "portfolio": portfolio})
    return [_record(row).flow for row in rows]


async def page_of_flows(
    connection: AsyncConnection,
    owner: str,
    portfolio: UUID,
    *,
    after: UUID | None,
    limit: int,
    kind: str | None,
) -> list[FlowRecord]:
    """At most `limit` flows in the order of their ids, beginning behind `after`; null does not filter."""
    values = {"owner": owner, "portfolio": portfolio, "after": after, "limit": limit, "kind": kind}
    return [_record(row) for row in await connection.execute(_PAGE_OF_FLOWS, values)]


async def change_flow(connection: AsyncConnection, owner: str, flow_id: UUID, flow: CashFlow, version: int) -> None:
    """Let the flow be `flow` from `version` on."""
    values = {"flow_date": flow.day, "amount": flow.amount, "kind": str(flow.kind), "note": flow.note}
    await connection.execute(_CHANGE_FLOW, values | {"owner": owner, "flow_id": flow_id, "version": version})


async def delete_flow(connection: AsyncConnection, owner: str, flow_id: UUID, version: int) -> None:
    await connection.execute(_DELETE_FLOW, {"owner": owner, "flow_id": flow_id, "version": version})


async def cash_by_day(connection: AsyncConnection, owner: str, portfolio: UUID) -> list[tuple[date, Decimal]]:
    """What the flows of each day add up to, signed."""
    rows = await connection.execute(_CASH_BY_DAY, {"owner": owner, "portfolio": portfolio})
    return [(row.day, row.amount) for row in rows]


def _record(row: Row[Any]) -> FlowRecord:
    flow = CashFlow(kind=FlowKind(row.kind), amount=row.amount, day=row.flow_date, note=row.note or "")
    return FlowRecord(
        flow_id=row.flow_id,
        flow=flow,
        created_version=row.created_version,
        changed_version=row.changed_version,
        counts_on=row.counts_on,
    )
