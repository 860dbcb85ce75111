"""Fan-in: fold a chunk's portfolios, end the chunk, and complete the run with the last one."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from portfolio_refresh.folding import Folding
from portfolio_refresh.planner import completion, failures_of_fold
from portfolio_refresh.store.failures import Failure, broken_folds
from portfolio_refresh.store.runs import QueuedChunk, Run, candidates, end_chunk, find_chunk
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
            failures = await self._work(chunk, envelope)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("chunk_failed", run=str(event.run), chunk=event.chunk)
            await self._end(envelope, reason=repr(error))
        else:
            await self._end(envelope, failures=failures)

    async def _work(self, chunk: QueuedChunk, heard: Envelope[PortfolioRefreshRequested]) -> list[Failure]:
        async with self._engine.connect() as connection:
            portfolio_ids = await candidates(connection, chunk)
        if not portfolio_ids:
            return []
        errors: dict[UUID, Exception] = {}
        failures = await self._fold(portfolio_ids, chunk.run, heard, errors)
        if errors and len(errors) == len(portfolio_ids) > 1:
            # Not theirs: something that all of them need is broken.
            raise next(iter(errors.values()))
        if errors:
            async with self._engine.connect() as connection:
                failures += await broken_folds(connection, errors)
        return failures

    async def _fold(
        self,
        portfolio_ids: Sequence[UUID],
        run: Run,
        heard: Envelope[PortfolioRefreshRequested],
        errors: dict[UUID, Exception],
    ) -> list[Failure]:
        """Fold the portfolios; where that breaks, halve them until the one it breaks on is alone in `errors`."""
        try:
            result = await self._folding.fold(portfolio_ids, run.said_cause, run.run_id, heard, since=run.since)
        except Exception as error:
            if is_transient(error):
                raise
            if len(portfolio_ids) == 1:
                log.exception("fold_broke", portfolio=str(portfolio_ids[0]), run=str(run.run_id))
                errors[portfolio_ids[0]] = error
                return []
            half = len(portfolio_ids) // 2
            failures = await self._fold(portfolio_ids[:half], run, heard, errors)
            return failures + await self._fold(portfolio_ids[half:], run, heard, errors)
        if result.lost:
            raise TransientError(f"{len(result.lost)} portfolios changed faster than they could be folded")
        return failures_of_fold(result)

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
