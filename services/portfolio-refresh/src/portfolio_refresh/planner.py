"""Fan-out: a run, its chunks and one event a chunk, in one transaction; and the single folds that need no run."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from portfolio_refresh.folding import Cause, Folding, FoldResult, Heard
from portfolio_refresh.store.behind import holders_waiting_for
from portfolio_refresh.store.failures import Failure, note_failing
from portfolio_refresh.store.runs import ChunkRange, Completed, Run, add_run, sizes_of_all, sizes_of_holders
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioChanged, PortfolioRefreshCompleted, PortfolioRefreshRequested
from riskstream.events.symbol import SymbolBatchCompleted, SymbolFactorsUpdated, SymbolReady
from riskstream.messaging.errors import TransientError
from riskstream.messaging.outbox import Outbox

log = structlog.get_logger(__name__)

NAMESPACE = UUID("6e0a4f0e-6d55-5f0c-8a39-27a3c15de0b4")
"""Of run ids, so that a run planned twice is one run."""

LOWEST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """A chunk is full with either."""

    portfolios: int = 500
    positions: int = 10_000


def cut_chunks(sizes: Sequence[tuple[UUID, int]], limits: ChunkLimits, *, named: bool = False) -> list[ChunkRange]:
    """Cut portfolios, given with their lots by id ascending, into key ranges that leave no gap.

    The first range begins at the lowest id and the last is open-ended: a portfolio added meanwhile is in one of them,
    unless the chunks are to be `named`, each with exactly its own. A portfolio larger than a chunk has one of its own.
    No portfolios: no chunks.
    """
    starts: list[UUID] = []
    counts: list[int] = []
    positions = 0
    for portfolio_id, lots in sizes:
        full = not starts or counts[-1] >= limits.portfolios or positions + lots > limits.positions
        if full:
            starts.append(portfolio_id if starts else LOWEST)
            counts.append(0)
            positions = 0
        counts[-1] += 1
        positions += lots
    ends: list[UUID | None] = [*starts[1:], None]
    ids = iter([portfolio_id for portfolio_id, _ in sizes])
    return [
        ChunkRange(start, end, count, tuple(islice(ids, count)) if named else None)
        for start, end, count in zip(starts, ends, counts, strict=bool(starts))
    ]


def completion(completed: Completed) -> PortfolioRefreshCompleted:
    """The event that says that every chunk of a run has ended."""
    return PortfolioRefreshCompleted(
        run=completed.run.run_id,
        cause=completed.run.said_cause,
        session=completed.run.session,
        edition=completed.run.edition,
        chunks=completed.chunks,
        chunks_failed=completed.chunks_failed,
        portfolios=completed.portfolios,
        portfolios_failed=completed.portfolios_failed,
    )


def failures_of_fold(result: FoldResult) -> list[Failure]:
    """Whom a fold left out, as they are recorded."""
    return [
        Failure(portfolio_id, state.owner_id, state.version, edition.number, fault.reason, fault.detail)
        for portfolio_id, (state, edition, fault) in result.failed.items()
    ]


class Planner:
    """Plans runs inside the caller's transaction."""

    def __init__(self, outbox: Outbox, limits: ChunkLimits | None = None) -> None:
        self._outbox = outbox
        self._limits = limits or ChunkLimits()

    async def batch_completed(self, connection: AsyncConnection, envelope: Envelope[SymbolBatchCompleted]) -> None:
        """The symbols of a session are done: every portfolio is to be folded to it."""
        event = envelope.event
        run = Run(uuid5(NAMESPACE, str(envelope.id)), "night", event.session, event.edition)
        await self.plan(connection, run, await sizes_of_all(connection, event.session), cause=envelope)

    async def factors_updated(
        self, connection: AsyncConnection, envelopes: Sequence[Envelope[SymbolFactorsUpdated]]
    ) -> None:
        """Revisions: their holders are to be folded again. The night's own updates are the night's run.

        One run an edition: the first of its symbols plans it for the holders of all of them.
        """
        planned: set[int] = set()
        for envelope in envelopes:
            event = envelope.event
            if event.reason != "revision" or event.edition in planned:
                continue
            planned.add(event.edition)
            run = Run(uuid5(NAMESPACE, f"revision {event.edition}"), "revision", event.session, event.edition)
            holders = await sizes_of_holders(connection, event.session, event.edition)
            await self.plan(connection, run, holders, named=True, cause=envelope)

    async def plan(
        self,
        connection: AsyncConnection,
        run: Run,
        sizes: Sequence[tuple[UUID, int]],
        *,
        named: bool = False,
        limits: ChunkLimits | None = None,
        cause: Envelope[SymbolBatchCompleted] | Envelope[SymbolFactorsUpdated] | None = None,
    ) -> bool:
        """Store the run with its chunks and say each; without portfolios it is completed here.

        `named`: exactly these portfolios, not whoever is found between them. False where the run, or one with the same
        order, is there already: it is left alone.
        """
        chunks = await asyncio.to_thread(cut_chunks, sizes, limits or self._limits, named=named)
        if not await add_run(connection, run, chunks):
            return False
        events = [PortfolioRefreshRequested(run=run.run_id, chunk=number) for number in range(len(chunks))]
        root = None if cause is not None else f"{run.run_id}:{run.edition}"
        await self._outbox.publish(connection, events, cause=cause, root=root)
        if not chunks:
            nothing = Completed(run, chunks=0, chunks_failed=0, portfolios=0, portfolios_failed=0)
            await self._outbox.publish(connection, [completion(nothing)], cause=cause, root=root)
        log.info("run_planned", run=str(run.run_id), cause=run.cause, chunks=len(chunks), portfolios=len(sizes))
        return True


class SingleFolds:
    """Folds that one portfolio, or the holders of one new symbol, wait for. Idempotent: the data says what to do.

    Who cannot be valued is remembered as failing, for the sweeper to come back to. That is no fault of the event:
    were it a dead letter, one owner's twenty edits of such a portfolio would stop a partition for everybody.
    """

    def __init__(self, engine: AsyncEngine, folding: Folding) -> None:
        self._engine = engine
        self._folding = folding

    async def portfolios_changed(self, envelopes: Sequence[Envelope[PortfolioChanged]]) -> None:
        """Fold the portfolios, and forget those that were deleted. Before the first edition there is nothing to do.

        Of several changes of a portfolio the newest is the one that what is said follows from: one fold counts all.
        """
        heard: dict[UUID, Envelope[Event]] = {envelope.event.portfolio: envelope for envelope in envelopes}
        await self._fold(list(heard), "change", heard)

    async def symbol_ready(self, envelope: Envelope[SymbolReady]) -> None:
        """Fold the portfolios that were valued without the symbol."""
        async with self._engine.connect() as connection:
            holders = await holders_waiting_for(connection, envelope.event.symbol)
        await self._fold(holders, "symbol", envelope)

    async def _fold(self, portfolio_ids: Sequence[UUID], cause: Cause, heard: Heard) -> None:
        result = await self._folding.fold(portfolio_ids, cause, heard=heard)
        if result.lost:
            raise TransientError(f"{len(result.lost)} portfolios changed faster than they could be folded")
        if result.failed:
            async with self._engine.begin() as connection:
                await note_failing(connection, failures_of_fold(result))
