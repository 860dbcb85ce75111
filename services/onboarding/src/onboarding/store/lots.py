"""Lots: what was bought or sold short. What an owner has deleted is not there for any of these."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.imports.lot import InvestmentClass, Lot


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRecord:
    """A lot of a portfolio, with what has become of it."""

    position_id: UUID
    lot: Lot
    split_from: UUID | None
    """The lot that a partial close took it from."""
    created_version: int
    changed_version: int
    entry_counts_on: date | None = None
    """The session on which the entry counts; null where the calendar does not reach so far."""
    exit_counts_on: date | None = None


_LOT_COLUMNS = tuple(field.name for field in fields(Lot))

_INSERT_LOTS = text("""
INSERT INTO portfolios.positions
    (position_id, portfolio_id, owner_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date,
     investment_class, investment_subtype, underlying_symbol, strike_price, expiration_date, option_type, entry_fee,
     exit_fee, split_from, created_version, changed_version)
SELECT lot.position_id, :portfolio, :owner, lot.symbol, lot.quantity, lot.multiplier, lot.entry_price, lot.entry_date,
       lot.exit_price, lot.exit_date, lot.investment_class, lot.investment_subtype, lot.underlying_symbol,
       lot.strike_price, lot.expiration_date, lot.option_type, lot.entry_fee, lot.exit_fee, :split_from, :version,
       :version
FROM unnest(CAST(:position_id AS uuid[]), CAST(:symbol AS text[]), CAST(:quantity AS numeric[]),
            CAST(:multiplier AS numeric[]), CAST(:entry_price AS numeric[]), CAST(:entry_date AS date[]),
            CAST(:exit_price AS numeric[]), CAST(:exit_date AS date[]), CAST(:investment_class AS text[]),
            CAST(:investment_subtype AS text[]), CAST(:underlying_symbol AS text[]), CAST(:strike_price AS numeric[]),
            CAST(:expiration_date AS date[]), CAST(:option_type AS text[]), CAST(:entry_fee AS numeric[]),
            CAST(:exit_fee AS numeric[]))
     AS lot (position_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date,
             investment_class, investment_subtype, underlying_symbol, strike_price, expiration_date, option_type,
             entry_fee, exit_fee)
""")

_LOTS_AT_ONCE = 2_500

_LOTS = """
SELECT o.position_id, o.symbol, o.quantity, o.multiplier, o.entry_price, o.entry_date, o.exit_price, o.exit_date,
       o.investment_class, o.investment_subtype, o.underlying_symbol, o.strike_price, o.expiration_date, o.option_type,
       o.entry_fee, o.exit_fee, o.split_from, o.created_version, o.changed_version,
       (SELECT min(s.session) FROM symbols.trading_sessions s
        WHERE s.session >= greatest(o.entry_date, p.first_session)) AS entry_counts_on,
       (SELECT min(s.session) FROM symbols.trading_sessions s
        WHERE o.exit_date IS NOT NULL AND s.session >= greatest(o.exit_date, p.first_session)) AS exit_counts_on
FROM portfolios.positions o JOIN portfolios.portfolios p ON p.portfolio_id = o.portfolio_id
WHERE o.portfolio_id = :portfolio AND o.owner_id = :owner AND o.deleted_version IS NULL
"""

_POSITIONS = text("""
SELECT position_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date, investment_class,
       investment_subtype, underlying_symbol, strike_price, expiration_date, option_type, entry_fee, exit_fee
FROM portfolios.positions WHERE portfolio_id = :portfolio AND owner_id = :owner AND deleted_version IS NULL
ORDER BY symbol, entry_date, position_id
""")

_SOME_LOTS = text(_LOTS + " AND o.position_id = ANY (CAST(:ids AS uuid[])) ORDER BY o.position_id")

_PAGE_OF_LOTS = text(
    _LOTS + " AND (CAST(:after AS uuid) IS NULL OR o.position_id > :after)"
    " AND (CAST(:symbol AS text) IS NULL OR o.symbol = :symbol OR o.underlying_symbol = :symbol)"
    " AND (CAST(:open AS boolean) IS NULL OR (o.exit_date IS NULL) = :open) ORDER BY o.position_id LIMIT :limit"
)

_COUNT_LOTS = text("""
SELECT count(*) FROM portfolios.positions
WHERE portfolio_id = :portfolio AND owner_id = :owner AND deleted_version IS NULL
""")

_CHANGE_LOT = text("""
UPDATE portfolios.positions SET
    symbol = :symbol, quantity = :quantity, multiplier = :multiplier, entry_price = :entry_price,
    entry_date = :entry_date, exit_price = :exit_price, exit_date = :exit_date, investment_class = :investment_class,
    investment_subtype = :investment_subtype, underlying_symbol = :underlying_symbol, strike_price = :strike_price,
    expiration_date = :expiration_date, option_type = :option_type, entry_fee = :entry_fee, exit_fee = :exit_fee,
    changed_version = :version
WHERE position_id = :position_id AND owner_id = :owner
""")

_DELETE_LOT = text("""
UPDATE portfolios.positions SET changed_version = :version, deleted_version = :version
WHERE position_id = :position_id AND owner_id = :owner
""")


async def insert_lots(
    connection: AsyncConnection,
    owner: str,
    portfolio: UUID,
    lots: Sequence[Lot],
    *,
    version: int,
    split_from: UUID | None = None,
) -> list[UUID]:
    """Add the lots with `version`; returns their ids, in order."""
    ids = [uuid4() for _ in lots]
    identity = {"portfolio": portfolio, "owner": owner, "version": version, "split_from": split_from}
    # In slices: while the driver encodes one, the event loop does nothing else.
    for start in range(0, len(lots), _LOTS_AT_ONCE):
        some = lots[start : start + _LOTS_AT_ONCE]
        columns: dict[str, Any] = {name: [getattr(lot, name) for lot in some] for name in _LOT_COLUMNS}
        columns["position_id"] = ids[start : start + _LOTS_AT_ONCE]
        await connection.execute(_INSERT_LOTS, identity | columns)
    return ids


async def positions(connection: AsyncConnection, owner: str, portfolio: UUID) -> list[tuple[UUID, Lot]]:
    """The portfolio's lots with their ids, by symbol and entry date."""
    rows = await connection.execute(_POSITIONS, {"owner": owner, "portfolio": portfolio})
    return [(row.position_id, lot_of_row(row)) for row in rows]


async def find_lots(connection: AsyncConnection, owner: str, portfolio: UUID, ids: Sequence[UUID]) -> list[LotRecord]:
    """Those of `ids` that there are, in the order of their ids."""
    rows = await connection.execute(_SOME_LOTS, {"owner": owner, "portfolio": portfolio, "ids": list(ids)})
    return [_record(row) for row in rows]


async def page_of_lots(
    connection: AsyncConnection,
    owner: str,
    portfolio: UUID,
    *,
    after: UUID | None,
    limit: int,
    symbol: str | None,
    is_open: bool | None,
) -> list[LotRecord]:
    """At most `limit` lots in the order of their ids, beginning behind `after`; null does not filter."""
    values = {"owner": owner, "portfolio": portfolio, "after": after, "limit": limit}
    rows = await connection.execute(_PAGE_OF_LOTS, values | {"symbol": symbol, "open": is_open})
    return [_record(row) for row in rows]


async def count_lots(connection: AsyncConnection, owner: str, portfolio: UUID) -> int:
    return int((await connection.execute(_COUNT_LOTS, {"owner": owner, "portfolio": portfolio})).scalar_one())


async def change_lot(connection: AsyncConnection, owner: str, lot_id: UUID, lot: Lot, version: int) -> None:
    """Let the lot be `lot` from `version` on."""
    values = {name: getattr(lot, name) for name in _LOT_COLUMNS}
    await connection.execute(_CHANGE_LOT, values | {"owner": owner, "position_id": lot_id, "version": version})


async def delete_lot(connection: AsyncConnection, owner: str, lot_id: UUID, version: int) -> None:
    await connection.execute(_DELETE_LOT, {"owner": owner, "position_id": lot_id, "version": version})


def _record(row: Row[Any]) -> LotRecord:
    return LotRecord(
        position_id=row.position_id,
        lot=lot_of_row(row),
        split_from=row.split_from,
        created_version=row.created_version,
        changed_version=row.changed_version,
        entry_counts_on=row.entry_counts_on,
        exit_counts_on=row.exit_counts_on,
    )


def lot_of_row(row: Row[Any]) -> Lot:
    """The lot in a row that has all of its columns."""
    values = {name: getattr(row, name) for name in _LOT_COLUMNS}
    return Lot(**values | {"investment_class": InvestmentClass(row.investment_class)})
