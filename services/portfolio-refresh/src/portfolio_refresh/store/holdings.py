"""What portfolios hold, and where they stood on a session. What an owner has deleted is not there."""

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
    entry_fee: Decimal | None
    """None where nothing was paid, as `exit_fee`: most are so, and nothing comes faster than a number."""
    exit_price: float | None
    exit_day: int | None
    exit_fee: Decimal | None
    investment_class: str
    underlying: str | None
    """What an option is on; None for anything else."""
    right: int
    """1 for a call, −1 for a put, 0 for what does not expire."""
    strike: float | None
    expiry_day: int | None


class HeldFlow(NamedTuple):
    """A deposit, a withdrawal or a fee; the amount of a fee is negative."""

    portfolio_id: UUID
    day: int
    amount: Decimal
    fee: bool


class HandPrice(NamedTuple):
    """What an owner says that a lot is worth, per share or unit."""

    portfolio_id: UUID
    position_id: UUID
    day: int
    price: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A snapshot, as the fold of the next session needs it."""

    nav: Decimal
    cash: Decimal
    cumulative_pnl: Decimal


# An option of which a term is missing cannot be settled: it is valued by hand until its owner closes it.
LOTS = """
SELECT l.position_id, l.portfolio_id, l.symbol, l.quantity, l.multiplier, l.entry_price::float8,
    l.entry_date - DATE '1970-01-01', NULLIF(l.entry_fee, 0),
    l.exit_price::float8, l.exit_date - DATE '1970-01-01', NULLIF(l.exit_fee, 0), l.investment_class,
    CASE WHEN l.investment_class = 'OPTIONS' THEN l.underlying_symbol END,
    CASE WHEN NOT o.whole THEN 0 WHEN l.option_type = 'CALL' THEN 1 ELSE -1 END,
    CASE WHEN o.whole THEN l.strike_price::float8 END,
    CASE WHEN o.whole THEN l.expiration_date - DATE '1970-01-01' END
FROM portfolios.positions l CROSS JOIN LATERAL (
    SELECT l.investment_class = 'OPTIONS' AND l.underlying_symbol IS NOT NULL AND l.strike_price IS NOT NULL
        AND l.expiration_date IS NOT NULL AND l.option_type IS NOT NULL AS whole
) o
WHERE l.portfolio_id = ANY($1) AND l.deleted_version IS NULL
ORDER BY l.portfolio_id, l.position_id
"""

FLOWS = """
SELECT portfolio_id, flow_date - DATE '1970-01-01', amount, kind = 'fee' FROM portfolios.cash_flows
WHERE portfolio_id = ANY($1) AND deleted_version IS NULL
"""

# Those of deleted lots are harmless: nobody asks for them.
HAND_PRICES = """
SELECT portfolio_id, position_id, price_date - DATE '1970-01-01', price::float8 FROM portfolios.manual_prices
WHERE portfolio_id = ANY($1)
"""

STANDINGS = """
SELECT portfolio_id, nav, cash, cumulative_pnl FROM valuations.portfolio_snapshots
WHERE session = $2 AND portfolio_id = ANY($1)
"""


async def held_lots(connection: asyncpg.Connection, portfolio_ids: Sequence[UUID]) -> list[HeldLot]:
    """Every lot, open or closed, by portfolio and position id ascending."""
    return [HeldLot._make(row) for row in await connection.fetch(LOTS, portfolio_ids)]


async def held_flows(connection: asyncpg.Connection, portfolio_ids: Sequence[UUID]) -> list[HeldFlow]:
    """Every flow and fee, in no order."""
    return [HeldFlow._make(row) for row in await connection.fetch(FLOWS, portfolio_ids)]


async def hand_prices(connection: asyncpg.Connection, portfolio_ids: Sequence[UUID]) -> list[HandPrice]:
    """Every price that was given by hand, in no order."""
    return [HandPrice._make(row) for row in await connection.fetch(HAND_PRICES, portfolio_ids)]


async def standings(
    connection: asyncpg.Connection, portfolio_ids: Sequence[UUID], session: date
) -> dict[UUID, Standing]:
    """The snapshots of one session; a portfolio without one is not in the answer."""
    rows = await connection.fetch(STANDINGS, portfolio_ids, session)
    return {portfolio_id: Standing(nav, cash, cumulative) for portfolio_id, nav, cash, cumulative in rows}
