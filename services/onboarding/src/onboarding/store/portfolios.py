"""The rows of portfolios themselves."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRow:
    """A portfolio as it is, held against other changes to the end of the transaction."""

    portfolio_id: UUID
    name: str
    version: int
    first_session: date
    declared_equity: Decimal | None


_INSERT_PORTFOLIO = text("""
INSERT INTO portfolios.portfolios
    (portfolio_id, owner_id, name, version, first_session, declared_equity, created_at, changed_at)
VALUES (:portfolio, :owner, :name, 1, :first_session, :declared_equity, :now, :now)
""")

_LOCK_PORTFOLIO = text("""
SELECT portfolio_id, name, version, first_session, declared_equity FROM portfolios.portfolios
WHERE portfolio_id = :portfolio AND owner_id = :owner AND deleted_at IS NULL FOR UPDATE
""")

_RAISE_VERSION = text("""
UPDATE portfolios.portfolios SET version = :version, changed_at = :now
WHERE portfolio_id = :portfolio AND owner_id = :owner
""")

_DESCRIBE = text("""
UPDATE portfolios.portfolios SET name = :name, declared_equity = :declared_equity
WHERE portfolio_id = :portfolio AND owner_id = :owner
""")

_DELETE = text("""
UPDATE portfolios.portfolios SET deleted_at = :now WHERE portfolio_id = :portfolio AND owner_id = :owner
""")

_EXISTS = text("""
SELECT EXISTS (SELECT FROM portfolios.portfolios
               WHERE portfolio_id = :portfolio AND owner_id = :owner AND deleted_at IS NULL)
""")


async def insert_portfolio(connection: AsyncConnection, owner: str, row: PortfolioRow, now: datetime) -> None:
    """The portfolio, with nothing in it. Its version is 1 as soon as what it begins with is said to have changed."""
    values = {"portfolio": row.portfolio_id, "owner": owner, "name": row.name, "now": now}
    values |= {"first_session": row.first_session, "declared_equity": row.declared_equity}
    await connection.execute(_INSERT_PORTFOLIO, values)


async def lock_portfolio(connection: AsyncConnection, owner: str, portfolio: UUID) -> PortfolioRow | None:
    """The portfolio, which nobody else changes to the end of the transaction; null where there is none."""
    row = (await connection.execute(_LOCK_PORTFOLIO, {"owner": owner, "portfolio": portfolio})).one_or_none()
    return None if row is None else PortfolioRow(**row._mapping)


async def raise_version(connection: AsyncConnection, owner: str, portfolio: UUID, version: int, now: datetime) -> None:
    values = {"owner": owner, "portfolio": portfolio, "version": version, "now": now}
    await connection.execute(_RAISE_VERSION, values)


async def describe_portfolio(
    connection: AsyncConnection, owner: str, portfolio: UUID, name: str, declared_equity: Decimal | None
) -> None:
    """Give the portfolio another name and another equity that it began with."""
    values = {"owner": owner, "portfolio": portfolio, "name": name, "declared_equity": declared_equity}
    await connection.execute(_DESCRIBE, values)


async def mark_deleted(connection: AsyncConnection, owner: str, portfolio: UUID, now: datetime) -> None:
    await connection.execute(_DELETE, {"owner": owner, "portfolio": portfolio, "now": now})


async def portfolio_exists(connection: AsyncConnection, owner: str, portfolio: UUID) -> bool:
    return bool((await connection.execute(_EXISTS, {"owner": owner, "portfolio": portfolio})).scalar())
