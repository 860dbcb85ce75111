"""The log of changes: one row a version, with the first session that it affects, who made it, and what it changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

Resources: TypeAlias = Sequence[Mapping[str, Any]]
"""Lots, flows, prices or the portfolio, as JSON says them. A list, for closing a part makes two lots of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a version changed. `before` and `after` are the resources concerned; null where there was none."""

    version: int
    first_affected_session: date
    changed_at: datetime
    actor: str | None
    action: str
    subject: UUID | None = None
    """The one lot or flow; null where it is the portfolio, or several."""
    before: Resources | None = None
    after: Resources | None = None
    request_id: str | None = None


_INSERT_CHANGE = text("""
INSERT INTO portfolios.portfolio_changes
    (portfolio_id, version, owner_id, first_affected_session, changed_at, actor, action, subject, before, after,
     request_id)
VALUES (:portfolio, :version, :owner, :first_affected_session, :changed_at, :actor, :action, :subject,
        CAST(:before AS jsonb), CAST(:after AS jsonb), :request_id)
""")

_CHANGES = """
SELECT version, first_affected_session, changed_at, actor, action, subject, before, after, request_id
FROM portfolios.portfolio_changes WHERE portfolio_id = :portfolio AND owner_id = :owner
"""

_PAGE_OF_CHANGES = text(
    _CHANGES + " AND (CAST(:after AS bigint) IS NULL OR version < :after) ORDER BY version DESC LIMIT :limit"
)

_CHANGE = text(_CHANGES + " AND version = :version")

# A flow is logged with its kind and an amount without sign.
_CHANGED_CASH_BY_DAY = text("""
SELECT CAST(flow ->> 'date' AS date) AS day,
       sum(sign * CASE flow ->> 'kind' WHEN 'deposit' THEN 1 ELSE -1 END * CAST(flow ->> 'amount' AS numeric)) AS amount
FROM portfolios.portfolio_changes c
CROSS JOIN LATERAL (SELECT 1 AS sign, jsonb_array_elements(c.after) AS flow
                    UNION ALL SELECT -1, jsonb_array_elements(c.before)) changed
WHERE c.portfolio_id = :portfolio AND c.owner_id = :owner AND c.version > :version AND flow ? 'flow_id'
GROUP BY CAST(flow ->> 'date' AS date)
""")


async def insert_change(connection: AsyncConnection, owner: str, portfolio: UUID, change: Change) -> None:
    """Say what a version changed, and where a fold that has not seen it yet must start again."""
    values = {
        "portfolio": portfolio,
        "owner": owner,
        "version": change.version,
        "first_affected_session": change.first_affected_session,
        "changed_at": change.changed_at,
        "actor": change.actor,
        "action": change.action,
        "subject": change.subject,
        "before": None if change.before is None else json.dumps(change.before),
        "after": None if change.after is None else json.dumps(change.after),
        "request_id": change.request_id,
    }
    await connection.execute(_INSERT_CHANGE, values)


async def page_of_changes(
    connection: AsyncConnection, owner: str, portfolio: UUID, after: int | None, limit: int
) -> list[Change]:
    """At most `limit` changes, the newest first, beginning behind the version `after`."""
    values = {"owner": owner, "portfolio": portfolio, "after": after, "limit": limit}
    return [Change(**row._mapping) for row in await connection.execute(_PAGE_OF_CHANGES, values)]


async def changed_cash_by_day(
    connection: AsyncConnection, owner: str, portfolio: UUID, since: int
) -> list[tuple[date, Decimal]]:
    """By how much, signed, the flows of each day add up to more than they did at the version `since`."""
    rows = await connection.execute(_CHANGED_CASH_BY_DAY, {"owner": owner, "portfolio": portfolio, "version": since})
    return [(row.day, row.amount) for row in rows]


async def find_change(connection: AsyncConnection, owner: str, portfolio: UUID, version: int) -> Change:
    """The change that led to a version that there is."""
    row = (await connection.execute(_CHANGE, {"owner": owner, "portfolio": portfolio, "version": version})).one()
    return Change(**row._mapping)
