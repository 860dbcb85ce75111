"""Refresh runs: planned with their chunks at once, ended chunk by chunk, completed exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from portfolio_refresh.store.failures import Failure, add_failures, note_failing

RunCause: TypeAlias = Literal["night", "revision", "sweep", "operator", "backfill"]
SaidCause: TypeAlias = Literal["night", "revision", "sweep"]

SAID: dict[RunCause, SaidCause] = {
    "night": "night",
    "revision": "revision",
    "sweep": "sweep",
    "operator": "sweep",
    "backfill": "revision",
}
"""What events call it. Their words are a published contract, and a reader that is older than a new one could not read
the event. For whoever reads, an operator's run is a sweep by hand, and a backfill revises what was there."""


@dataclass(frozen=True, slots=True)
class Run:
    run_id: UUID
    cause: RunCause
    session: date
    edition: int
    since: date | None = None
    """Of a backfill: its portfolios are folded from this session on, whatever the data asks for."""
    until: date | None = None
    """Of a backfill: who began later is not in it."""
    order_id: UUID | None = None
    """What an operator ordered: of two runs with the same order, one at a time."""

    @property
    def said_cause(self) -> SaidCause:
        """The cause as events have it."""
        return SAID[self.cause]


@dataclass(frozen=True, slots=True)
class ChunkRange:
    """Portfolios from one id, inclusive, to another, exclusive; None: to the end. Where some are named, only those."""

    from_portfolio: UUID
    to_portfolio: UUID | None
    portfolios: int
    """How many were there when it was cut."""
    named: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class QueuedChunk:
    run: Run
    range: ChunkRange


@dataclass(frozen=True, slots=True)
class Completed:
    """What a run came to, once its last chunk has ended."""

    run: Run
    chunks: int
    chunks_failed: int
    portfolios: int
    portfolios_failed: int


SIZES = """
SELECT p.portfolio_id, (SELECT count(*) FROM portfolios.positions l
    WHERE l.portfolio_id = p.portfolio_id AND l.deleted_version IS NULL)
FROM portfolios.portfolios p
"""

SIZES_OF_ALL = text(SIZES + "WHERE p.deleted_at IS NULL AND p.first_session <= :session ORDER BY 1")

_HOLDERS = """
WHERE p.deleted_at IS NULL AND p.first_session <= :session AND p.portfolio_id IN (
    SELECT l.portfolio_id FROM portfolios.positions l
    JOIN symbols.revisions r ON r.symbol = l.symbol AND r.edition = :edition
    WHERE l.deleted_version IS NULL
    UNION
    SELECT l.portfolio_id FROM portfolios.positions l
    JOIN symbols.revisions r ON r.symbol = l.underlying_symbol AND r.edition = :edition
    WHERE l.deleted_version IS NULL
)
ORDER BY 1
"""

SIZES_OF_HOLDERS = text(SIZES + _HOLDERS)

SIZES_OF_SOME = text(SIZES + "WHERE p.portfolio_id = ANY(:portfolio_ids) ORDER BY 1")

ADD_RUN = text("""
INSERT INTO valuations.refresh_runs
    (run_id, cause, session, edition, since, until, order_id, chunks, remaining, portfolios, finished_at)
VALUES (:run_id, :cause, :session, :edition, :since, :until, :order_id, :chunks, :chunks, :portfolios,
    CASE WHEN :chunks = 0 THEN clock_timestamp() END)
ON CONFLICT DO NOTHING RETURNING run_id
""")

ADD_CHUNKS = text("""
INSERT INTO valuations.refresh_chunks (run_id, chunk, from_portfolio, to_portfolio, portfolios, named)
VALUES (:run_id, :chunk, :from_portfolio, :to_portfolio, :portfolios, :named)
""")

RUN_OF_ORDER = text("""
SELECT run_id FROM valuations.refresh_runs WHERE order_id = :order_id AND finished_at IS NULL
""")

CHUNK = text("""
SELECT r.run_id, r.cause, r.session, r.edition, r.since, r.until, r.order_id,
    c.from_portfolio, c.to_portfolio, c.portfolios, c.named, c.state
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
    AND (CAST(:named AS uuid[]) IS NULL OR p.portfolio_id = ANY(:named))
    AND CASE
        WHEN p.deleted_at IS NOT NULL THEN h.portfolio_id IS NOT NULL
        WHEN h.portfolio_id IS NULL THEN p.first_session <= e.session
        ELSE :whatever OR h.portfolio_version < p.version OR h.edition < e.edition OR h.unknown_symbols <> '{}'
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


async def sizes_of_all(connection: AsyncConnection, session: date) -> list[tuple[UUID, int]]:
    """Every portfolio that a night of `session` values, and its number of lots, by id ascending."""
    return id_and_lots(await connection.execute(SIZES_OF_ALL, {"session": session}))


async def sizes_of_holders(connection: AsyncConnection, session: date, edition: int) -> list[tuple[UUID, int]]:
    """The same for those who hold, or held, a symbol that the edition revised, or an option on it."""
    return id_and_lots(await connection.execute(SIZES_OF_HOLDERS, {"session": session, "edition": edition}))


async def sizes_of_some(connection: AsyncConnection, portfolio_ids: Sequence[UUID]) -> list[tuple[UUID, int]]:
    return id_and_lots(await connection.execute(SIZES_OF_SOME, {"portfolio_ids": list(portfolio_ids)}))


async def add_run(connection: AsyncConnection, run: Run, chunks: Sequence[ChunkRange]) -> bool:
    """Store a run and its chunks, numbered from 0.

    False, and nothing is stored, where the run is there already or another with the same order has not ended.
    """
    portfolios = sum(chunk.portfolios for chunk in chunks)
    added = await connection.execute(
        ADD_RUN,
        {
            "run_id": run.run_id,
            "cause": run.cause,
            "session": run.session,
            "edition": run.edition,
            "since": run.since,
            "until": run.until,
            "order_id": run.order_id,
            "chunks": len(chunks),
            "portfolios": portfolios,
        },
    )
    if added.first() is None:
        return False
    if chunks:
        rows = [
            {
                "run_id": run.run_id,
                "chunk": number,
                "from_portfolio": chunk.from_portfolio,
                "to_portfolio": chunk.to_portfolio,
                "portfolios": chunk.portfolios,
                "named": None if chunk.named is None else list(chunk.named),
            }
            for number, chunk in enumerate(chunks)
        ]
        await connection.execute(ADD_CHUNKS, rows)
    return True


async def run_of_order(connection: AsyncConnection, order_id: UUID) -> UUID | None:
    """The run that an order came to, while it has not ended."""
    run_id: UUID | None = (await connection.execute(RUN_OF_ORDER, {"order_id": order_id})).scalar()
    return run_id


async def find_chunk(connection: AsyncConnection, run_id: UUID, chunk: int) -> QueuedChunk | None:
    """The chunk while it is queued; None once it has ended. LookupError where there never was one."""
    row = (await connection.execute(CHUNK, {"run_id": run_id, "chunk": chunk})).first()
    if row is None:
        raise LookupError(
            f"no chunk {chunk} of run {run_id}: its rows are written with its event, was the table emptied?"
        )
    if row.state != "queued":
        return None
    run = Run(row.run_id, row.cause, row.session, row.edition, row.since, row.until, row.order_id)
    named = None if row.named is None else tuple(row.named)
    return QueuedChunk(run, ChunkRange(row.from_portfolio, row.to_portfolio, row.portfolios, named))


async def candidates(connection: AsyncConnection, chunk: QueuedChunk) -> list[UUID]:
    """The portfolios of the chunk that may have something to fold, by id ascending; of a backfill, all of them."""
    bounds = {
        "from_portfolio": chunk.range.from_portfolio,
        "to_portfolio": chunk.range.to_portfolio,
        "named": None if chunk.range.named is None else list(chunk.range.named),
        "whatever": chunk.run.since is not None,
    }
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
    await add_failures(connection, run_id, failures)
    await note_failing(connection, failures)
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


def id_and_lots(result: Any) -> list[tuple[UUID, int]]:
    return [(portfolio_id, lots) for portfolio_id, lots in result]
