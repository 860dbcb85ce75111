"""Who has been left behind: portfolios without the valuation they should have, chunks that nobody has ended."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

ONE_SWEEPER = text("SELECT pg_try_advisory_xact_lock(hashtext('riskstream portfolio-refresh sweep'))")

# A portfolio that could not be valued is left out until its version or the edition is newer, or its pause is over.
BEHIND = text("""
SELECT p.portfolio_id
FROM portfolios.portfolios p
CROSS JOIN symbols.current_edition e
LEFT JOIN valuations.valuation_heads h USING (portfolio_id)
WHERE CASE
        WHEN p.deleted_at IS NOT NULL THEN h.portfolio_id IS NOT NULL
        WHEN h.portfolio_id IS NULL THEN p.first_session <= e.session
        ELSE h.portfolio_version < p.version
            OR h.session < e.session
            OR (h.unknown_symbols <> '{}' AND EXISTS (
                SELECT FROM symbols.symbol_daily_metrics m
                WHERE m.edition = e.edition AND m.symbol = ANY(h.unknown_symbols)
            ))
            OR (h.edition < e.edition AND EXISTS (
                SELECT FROM portfolios.positions l
                JOIN symbols.revisions r ON r.symbol = ANY(ARRAY[l.symbol, l.underlying_symbol])
                    AND r.edition > h.edition AND r.edition <= e.edition
                WHERE l.portfolio_id = p.portfolio_id AND l.deleted_version IS NULL
            ))
    END
    AND NOT EXISTS (
        SELECT FROM valuations.failing_portfolios f
        WHERE f.portfolio_id = p.portfolio_id AND f.portfolio_version = p.version AND f.edition = e.edition
            AND f.next_attempt_at > now()
    )
ORDER BY p.portfolio_id
""")

HOLDERS_WAITING = text("""
SELECT portfolio_id FROM valuations.valuation_heads
WHERE unknown_symbols <> '{}' AND unknown_symbols @> ARRAY[CAST(:symbol AS text)]
ORDER BY portfolio_id
""")

UNFINISHED_SWEEP = text("""
SELECT EXISTS (
    SELECT FROM valuations.refresh_runs
    WHERE cause = 'sweep' AND finished_at IS NULL AND started_at > now() - make_interval(secs => :seconds)
)
""")

ANNOUNCE_AGAIN = text("""
UPDATE valuations.refresh_chunks SET announced_at = now()
WHERE state = 'queued' AND announced_at <= now() - make_interval(secs => :seconds)
RETURNING run_id, chunk
""")


@dataclass(frozen=True, slots=True)
class OverdueChunk:
    run_id: UUID
    chunk: int


async def is_only_sweeper(connection: AsyncConnection) -> bool:
    """Take the sweepers' lock to the end of the transaction; False where another replica has it."""
    return bool((await connection.execute(ONE_SWEEPER)).scalar_one())


async def portfolios_behind(connection: AsyncConnection) -> list[UUID]:
    """Portfolios whose valuation is not of their version and the edition, by id; none before the first edition."""
    return list((await connection.execute(BEHIND)).scalars())


async def holders_waiting_for(connection: AsyncConnection, symbol: str) -> list[UUID]:
    """Portfolios whose head names the symbol as unknown."""
    return list((await connection.execute(HOLDERS_WAITING, {"symbol": symbol})).scalars())


async def sweep_is_under_way(connection: AsyncConnection, seconds: float) -> bool:
    """Whether a sweep's run younger than `seconds` has chunks left."""
    return bool((await connection.execute(UNFINISHED_SWEEP, {"seconds": seconds})).scalar_one())


async def take_overdue_chunks(connection: AsyncConnection, seconds: float) -> list[OverdueChunk]:
    """Chunks that were announced over `seconds` ago and have not ended; they count as announced now."""
    rows = await connection.execute(ANNOUNCE_AGAIN, {"seconds": seconds})
    return [OverdueChunk(row.run_id, row.chunk) for row in rows]
