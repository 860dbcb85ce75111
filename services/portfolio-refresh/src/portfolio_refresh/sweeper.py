"""Events make it fast, the sweeper makes it sure: whoever has been behind for long is planned for."""

import time
from collections.abc import Callable
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from portfolio_refresh import metrics
from portfolio_refresh.planner import Planner
from portfolio_refresh.store.behind import (
    is_only_sweeper,
    portfolios_behind,
    sweep_is_under_way,
    take_overdue_chunks,
)
from portfolio_refresh.store.failures import count_failing, forget_mended
from portfolio_refresh.store.orders import published_edition
from portfolio_refresh.store.runs import Run, sizes_of_some
from riskstream.events.portfolio import PortfolioRefreshRequested
from riskstream.messaging.outbox import Outbox

log = structlog.get_logger(__name__)


class Sweeper:
    """One replica's sweeps; of several at the same time one works and the others pass.

    How long a portfolio has been behind is counted by this replica, on the monotonic clock: the times in the tables
    are those of other processes.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        planner: Planner,
        outbox: Outbox,
        *,
        grace_seconds: float,
        overdue_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`grace_seconds`: how long events have to do it; `overdue_seconds`: how long a chunk's event has."""
        self._engine = engine
        self._planner = planner
        self._outbox = outbox
        self._grace = grace_seconds
        self._overdue = overdue_seconds
        self._monotonic = monotonic
        self._behind_since: dict[UUID, float] = {}

    async def sweep(self) -> int:
        """Plan for those behind for longer than the grace and say overdue chunks again; how many were planned for."""
        async with self._engine.begin() as connection:
            if not await is_only_sweeper(connection):
                return 0
            await self._say_overdue_chunks_again(connection)
            await forget_mended(connection)
            metrics.PORTFOLIOS_FAILING.set(await count_failing(connection))
            late = self._late(await portfolios_behind(connection))
            if not late or await sweep_is_under_way(connection, self._overdue):
                return 0
            edition = await published_edition(connection)
            assert edition is not None, "nobody is behind before the first edition"
            run = Run(uuid4(), "sweep", edition.session, edition.number)
            await self._planner.plan(connection, run, await sizes_of_some(connection, late), named=True)
        log.warning("portfolios_were_left_behind", portfolios=len(late), run=str(run.run_id))
        for portfolio_id in late:
            self._behind_since[portfolio_id] = self._monotonic()
        return len(late)

    def _late(self, behind: list[UUID]) -> list[UUID]:
        metrics.PORTFOLIOS_BEHIND.set(len(behind))
        now = self._monotonic()
        self._behind_since = {portfolio_id: self._behind_since.get(portfolio_id, now) for portfolio_id in behind}
        return [portfolio_id for portfolio_id in behind if now - self._behind_since[portfolio_id] >= self._grace]

    async def _say_overdue_chunks_again(self, connection: AsyncConnection) -> None:
        chunks = await take_overdue_chunks(connection, self._overdue)
        if not chunks:
            return
        log.warning("chunks_overdue", chunks=len(chunks))
        # New ids: the old event may have been dealt with in vain, and the inbox would pass over it.
        events = [PortfolioRefreshRequested(run=chunk.run_id, chunk=chunk.chunk) for chunk in chunks]
        await self._outbox.publish(connection, events)
