"""Portfolios folded by hand, each fold with its own number as NAV: an answer's NAV says which fold it shows."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import asyncpg

OWNER = "ana"
SESSION = date(2024, 12, 16)

CALENDAR = """
INSERT INTO symbols.trading_sessions (session, opens_at, closes_at, early_close) VALUES ($1, $2, $2, false)
"""
EDITION = """
WITH added AS (
    INSERT INTO symbols.editions (edition, session, kind, run_id, published_at)
    VALUES ($1, $2, 'night', gen_random_uuid(), now()) RETURNING edition, session
)
INSERT INTO symbols.current_edition (edition, session) SELECT edition, session FROM added
"""
NEXT_EDITION = """
WITH added AS (
    INSERT INTO symbols.editions (edition, session, kind, run_id, published_at)
    SELECT edition + 1, session, 'night', gen_random_uuid(), now() FROM symbols.current_edition RETURNING edition
)
UPDATE symbols.current_edition c SET edition = added.edition FROM added
"""
PORTFOLIO = """
INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, created_at, changed_at)
VALUES ($1, $2, 'by hand', 1, $3, now(), now())
"""
CHANGE = "UPDATE portfolios.portfolios SET version = version + 1 WHERE portfolio_id = $1"
FOLD = """
INSERT INTO valuations.valuation_heads AS h
    (portfolio_id, owner_id, valuation, portfolio_version, edition, session, folded_at)
SELECT p.portfolio_id, p.owner_id, 1, p.version, c.edition, c.session, now()
FROM portfolios.portfolios p CROSS JOIN symbols.current_edition c WHERE p.portfolio_id = $1
ON CONFLICT (portfolio_id) DO UPDATE SET valuation = h.valuation + 1,
    portfolio_version = excluded.portfolio_version, edition = excluded.edition
RETURNING valuation, portfolio_version, edition
"""
SNAPSHOT = """
INSERT INTO valuations.portfolio_snapshots (portfolio_id, session, owner_id, nav, cash, long_value, short_value,
    gross_value, net_value, pnl, pnl_price, pnl_dividend, pnl_in_kind, pnl_trading, cumulative_pnl, flow, positions,
    stale, unpriced, edition, valuation)
VALUES ($1, $2, $3, $4::bigint, $4::bigint, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, $5, $4::bigint)
ON CONFLICT (portfolio_id, session) DO UPDATE SET
    nav = excluded.nav, cash = excluded.cash, edition = excluded.edition, valuation = excluded.valuation
"""


class FoldedByHand:
    """What the other services would have written. `committed` is the number of each portfolio's last fold."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.committed: dict[UUID, int] = {}

    async def begin(self, portfolios: int) -> None:
        """A calendar, an edition, and portfolios that have been folded once."""
        await self._connection.execute(CALENDAR, SESSION, datetime(2024, 12, 16, 21, tzinfo=UTC))
        await self._connection.execute(EDITION, 1, SESSION)
        for _ in range(portfolios):
            portfolio = uuid4()
            await self._connection.execute(PORTFOLIO, portfolio, OWNER, SESSION)
            await self.fold(portfolio)

    async def publish(self) -> None:
        """A new edition of the same session."""
        await self._connection.execute(NEXT_EDITION)

    async def change(self, portfolio: UUID) -> None:
        await self._connection.execute(CHANGE, portfolio)

    async def fold(self, portfolio: UUID) -> tuple[int, int, int]:
        """One transaction, as a fold is; gives valuation, portfolio version and edition."""
        async with self._connection.transaction():
            head = await self._connection.fetchrow(FOLD, portfolio)
            valuation, version, edition = head
            await self._connection.execute(SNAPSHOT, portfolio, SESSION, OWNER, valuation, edition)
        self.committed[portfolio] = valuation
        return valuation, version, edition
