"""Refresh runs: planned with their chunks at once, ended chunk by chunk, completed exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

RunCause: TypeAlias = Literal["night", "revision", "sweep"]


@dataclass(frozen=True, slots=True)
class Run:
    run_id: UUID
    cause: RunCause
    session: date
    edition: int


@dataclass(frozen=True, slots=True)
class ChunkRange:
    """Portfolios from one id, inclusive, to another, exclusive; None: to the end."""

    from_portfolio: UUID
    to_portfolio: UUID | None
    portfolios: int
    """How many were there when it was cut."""


@dataclass(frozen=True, slots=True)
class QueuedChunk:
    run: Run
    range: ChunkRange


@dataclass(frozen=True, slots=True)
class Failure:
    """A portfolio that a run left out, at the version and edition it could not be valued at."""

    portfolio_id: UUID
    owner_id: str
    portfolio_version: int
    edition: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Completed:
    """What a run came to, once its last chunk has ended."""

    run: Run
    chunks: int
    chunks_failed: int
    portfolios: int
    portfolios_failed: int


_SIZES = """
SELECT p.portfolio_id, (SELECT count(*) FROM portfolios.positions l WHERE l.portfolio_id = p.portfolio_id)
FROM portfolios.portfolios p
"""

SIZES_OF_ALL = text(_SIZES + "WHERE p.deleted_at IS NULL AND p.first_session <= :session ORDER BY 1")

_HOLDERS = """
WHERE p.deleted_at IS NULL AND p.first_session <= :session AND p.portfolio_id IN (
    SELECT l.portfolio_id FROM portfolios.positions l
    JOIN symbols.revisions r ON r.symbol = l.symbol AND r.edition = :edition
)
ORDER BY 1
"""

SIZES_OF_HOLDERS = text(_SIZES + _HOLDERS)

SIZES_OF_SOME = text(_SIZES + "WHERE p.portfolio_id = ANY(:portfolio_ids) ORDER BY 1")

ADD_RUN = text("""
INSERT INTO valuations.refresh_runs (run_id, cause, session, edition, chunks, remaining, portfolios, finished_at)
VALUES (:run_id, :cause, :session, :edition, :chunks, :chunks, :portfolios,
    CASE WHEN :chunks = 0 THEN clock_timestamp() END)
ON CONFLICT (run_id) DO NOTHING RETURNING run_id
""")

ADD_CHUNKS = text("""
INSERT INTO valuations.refresh_chunks (run_id, chunk, from_portfolio, to_portfolio, portfolios)
SELECT :run_id, i.chunk - 1, i.from_portfolio, i.to_portfolio, i.portfolios
FROM unnest(CAST(:froms AS uuid[]), CAST(:tos AS uuid[]), CAST(:portfolios AS integer[]))
    WITH ORDINALITY AS i (from_portfolio, to_portfolio, portfolios, chunk)
""")

CHUNK = text("""
SELECT r.run_id, r.cause, r.session, r.edition, c.from_portfolio, c.to_portfolio, c.portfolios, c.state
FROM valuations.refresh_chunks c JOIN valuations.refresh_runs r USING (run_id)
WHERE c.run_id = :run_id AND c.chunk = :chunk
""")

# Whoever might have something to fold; the fold itself decides. Most are ruled out here after a night.
CANDIDATES = text("""
SELECT p.portfolio_id
FROM portfolios.portfolios p
CROSS JOIN symbols.current_edition e
LEFT JOIN valuations.valuation_heads h USING (portfolio_id)
WHERE p.portfolio_id >= :from_portfolio AND (CAST(:to_portfolio AS uuid) IS NULL OR p.portfolio_id < :to_portfolio)
    AND CASE
        WHEN p.deleted_at IS NOT NULL THEN h.portfolio_id IS NOT NULL
        WHEN h.portfolio_id IS NULL THEN p.first_session <= e.session
        ELSE h.portfolio_version < p.version OR h.edition < e.edition OR h.unknown_symbols <> '{}'
    END
ORDER BY p.portfolio_id
""")

END_CHUNK = text("""
UPDATE valuations.refresh_chunks
SET state = :state, reason = :reason, worked_by = :worker, ended_at = clock_timestamp()
WHERE run_id = :run_id AND chunk = :chunk AND state = 'queued'
RETURNING portfolios
""")

COUNT_DOWN = text("""
UPDATE valuations.refresh_runs
SET remaining = remaining - 1,
    chunks_failed = chunks_failed + :chunks_failed,
    portfolios_failed = portfolios_failed + :portfolios_failed,
    finished_at = CASE WHEN remaining = 1 THEN clock_timestamp() END
WHERE run_id = :run_id
RETURNING remaining, cause, session, edition, chunks, chunks_failed, portfolios, portfolios_failed
""")

ADD_FAILURES = text("""
INSERT INTO valuations.refresh_failures
    (run_id, portfolio_id, owner_id, portfolio_version, edition, reason, detail)
VALUES (:run_id, :portfolio_id, :owner_id, :portfolio_version, :edition, :reason, :detail)
ON CONFLICT (run_id, portfolio_id) DO UPDATE
SET portfolio_version = excluded.portfolio_version, edition = excluded.edition,
    reason = excluded.reason, detail = excluded.detail
""")

RUNS = text("""
SELECT run_id, cause, session, edition, chunks, remaining, chunks_failed, portfolios, portfolios_failed,
    started_at, finished_at,
    CASE WHEN remaining > 0 THEN 'running' WHEN chunks_failed + portfolios_failed > 0 THEN 'completed_with_failures'
        ELSE 'completed' END AS state,
    EXTRACT(EPOCH FROM coalesce(finished_at, clock_timestamp()) - started_at)::float8 AS seconds
FROM valuations.refresh_runs
WHERE CAST(:run_id AS uuid) IS NULL OR run_id = :run_id
ORDER BY started_at DESC LIMIT 50
""")

CHUNKS_OF_RUN = text("""
SELECT chunk, state, reason, worked_by, portfolios, announced_at, ended_at FROM valuations.refresh_chunks
WHERE run_id = :run_id ORDER BY chunk
""")

FAILURES_OF_RUN = text("""
SELECT portfolio_id, portfolio_version, edition, reason, detail FROM valuations.refresh_failures
WHERE run_id = :run_id ORDER BY portfolio_id LIMIT 200
""")


async def sizes_of_all(connection: AsyncConnection, session: date) -> list[tuple[UUID, int]]:
    """Every portfolio that a night of `session` values, and its number of lots, by id ascending."""
    return _pairs(await connection.execute(SIZES_OF_ALL, {"session": session}))


async def sizes_of_holders(connection: AsyncConnection, session: date, edition: int) -> list[tuple[UUID, int]]:
    """The same for those who hold, or held, a symbol that the edition revised."""
    return _pairs(await connection.execute(SIZES_OF_HOLDERS, {"session": session, "edition": edition}))


async def sizes_of_some(connection: AsyncConnection, portfolio_ids: Sequence[UUID]) -> list[tuple[UUID, int]]:
    return _pairs(await connection.execute(SIZES_OF_SOME, {"portfolio_ids": list(portfolio_ids)}))


async def add_run(connection: AsyncConnection, run: Run, chunks: Sequence[ChunkRange]) -> bool:
    """Store a run and its chunks, numbered from 0; False where the run is there already, and then nothing is stored."""
    portfolios = sum(chunk.portfolios for chunk in chunks)
    added = await connection.execute(
        ADD_RUN,
        {
            "run_id": run.run_id,
            "cause": run.cause,
            "session": run.session,
            "edition": run.edition,
            "chunks": len(chunks),
            "portfolios": portfolios,
        },
    )
    if added.first() is None:
        return False
    if chunks:
        await connection.execute(
            ADD_CHUNKS,
            {
                "run_id": run.run_id,
                "froms": [chunk.from_portfolio for chunk in chunks],
                "tos": [chunk.to_portfolio for chunk in chunks],
                "portfolios": [chunk.portfolios for chunk in chunks],
            },
        )
    return True


async def find_chunk(connection: AsyncConnection, run_id: UUID, chunk: int) -> QueuedChunk | None:
    """The chunk while it is queued; None once it has ended. LookupError where there never was one."""
    row = (await connection.execute(CHUNK, {"run_id": run_id, "chunk": chunk})).first()
    if row is None:
        raise LookupError(
            f"no chunk {chunk} of run {run_id}: its rows are written with its event, was the table emptied?"
        )
    if row.state != "queued":
        return None
    run = Run(row.run_id, row.cause, row.session, row.edition)
    return QueuedChunk(run, ChunkRange(row.from_portfolio, row.to_portfolio, row.portfolios))


async def candidates(connection: AsyncConnection, chunk: ChunkRange) -> list[UUID]:
    """The portfolios of the range that may have something to fold, by id ascending."""
    bounds = {"from_portfolio": chunk.from_portfolio, "to_portfolio": chunk.to_portfolio}
    return list((await connection.execute(CANDIDATES, bounds)).scalars())


async def end_chunk(
    connection: AsyncConnection,
    run_id: UUID,
    chunk: int,
    *,
    worker: str,
    failures: Sequence[Failure] = (),
    reason: str | None = None,
) -> Completed | None:
    """End a queued chunk, `failed` where there is a reason and `done` otherwise, and count the run down.

    Answers with the run where this was its last chunk, and with None otherwise, also where the chunk had ended
    before: then nothing is written. All in the caller's transaction: the row lock of the run puts ends in a row.
    """
    ended = await connection.execute(
        END_CHUNK,
        {
            "run_id": run_id,
            "chunk": chunk,
            "state": "done" if reason is None else "failed",
            "reason": reason,
            "worker": worker,
        },
    )
    row = ended.first()
    if row is None:
        return None
    if failures:
        await connection.execute(ADD_FAILURES, [{"run_id": run_id, **_as_row(failure)} for failure in failures])
    counted = await connection.execute(
        COUNT_DOWN,
        {
            "run_id": run_id,
            "chunks_failed": 0 if reason is None else 1,
            "portfolios_failed": len(failures) if reason is None else row.portfolios,
        },
    )
    left = counted.one()
    if left.remaining:
        return None
    run = Run(run_id, left.cause, left.session, left.edition)
    return Completed(run, left.chunks, left.chunks_failed, left.portfolios, left.portfolios_failed)


async def list_runs(connection: AsyncConnection, run_id: UUID | None = None) -> list[dict[str, Any]]:
    """The last fifty runs, newest first, or the one asked for."""
    return [dict(row) for row in (await connection.execute(RUNS, {"run_id": run_id})).mappings()]


async def chunks_and_failures(
    connection: AsyncConnection, run_id: UUID
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A run's chunks, and the first two hundred portfolios that it left out."""
    chunks = await connection.execute(CHUNKS_OF_RUN, {"run_id": run_id})
    failures = await connection.execute(FAILURES_OF_RUN, {"run_id": run_id})
    return [dict(row) for row in chunks.mappings()], [dict(row) for row in failures.mappings()]


def _pairs(result: Any) -> list[tuple[UUID, int]]:
    return [(portfolio_id, lots) for portfolio_id, lots in result]


def _as_row(failure: Failure) -> dict[str, Any]:
    return {
        "portfolio_id": failure.portfolio_id,
        "owner_id": failure.owner_id,
        "portfolio_version": failure.portfolio_version,
        "edition": failure.edition,
        "reason": failure.reason,
        "detail": failure.detail,
    }
