"""Symbols that somebody asked for and that no edition contains yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.runtime import tracing

LEASES = 3
"""Requests worked on at a time, over all replicas."""
REMEMBERED_HOURS = 24
"""How long a failure answers for a symbol before it is tried anew."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that its holder works on."""

    symbol: str
    fence: int
    attempt: int
    traceparent: str | None = None
    """The span of whoever asked first, where that was traced."""


async def recent_failure(connection: AsyncConnection, symbol: str) -> tuple[str, str] | None:
    """(reason, detail) where the symbol failed within the last day."""
    row = await connection.execute(
        text(
            "SELECT reason, detail FROM symbols.symbol_requests WHERE symbol = :symbol AND state = 'failed' "
            "AND finished_at > clock_timestamp() - make_interval(hours => :hours)"
        ),
        {"symbol": symbol, "hours": REMEMBERED_HOURS},
    )
    found = row.first()
    return None if found is None else (found.reason or "failed", found.detail or "")


async def enqueue(connection: AsyncConnection, symbols: Sequence[str]) -> None:
    """Ask for the symbols. A request under way stays as it is; an ended one begins anew, in the trace of who asks."""
    await connection.execute(
        text(
            "INSERT INTO symbols.symbol_requests AS request (symbol, state, traceparent) "
            "SELECT symbol, 'queued', CAST(:traceparent AS text) "
            "FROM unnest(CAST(:symbols AS text[])) AS asked(symbol) "
            "ON CONFLICT (symbol) DO UPDATE SET state = 'queued', step = NULL, attempt = 0, requested_at = now(), "
            "next_attempt_at = now(), last_outcome = NULL, reason = NULL, detail = NULL, finished_at = NULL, "
            "traceparent = excluded.traceparent "
            "WHERE request.state IN ('ready', 'failed')"
        ),
        {"symbols": sorted(set(symbols)), "traceparent": tracing.current_traceparent()},
    )


async def enqueue_stragglers(connection: AsyncConnection, edition: int) -> list[str]:
    """Ask for the active symbols that the edition being published lacks: they became ready while it was computed.

    Requests under way are left alone: their workers will find the new edition, and may hold their rows while they wait
    for its lock.
    """
    rows = await connection.execute(
        text(
            "SELECT symbol FROM symbols.symbol_universe AS u WHERE status = 'active' AND NOT EXISTS "
            "(SELECT FROM symbols.symbol_daily_metrics AS m WHERE m.edition = :edition AND m.symbol = u.symbol) "
            "AND NOT EXISTS (SELECT FROM symbols.symbol_requests AS r WHERE r.symbol = u.symbol "
            "AND r.state IN ('queued', 'running', 'waiting_for_provider')) ORDER BY symbol"
        ),
        {"edition": edition},
    )
    missing = list(rows.scalars())
    await enqueue(connection, missing)
    return missing


async def refuse(
    connection: AsyncConnection, symbols: Sequence[str], reason: str, detail: str, *, under_way: bool = True
) -> None:
    """Let the requests for the symbols stand as failed, also where nobody asked: who holds them is told why.

    Work under way on one loses its fence. Whoever holds the edition's lock must leave it alone (`under_way` False):
    its worker may hold the request's row while it waits for that lock.
    """
    await connection.execute(
        text(
            "INSERT INTO symbols.symbol_requests (symbol, state, reason, detail, finished_at) "
            "SELECT symbol, 'failed', :reason, :detail, clock_timestamp() "
            "FROM unnest(CAST(:symbols AS text[])) AS refused(symbol) WHERE :under_way OR NOT EXISTS "
            "(SELECT FROM symbols.symbol_requests AS r WHERE r.symbol = refused.symbol "
            "AND r.state IN ('queued', 'running', 'waiting_for_provider')) ON CONFLICT (symbol) DO UPDATE SET "
            "state = 'failed', step = NULL, reason = excluded.reason, detail = excluded.detail, "
            "finished_at = excluded.finished_at, leased_by = NULL, lease_until = NULL"
        ),
        {"symbols": sorted(symbols), "reason": reason, "detail": detail, "under_way": under_way},
    )


async def claim(connection: AsyncConnection, holder: str, lease_seconds: float) -> Request | None:
    """Take the request that has waited longest, unless all leases are taken, nothing is due, or no edition exists yet.

    The lock makes counting the leases and taking one a single step over all replicas. A claim uses up an attempt at
    once, so that work which kills its process comes to an end.
    """
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('symbols.symbol_requests'))"))
    claimed = await connection.execute(
        text(
            "UPDATE symbols.symbol_requests SET state = 'running', step = 'prices', attempt = attempt + 1, "
            "fence = nextval('symbols.fences'), leased_by = :holder, "
            "lease_until = clock_timestamp() + make_interval(secs => :lease) "
            "WHERE symbol = (SELECT symbol FROM symbols.symbol_requests WHERE next_attempt_at <= clock_timestamp() "
            "AND (state IN ('queued', 'waiting_for_provider') "
            "OR (state = 'running' AND lease_until < clock_timestamp())) "
            "AND EXISTS (SELECT FROM symbols.current_edition) "
            "AND (SELECT count(*) FROM symbols.symbol_requests WHERE state = 'running' "
            "AND lease_until >= clock_timestamp()) < :leases "
            "ORDER BY requested_at, symbol LIMIT 1 FOR UPDATE SKIP LOCKED) "
            "RETURNING symbol, fence, attempt, traceparent"
        ),
        {"holder": holder, "lease": lease_seconds, "leases": LEASES},
    )
    row = claimed.first()
    return None if row is None else Request(row.symbol, row.fence, row.attempt, row.traceparent)


async def renew(connection: AsyncConnection, request: Request, lease_seconds: float) -> bool:
    """Hold the request for longer; False where it is not ours any more."""
    renewed = await connection.execute(
        text(
            "UPDATE symbols.symbol_requests SET lease_until = clock_timestamp() + make_interval(secs => :lease) "
            "WHERE symbol = :symbol AND fence = :fence AND state = 'running'"
        ),
        {"symbol": request.symbol, "fence": request.fence, "lease": lease_seconds},
    )
    return renewed.rowcount == 1


async def set_step(connection: AsyncConnection, request: Request, step: str) -> None:
    """Say what the request is at."""
    await connection.execute(
        text("UPDATE symbols.symbol_requests SET step = :step WHERE symbol = :symbol AND fence = :fence"),
        {"symbol": request.symbol, "fence": request.fence, "step": step},
    )


async def finish(
    connection: AsyncConnection, request: Request, state: str, *, outcome: str | None, reason: str | None = None,
    detail: str | None = None,
) -> None:  # fmt: skip
    """End the request as `ready` or `failed`."""
    await connection.execute(
        text(
            "UPDATE symbols.symbol_requests SET state = :state, step = NULL, last_outcome = :outcome, "
            "reason = :reason, detail = :detail, finished_at = clock_timestamp(), leased_by = NULL, lease_until = NULL "
            "WHERE symbol = :symbol AND fence = :fence AND state = 'running'"
        ),
        {
            "symbol": request.symbol, "fence": request.fence, "state": state, "outcome": outcome, "reason": reason,
            "detail": detail,
        },
    )  # fmt: skip


async def postpone(
    connection: AsyncConnection,
    request: Request,
    state: str,
    seconds: float,
    *,
    outcome: str | None,
    detail: str | None,
    attempt_used: bool,
) -> None:
    """Try the request again after `seconds`; an attempt that the provider refused is given back."""
    await connection.execute(
        text(
            "UPDATE symbols.symbol_requests SET state = :state, step = NULL, last_outcome = :outcome, "
            "detail = :detail, attempt = attempt - CASE WHEN :attempt_used THEN 0 ELSE 1 END, "
            "next_attempt_at = clock_timestamp() + make_interval(secs => :seconds), leased_by = NULL, "
            "lease_until = NULL WHERE symbol = :symbol AND fence = :fence AND state = 'running'"
        ),
        {
            "symbol": request.symbol, "fence": request.fence, "state": state, "seconds": seconds, "outcome": outcome,
            "detail": detail, "attempt_used": attempt_used,
        },
    )  # fmt: skip


async def list_requests(
    connection: AsyncConnection, *, symbol: str | None = None, state: str | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """Requests as the API shows them, newest first. `next_attempt_at` is null once a request has ended."""
    rows = await connection.execute(
        text(
            "SELECT symbol, state, step, attempt, requested_at, "
            "CASE WHEN state IN ('queued', 'waiting_for_provider') THEN next_attempt_at END AS next_attempt_at, "
            "last_outcome, reason, detail, finished_at FROM symbols.symbol_requests "
            "WHERE symbol = coalesce(CAST(:symbol AS text), symbol) AND state = coalesce(CAST(:state AS text), state) "
            "ORDER BY requested_at DESC, symbol LIMIT :limit"
        ),
        {"symbol": symbol, "state": state, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]
