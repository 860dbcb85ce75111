"""Where portfolios stand: their versions, their heads, and what has happened since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg

MARKET_SYMBOL = "SPY"
"""Its closes say which past sessions have prices: without the market's, nothing of a session is published."""


@dataclass(frozen=True, slots=True)
class Edition:
    number: int
    session: date


@dataclass(frozen=True, slots=True)
class Head:
    valuation: int
    portfolio_version: int
    edition: int
    session: date


@dataclass(frozen=True, slots=True)
class PortfolioState:
    """A portfolio and, where it has a head, what is newer than it."""

    portfolio_id: UUID
    owner_id: str
    version: int
    first_session: date
    declared_equity: Decimal | None
    deleted: bool
    head: Head | None
    became_known: bool
    """A symbol that was unknown to the head is in the edition now."""
    changed_from: date | None
    """The first session that a version after the head's affects."""
    revised_from: date | None
    """The first session revised, by an edition after the head's, of a symbol held or the underlying of an option."""


CURRENT_EDITION = "SELECT edition, session FROM symbols.current_edition"

SESSIONS_WITH_PRICES = """
SELECT s.session FROM symbols.trading_sessions s
JOIN symbols.traded_bars m ON m.symbol = $1 AND m.session = s.session
WHERE s.session <= $2
UNION
SELECT e.session FROM symbols.editions e WHERE e.session <= $2
ORDER BY 1
"""

STATES = """
SELECT p.portfolio_id, p.owner_id, p.version, p.first_session, p.declared_equity, p.deleted_at IS NOT NULL AS deleted,
    h.valuation, h.portfolio_version, h.edition, h.session,
    EXISTS (
        SELECT FROM symbols.symbol_daily_metrics m WHERE m.edition = $2 AND m.symbol = ANY(h.unknown_symbols)
    ) AS became_known,
    (
        SELECT min(c.first_affected_session) FROM portfolios.portfolio_changes c
        WHERE c.portfolio_id = p.portfolio_id AND c.version > h.portfolio_version
    ) AS changed_from,
    (
        SELECT min(r.prices_revised_from) FROM portfolios.positions l
        JOIN symbols.revisions r ON r.symbol = ANY(ARRAY[l.symbol, l.underlying_symbol])
            AND r.edition > h.edition AND r.edition <= $2
        WHERE l.portfolio_id = p.portfolio_id AND l.deleted_version IS NULL
    ) AS revised_from
FROM portfolios.portfolios p LEFT JOIN valuations.valuation_heads h USING (portfolio_id)
WHERE p.portfolio_id = ANY($1)
ORDER BY p.portfolio_id
"""


async def current_edition(connection: asyncpg.Connection) -> Edition | None:
    """The edition that readers use; None before the first night."""
    row = await connection.fetchrow(CURRENT_EDITION)
    return None if row is None else Edition(row["edition"], row["session"])


async def sessions_with_prices(connection: asyncpg.Connection, edition: Edition) -> list[date]:
    """Every session up to the edition's that has prices, ascending. A session without gets no snapshot."""
    return [row["session"] for row in await connection.fetch(SESSIONS_WITH_PRICES, MARKET_SYMBOL, edition.session)]


async def portfolio_states(
    connection: asyncpg.Connection, portfolio_ids: Sequence[UUID], edition: Edition
) -> list[PortfolioState]:
    """The states of the portfolios that exist, by id ascending; deleted ones too."""
    rows = await connection.fetch(STATES, portfolio_ids, edition.number)
    return [
        PortfolioState(
            portfolio_id=row["portfolio_id"],
            owner_id=row["owner_id"],
            version=row["version"],
            first_session=row["first_session"],
            declared_equity=row["declared_equity"],
            deleted=row["deleted"],
            head=None
            if row["valuation"] is None
            else Head(row["valuation"], row["portfolio_version"], row["edition"], row["session"]),
            became_known=row["became_known"],
            changed_from=row["changed_from"],
            revised_from=row["revised_from"],
        )
        for row in rows
    ]
