"""Symbols whose prices are needed and unknown, and that nobody works on."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK_SWEEP = text("SELECT pg_try_advisory_xact_lock(hashtext('onboarding sweep'))")

# One index probe for each distinct symbol that is held or that an option is on, however many hold it.
_FORGOTTEN = text("""
WITH RECURSIVE held AS (
    (SELECT symbol FROM portfolios.positions WHERE deleted_version IS NULL ORDER BY symbol LIMIT 1)
    UNION ALL
    SELECT (SELECT o.symbol FROM portfolios.positions o WHERE o.symbol > held.symbol AND o.deleted_version IS NULL
            ORDER BY o.symbol LIMIT 1)
    FROM held WHERE held.symbol IS NOT NULL
), under AS (
    (SELECT underlying_symbol AS symbol FROM portfolios.positions
     WHERE underlying_symbol IS NOT NULL AND deleted_version IS NULL ORDER BY underlying_symbol LIMIT 1)
    UNION ALL
    SELECT (SELECT o.underlying_symbol FROM portfolios.positions o
            WHERE o.underlying_symbol > under.symbol AND o.deleted_version IS NULL
            ORDER BY o.underlying_symbol LIMIT 1)
    FROM under WHERE under.symbol IS NOT NULL
)
SELECT priced.symbol FROM (SELECT symbol FROM held UNION SELECT symbol FROM under) priced
WHERE priced.symbol IS NOT NULL
  AND NOT EXISTS (SELECT FROM symbols.current_edition c
                  JOIN symbols.symbol_daily_metrics m ON m.edition = c.edition
                  WHERE m.symbol = priced.symbol)
  AND NOT EXISTS (SELECT FROM symbols.symbol_requests r
                  WHERE r.symbol = priced.symbol
                    AND r.state IN ('queued', 'running', 'waiting_for_provider', 'failed'))
  AND (EXISTS (SELECT FROM portfolios.positions o JOIN portfolios.portfolios p ON p.portfolio_id = o.portfolio_id
               WHERE o.symbol = priced.symbol AND o.investment_class = 'PUBLIC' AND o.deleted_version IS NULL
                 AND (o.exit_date IS NULL OR o.exit_date >= p.first_session)
                 AND p.deleted_at IS NULL AND p.changed_at < :before)
    OR EXISTS (SELECT FROM portfolios.positions o JOIN portfolios.portfolios p ON p.portfolio_id = o.portfolio_id
               WHERE o.underlying_symbol = priced.symbol AND o.investment_class = 'OPTIONS'
                 AND o.expiration_date IS NOT NULL AND o.deleted_version IS NULL
                 AND (o.exit_date IS NULL OR o.exit_date >= p.first_session)
                 AND p.deleted_at IS NULL AND p.changed_at < :before))
ORDER BY priced.symbol LIMIT :limit
""")


async def try_sweep(connection: AsyncConnection) -> bool:
    """Whether this replica is the one to sweep, to the end of the transaction."""
    return bool((await connection.execute(_LOCK_SWEEP)).scalar())


async def forgotten_symbols(connection: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Symbols needed since `before` that are unknown, have not failed, and that nobody is working on."""
    return list((await connection.execute(_FORGOTTEN, {"before": before, "limit": limit})).scalars())
