"""Prices of options and private holdings as their owners say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRecord:
    """What one share or unit is worth from a day on, until the next price."""

    position_id: UUID
    price_date: date
    price: Decimal
    changed_version: int


_PRICES = """
SELECT position_id, price_date, price, changed_version FROM portfolios.manual_prices
WHERE position_id = :position_id AND portfolio_id = :portfolio AND owner_id = :owner
"""

_PAGE_OF_PRICES = text(
    _PRICES + " AND (CAST(:after AS date) IS NULL OR price_date > :after) ORDER BY price_date LIMIT :limit"
)

_PRICE = text(_PRICES + " AND price_date = :day")

_ALL_PRICES = text("""
SELECT position_id, price_date, price, changed_version FROM portfolios.manual_prices
WHERE portfolio_id = :portfolio AND owner_id = :owner ORDER BY position_id, price_date
""")

_INSERT_PRICES = text("""
INSERT INTO portfolios.manual_prices (position_id, price_date, portfolio_id, owner_id, price, changed_version)
SELECT said.position_id, said.day, :portfolio, :owner, said.price, :version
FROM unnest(CAST(:position_id AS uuid[]), CAST(:day AS date[]), CAST(:price AS numeric[]))
     AS said (position_id, day, price)
""")

_SET_PRICE = text("""
INSERT INTO portfolios.manual_prices (position_id, price_date, portfolio_id, owner_id, price, changed_version)
VALUES (:position_id, :day, :portfolio, :owner, :price, :version)
ON CONFLICT (position_id, price_date) DO UPDATE SET price = excluded.price, changed_version = excluded.changed_version
""")

_DELETE_PRICE = text("""
DELETE FROM portfolios.manual_prices
WHERE position_id = :position_id AND price_date = :day AND portfolio_id = :portfolio AND owner_id = :owner
""")

_COPY_PRICES = text("""
INSERT INTO portfolios.manual_prices (position_id, price_date, portfolio_id, owner_id, price, changed_version)
SELECT :copy, price_date, portfolio_id, owner_id, price, :version FROM portfolios.manual_prices
WHERE position_id = :position_id AND owner_id = :owner
RETURNING price_date, price
""")


async def page_of_prices(
    connection: AsyncConnection, owner: str, portfolio: UUID, lot_id: UUID, *, after: date | None, limit: int
) -> list[PriceRecord]:
    """At most `limit` prices of a lot by date, beginning behind `after`."""
    values = {"owner": owner, "portfolio": portfolio, "position_id": lot_id, "after": after, "limit": limit}
    return [PriceRecord(**row._mapping) for row in await connection.execute(_PAGE_OF_PRICES, values)]


async def all_prices(connection: AsyncConnection, owner: str, portfolio: UUID) -> list[PriceRecord]:
    """The prices of all lots, by lot and date."""
    rows = await connection.execute(_ALL_PRICES, {"owner": owner, "portfolio": portfolio})
    return [PriceRecord(**row._mapping) for row in rows]


async def insert_prices(
    connection: AsyncConnection,
    owner: str,
    portfolio: UUID,
    prices: Sequence[tuple[UUID, date, Decimal]],
    *,
    version: int,
) -> None:
    """Add prices of new lots: of which lot, on which day, how much."""
    if prices:
        lots, days, said = map(list, zip(*prices, strict=True))
        values = {"portfolio": portfolio, "owner": owner, "version": version}
        await connection.execute(_INSERT_PRICES, values | {"position_id": lots, "day": days, "price": said})


async def find_price(
    connection: AsyncConnection, owner: str, portfolio: UUID, lot_id: UUID, day: date
) -> PriceRecord | None:
    values = {"owner": owner, "portfolio": portfolio, "position_id": lot_id, "day": day}
    row = (await connection.execute(_PRICE, values)).one_or_none()
    return None if row is None else PriceRecord(**row._mapping)


async def set_price(connection: AsyncConnection, owner: str, portfolio: UUID, price: PriceRecord) -> None:
    """Say the price of its day, whether there was one or not."""
    values = {"position_id": price.position_id, "day": price.price_date, "price": price.price}
    values |= {"owner": owner, "portfolio": portfolio, "version": price.changed_version}
    await connection.execute(_SET_PRICE, values)


async def delete_price(connection: AsyncConnection, owner: str, portfolio: UUID, lot_id: UUID, day: date) -> None:
    values = {"owner": owner, "portfolio": portfolio, "position_id": lot_id, "day": day}
    await connection.execute(_DELETE_PRICE, values)


async def copy_prices(
    connection: AsyncConnection, owner: str, lot_id: UUID, *, copy: UUID, version: int
) -> list[tuple[date, Decimal]]:
    """Give the lot `copy` the prices of the lot it was taken from; returns them."""
    values = {"owner": owner, "position_id": lot_id, "copy": copy, "version": version}
    return [(row.price_date, row.price) for row in await connection.execute(_COPY_PRICES, values)]
