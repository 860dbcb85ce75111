"""Refresh runs as people see them: what was planned, how far it is, whom it left out."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

RUNS = text("""
SELECT run_id, cause, session, edition, since, until, chunks, remaining, chunks_failed, portfolios, portfolios_failed,
    started_at, finished_at,
    CASE WHEN remaining > 0 THEN 'running' WHEN chunks_failed + portfolios_failed > 0 THEN 'completed_with_failures'
        ELSE 'completed' END AS state,
    EXTRACT(EPOCH FROM coalesce(finished_at, clock_timestamp()) - started_at)::float8 AS seconds
FROM valuations.refresh_runs
WHERE CAST(:run_id AS uuid) IS NULL OR run_id = :run_id
ORDER BY started_at DESC LIMIT :limit
""")

CHUNKS_OF_RUN = text("""
SELECT chunk, state, reason, worked_by, portfolios, announced_at, ended_at FROM valuations.refresh_chunks
WHERE run_id = :run_id ORDER BY chunk
""")


async def list_runs(connection: AsyncConnection, *, limit: int = 50) -> list[dict[str, Any]]:
    """The last runs, newest first."""
    rows = await connection.execute(RUNS, {"run_id": None, "limit": limit})
    return [dict(row) for row in rows.mappings()]


async def run_of(connection: AsyncConnection, run_id: UUID) -> dict[str, Any] | None:
    """One run with its counts; None where there is no such run."""
    row = (await connection.execute(RUNS, {"run_id": run_id, "limit": 1})).mappings().first()
    return None if row is None else dict(row)


async def chunks_of(connection: AsyncConnection, run_id: UUID) -> list[dict[str, Any]]:
    """A run's chunks in order: state, reason, who worked it and when."""
    return [dict(row) for row in (await connection.execute(CHUNKS_OF_RUN, {"run_id": run_id})).mappings()]
