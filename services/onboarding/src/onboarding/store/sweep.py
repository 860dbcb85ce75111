"""Symbols that are held and unknown, and that nobody works on."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK_SWEEP = text("SELECT pg_try_advisory_xact_lock(hashtext('onboarding sweep'))")


# One index probe for each distinct symbol that is held, however many hold it.
_FORGOTTEN = text("""
WITH RECURSIVE held AS (
    (SELECT symbol FROM portfolios.positions ORDER BY symbol LIMIT 1)
    UNION ALL
    SELECT (SELECT o.symbol FROM portfolios.positions o WHERE o.symbol > held.symbol ORDER BY o.symbol LIMIT 1)
    FROM held WHERE held.symbol IS NOT NULL
)
SELECT held.symbol FROM held
WHERE held.symbol IS NOT NULL
  AND NOT EXISTS (SELECT FROM symbols.current_edition c
                  JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
                  WHERE m.symbol = held.symbol)
  AND NOT EXISTS (SELECT FROM symbols.symbol_requests r
                  WHERE r.symbol = held.symbol
                    AND r.state IN ('queued', 'running', 'waiting_for_provider', 'failed'))
  AND EXISTS (SELECT FROM portfolios.positions o JOIN portfolios.portfolios p ON p.portfolio_id = o.portfolio_id
              WHERE o.symbol = held.symbol AND o.investment_class = 'PUBLIC'
                AND (o.exit_date IS NULL OR o.exit_date >= p.first_session)
                AND p.deleted_at IS NULL AND p.changed_at < :before)
ORDER BY held.symbol LIMIT :limit
""")


async def try_sweep(connection: AsyncConnection) -> bool:
    """Whether this replica is the one to sweep, to the end of the transaction."""
    return bool((await connection.execute(_LOCK_SWEEP)).scalar())


async def forgotten_symbols(connection: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Symbols held since `before` that are unknown, have not failed, and that nobody is working on."""
    return list((await connection.execute(_FORGOTTEN, {"before": before, "limit": limit})).scalars())
