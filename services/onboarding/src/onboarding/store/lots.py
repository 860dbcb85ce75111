"""Lots: what was bought or sold short, by portfolio."""

from collections.abc import Sequence
from dataclasses import fields
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding.imports.lot import InvestmentClass, Lot

_INSERT_POSITIONS = text("""
INSERT INTO portfolios.positions
    (position_id, portfolio_id, owner_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date,
     investment_class, investment_subtype, underlying_symbol, strike_price, expiration_date, option_type, entry_fee,
     exit_fee)
SELECT lot.position_id, :portfolio, :owner, lot.symbol, lot.quantity, lot.multiplier, lot.entry_price, lot.entry_date,
       lot.exit_price, lot.exit_date, lot.investment_class, lot.investment_subtype, lot.underlying_symbol,
       lot.strike_price, lot.expiration_date, lot.option_type, lot.entry_fee, lot.exit_fee
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


_LOT_COLUMNS = tuple(field.name for field in fields(Lot))


_LOTS_AT_ONCE = 2_500


_POSITIONS = text("""
SELECT position_id, symbol, quantity, multiplier, entry_price, entry_date, exit_price, exit_date, investment_class,
       investment_subtype, underlying_symbol, strike_price, expiration_date, option_type, entry_fee, exit_fee
FROM portfolios.positions WHERE portfolio_id = :portfolio AND owner_id = :owner
ORDER BY symbol, entry_date, position_id
""")


async def insert_lots(connection: AsyncConnection, *, owner: str, portfolio: UUID, lots: Sequence[Lot]) -> None:
    """The lots with which a portfolio is created."""
    # In slices: while the driver encodes one, the event loop does nothing else.
    for start in range(0, len(lots), _LOTS_AT_ONCE):
        some = lots[start : start + _LOTS_AT_ONCE]
        values = {"portfolio": portfolio, "owner": owner, "position_id": [uuid4() for _ in some]}
        values |= {name: [getattr(lot, name) for lot in some] for name in _LOT_COLUMNS}
        await connection.execute(_INSERT_POSITIONS, values)


async def positions(connection: AsyncConnection, owner: str, portfolio: UUID) -> list[tuple[UUID, Lot]]:
    """The portfolio's lots with their ids, by symbol and entry date."""
    rows = await connection.execute(_POSITIONS, {"owner": owner, "portfolio": portfolio})
    return [(row.position_id, _lot(row)) for row in rows]


def _lot(row: Row[tuple[object, ...]]) -> Lot:
    values = {name: getattr(row, name) for name in _LOT_COLUMNS}
    return Lot(**values | {"investment_class": InvestmentClass(row.investment_class)})
