"""Fan-in: fold a chunk's portfolios, end the chunk, and complete the run with the last one."""

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from portfolio_refresh.folding import Folding, FoldResult
from portfolio_refresh.planner import completion
from portfolio_refresh.store.runs import Failure, QueuedChunk, candidates, end_chunk, find_chunk
from riskstream.events.envelope import Envelope
from riskstream.events.portfolio import PortfolioRefreshRequested
from riskstream.messaging import crash_points
from riskstream.messaging.errors import DomainError, TransientError, is_transient
from riskstream.messaging.outbox import Outbox

log = structlog.get_logger(__name__)


class ChunkWorker:
    """Works chunks. Any number of replicas may: folds are compare-and-set, ending a chunk is a conditional update."""

    def __init__(self, engine: AsyncEngine, folding: Folding, outbox: Outbox, name: str) -> None:
        self._engine = engine
        self._folding = folding
        self._outbox = outbox
        self._name = name

    async def refresh_requested(self, envelope: Envelope[PortfolioRefreshRequested]) -> None:
        """Fold and end the chunk; one that has ended before is left alone.

        What passes by itself is raised, and the chunk comes again: what is folded stays folded. Anything else ends
        it as failed with its reason, so that a run always ends.
        """
        event = envelope.event
        async with self._engine.connect() as connection:
            try:
                chunk = await find_chunk(connection, event.run, event.chunk)
            except LookupError as error:
                raise DomainError(str(error)) from error
        if chunk is None:
            return
        try:
            result = await self._work(chunk, envelope)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("chunk_failed", run=str(event.run), chunk=event.chunk)
            await self._end(envelope, reason=repr(error))
        else:
            await self._end(envelope, failures=_failures(result))

    async def _work(self, chunk: QueuedChunk, heard: Envelope[PortfolioRefreshRequested]) -> FoldResult:
        async with self._engine.connect() as connection:
            portfolio_ids = await candidates(connection, chunk.range)
        result = await self._folding.fold(portfolio_ids, chunk.run.cause, chunk.run.run_id, heard)
        if result.lost:
            raise TransientError(f"{len(result.lost)} portfolios changed faster than they could be folded")
        return result

    async def _end(
        self,
        envelope: Envelope[PortfolioRefreshRequested],
        *,
        failures: list[Failure] | None = None,
        reason: str | None = None,
    ) -> None:
        event = envelope.event
        async with self._engine.begin() as connection:
            completed = await end_chunk(
                connection, event.run, event.chunk, worker=self._name, failures=failures or [], reason=reason
            )
            if completed is not None:
                await self._outbox.publish(connection, [completion(completed)], cause=envelope)
            crash_points.reached("chunk.before_end_commit")
        crash_points.reached("chunk.after_end_commit")
        if completed is not None:
            log.info("run_completed", run=str(event.run), portfolios_failed=completed.portfolios_failed)


def _failures(result: FoldResult) -> list[Failure]:
    return [
        Failure(portfolio_id, state.owner_id, state.version, edition.number, fault.reason, fault.detail)
        for portfolio_id, (state, edition, fault) in result.failed.items()
    ]
