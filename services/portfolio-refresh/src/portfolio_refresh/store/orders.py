"""What an operator's order needs to know: what is published, who is meant, whom a run left out."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from portfolio_refresh.store.runs import SIZES, id_and_lots
from portfolio_refresh.store.states import Edition

PUBLISHED = text("SELECT edition, session FROM symbols.current_edition")

SESSIONS_BETWEEN = text("SELECT count(*) FROM symbols.trading_sessions WHERE session BETWEEN :since AND :through")

_MEANT = """
WHERE p.deleted_at IS NULL AND p.first_session <= :session
    AND (CAST(:portfolio_ids AS uuid[]) IS NULL OR p.portfolio_id = ANY(:portfolio_ids))
    AND (CAST(:owner AS text) IS NULL OR p.owner_id = :owner)
ORDER BY 1
"""

SIZES_ORDERED = text(SIZES + _MEANT)

LIVE = text("""
SELECT portfolio_id FROM portfolios.portfolios WHERE portfolio_id = ANY(:portfolio_ids) AND deleted_at IS NULL
""")

# Whom a run left out, alone or with the whole of their chunk.
LEFT_OUT = text("""
SELECT f.portfolio_id FROM valuations.refresh_failures f WHERE f.run_id = :run_id
UNION
SELECT p.portfolio_id
FROM valuations.refresh_chunks c
JOIN portfolios.portfolios p ON p.portfolio_id >= c.from_portfolio
    AND (c.to_portfolio IS NULL OR p.portfolio_id < c.to_portfolio)
    AND (c.named IS NULL OR p.portfolio_id = ANY(c.named))
WHERE c.run_id = :run_id AND c.state = 'failed'
ORDER BY 1
""")


async def published_edition(connection: AsyncConnection) -> Edition | None:
    """The edition that readers use; None before the first night."""
    row = (await connection.execute(PUBLISHED)).first()
    return None if row is None else Edition(row.edition, row.session)


async def sessions_between(connection: AsyncConnection, since: date, through: date) -> int:
    """How many sessions the exchange has from `since` through `through`."""
    bounds = {"since": since, "through": through}
    return int((await connection.execute(SESSIONS_BETWEEN, bounds)).scalar_one())


async def sizes_ordered(
    connection: AsyncConnection, session: date, *, portfolio_ids: Sequence[UUID] | None, owner: str | None
) -> list[tuple[UUID, int]]:
    """Those named, an owner's or everybody, who began by `session`, with their numbers of lots, by id ascending."""
    asked = None if portfolio_ids is None else list(portfolio_ids)
    bounds = {"session": session, "portfolio_ids": asked, "owner": owner}
    return id_and_lots(await connection.execute(SIZES_ORDERED, bounds))


async def live_among(connection: AsyncConnection, portfolio_ids: Sequence[UUID]) -> set[UUID]:
    """Those that exist and are not deleted."""
    return set((await connection.execute(LIVE, {"portfolio_ids": list(portfolio_ids)})).scalars())


async def left_out_by(connection: AsyncConnection, run_id: UUID) -> list[UUID]:
    """The portfolios that a run failed to value, each alone or with its whole chunk, by id."""
    return list((await connection.execute(LEFT_OUT, {"run_id": run_id})).scalars())
