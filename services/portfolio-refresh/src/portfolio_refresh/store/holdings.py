"""What portfolios hold, and where they stood on a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import asyncpg


class HeldLot(NamedTuple):
    """A row of `portfolios.positions`, as the arithmetic needs it. Dates are days since 1970-01-01."""

    position_id: UUID
    portfolio_id: UUID
    symbol: str
    quantity: Decimal
    multiplier: Decimal
    entry_price: float
    entry_day: int
    exit_price: float | None
    exit_day: int | None
    investment_class: str


class HeldFlow(NamedTuple):
    portfolio_id: UUID
    day: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """A snapshot, as the fold of the next session needs it."""

    nav: Decimal
    cash: Decimal
    cumulative_pnl: Decimal


LOTS = """
SELECT position_id, portfolio_id, symbol, quantity, multiplier, entry_price::float8,
    entry_date - DATE '1970-01-01', exit_price::float8, exit_date - DATE '1970-01-01', investment_class
FROM portfolios.positions WHERE portfolio_id = ANY($1) ORDER BY portfolio_id, position_id
"""

FLOWS = """
SELECT portfolio_id, flow_date - DATE '1970-01-01', amount FROM portfolios.cash_flows WHERE portfolio_id = ANY($1)
"""

STANDINGS = """
SELECT portfolio_id, nav, cash, cumulative_pnl FROM valuations.portfolio_snapshots
WHERE session = $2 AND portfolio_id = ANY($1)
"""


async def held_lots(connection: asyncpg.Connection, portfolio_ids: Sequence[UUID]) -> list[HeldLot]:
    """Every lot, open or closed, by portfolio and position id ascending."""
    return [HeldLot._make(row) for row in await connection.fetch(LOTS, portfolio_ids)]


async def held_flows(connection: asyncpg.Connection, portfolio_ids: Sequence[UUID]) -> list[HeldFlow]:
    return [HeldFlow._make(row) for row in await connection.fetch(FLOWS, portfolio_ids)]


async def standings(
    connection: asyncpg.Connection, portfolio_ids: Sequence[UUID], session: date
) -> dict[UUID, Standing]:
    """The snapshots of one session; a portfolio without one is not in the answer."""
    rows = await connection.fetch(STANDINGS, portfolio_ids, session)
    return {portfolio_id: Standing(nav, cash, cumulative) for portfolio_id, nav, cash, cumulative in rows}
