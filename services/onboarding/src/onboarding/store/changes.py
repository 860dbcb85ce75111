"""The log of changes: one row a version, with the first session that it affects."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT_CHANGE = text("""
INSERT INTO portfolios.portfolio_changes (portfolio_id, version, owner_id, first_affected_session, changed_at)
VALUES (:portfolio, :version, :owner, :first_affected_session, :now)
""")


async def insert_change(
    connection: AsyncConnection,
    *,
    owner: str,
    portfolio: UUID,
    version: int,
    first_affected_session: date,
    now: datetime,
) -> None:
    """Where a fold that has not seen `version` yet must start again."""
    values = {"portfolio": portfolio, "version": version, "owner": owner, "now": now}
    await connection.execute(_INSERT_CHANGE, values | {"first_affected_session": first_affected_session})
