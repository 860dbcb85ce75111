"""The rows of portfolios themselves."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.imports.lot import Lot
from onboarding.store.changes import insert_change
from onboarding.store.lots import insert_lots

_INSERT_PORTFOLIO = text("""
INSERT INTO portfolios.portfolios
    (portfolio_id, owner_id, name, version, first_session, declared_equity, created_at, changed_at)
VALUES (:portfolio, :owner, :name, 1, :first_session, :declared_equity, :now, :now)
""")


_DELETE = text("""
UPDATE portfolios.portfolios SET deleted_at = :now, changed_at = :now, version = version + 1
WHERE portfolio_id = :portfolio AND owner_id = :owner AND deleted_at IS NULL
RETURNING version, first_session
""")


async def insert_portfolio(
    connection: AsyncConnection,
    *,
    owner: str,
    portfolio: UUID,
    name: str,
    first_session: date,
    declared_equity: Decimal | None,
    lots: Sequence[Lot],
    now: datetime,
) -> None:
    """The portfolio at version 1 with its positions and its first change."""
    identity = {"portfolio": portfolio, "owner": owner}
    values = {"name": name, "first_session": first_session, "declared_equity": declared_equity, "now": now}
    await connection.execute(_INSERT_PORTFOLIO, identity | values)
    await insert_lots(connection, owner=owner, portfolio=portfolio, lots=lots)
    await insert_change(
        connection, owner=owner, portfolio=portfolio, version=1, first_affected_session=first_session, now=now
    )


async def mark_deleted(
    connection: AsyncConnection, owner: str, portfolio: UUID, now: datetime
) -> tuple[int, date] | None:
    """The version of the deletion and the portfolio's first session; null where there is no such portfolio."""
    values = {"owner": owner, "portfolio": portfolio, "now": now}
    row = (await connection.execute(_DELETE, values)).one_or_none()
    return None if row is None else (row.version, row.first_session)
