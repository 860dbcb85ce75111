"""Runs that an operator orders: a refresh now, those left out again, a past folded anew. Worked like any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from portfolio_refresh.planner import NAMESPACE, ChunkLimits, Planner
from portfolio_refresh.store.failures import failing_now
from portfolio_refresh.store.orders import left_out_by, live_among, published_edition, sessions_between, sizes_ordered
from portfolio_refresh.store.reports import run_of
from portfolio_refresh.store.runs import Run, RunCause, run_of_order, sizes_of_some
from portfolio_refresh.store.states import Edition


class OrderRefused(Exception):
    """Nothing was planned; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The portfolios that an order is for: everybody's, an owner's, or those named."""

    portfolio_ids: tuple[UUID, ...] | None = None
    owner: str | None = None

    def __str__(self) -> str:
        """The same for the same portfolios, in whatever order they were named."""
        if self.portfolio_ids is not None:
            return ",".join(sorted(map(str, set(self.portfolio_ids))))
        return "everybody" if self.owner is None else f"owner {self.owner}"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an order came to."""

    run_id: UUID
    is_new: bool
    """False: the same was ordered before and is still being worked on; that run is this one."""


class Orders:
    """Plans what operators order. The run's events are said by a running service, whose workers share the chunks."""

    def __init__(self, engine: AsyncEngine, planner: Planner, limits: ChunkLimits, *, fold_snapshots: int) -> None:
        """`fold_snapshots`: how many a worker writes in one transaction; a backfill's chunk has no more."""
        self._engine = engine
        self._planner = planner
        self._limits = limits
        self._fold_snapshots = fold_snapshots

    async def start(self, whose: Whose, session: date | None = None) -> Ordered:
        """Fold whoever is behind, to the published session; `session`, where given, must be that one.

        Portfolios up to date are not touched.
        """
        async with self._engine.connect() as connection:
            edition = await _edition(connection)
            if session not in {None, edition.session}:
                raise OrderRefused(
                    f"session {session} is not the published one, {edition.session}: portfolios are valued to that; "
                    "`riskstream runs start` publishes what is due, `riskstream refresh backfill` folds a past anew"
                )
            sizes = await _sizes(connection, edition.session, whose)
        order = f"start {edition.number} {whose}"
        run = Run(uuid4(), "operator", edition.session, edition.number, order_id=uuid5(NAMESPACE, order))
        return await self._plan(run, sizes, self._limits, named=whose != Whose())

    async def backfill(self, whose: Whose, since: date, until: date | None = None) -> Ordered:
        """Fold everybody who has snapshots between `since` and `until` again, from `since` through the present.

        Through the present, because every session stands on the one before. What comes out the same is not written;
        what differs is a revision. Its chunks are what a worker writes at once: a kill repeats no more than one.
        """
        async with self._engine.connect() as connection:
            edition = await _edition(connection)
            until = until or edition.session
            if until > edition.session:
                raise OrderRefused(f"session {until} is not published yet: the last that is, is {edition.session}")
            sizes = await _sizes(connection, until, whose)
            limits = await self._backfill_limits(connection, since, edition)
        order = f"backfill {edition.number} {since} {until} {whose}"
        run = Run(uuid4(), "backfill", edition.session, edition.number, since, until, order_id=uuid5(NAMESPACE, order))
        return await self._plan(run, sizes, limits, named=True)

    async def retry(self, run_id: UUID | None = None) -> Ordered:
        """Try those again whom a run left out, in the way that it did; without a run, all who are failing now."""
        async with self._engine.connect() as connection:
            edition = await _edition(connection)
            left_out = await _failing(connection) if run_id is None else await _left_out(connection, run_id)
            alive = await live_among(connection, left_out.portfolio_ids)
            if not alive:
                raise OrderRefused("whoever was left out has been deleted since: there is nobody to try again")
            sizes = await sizes_of_some(connection, sorted(alive))
            since, limits = left_out.since, self._limits
            if since is not None:
                limits = await self._backfill_limits(connection, since, edition)
        order = uuid5(NAMESPACE, f"retry {edition.number} {since} {Whose(tuple(alive))}")
        cause: RunCause = "operator" if since is None else "backfill"
        run = Run(uuid4(), cause, edition.session, edition.number, since, left_out.until, order)
        return await self._plan(run, sizes, limits, named=True)

    async def _backfill_limits(self, connection: AsyncConnection, since: date, edition: Edition) -> ChunkLimits:
        sessions = await sessions_between(connection, since, edition.session)
        if not sessions:
            raise OrderRefused(f"no session lies between {since} and {edition.session}, the last published")
        portfolios = max(1, min(self._limits.portfolios, self._fold_snapshots // sessions))
        return ChunkLimits(portfolios, self._limits.positions)

    async def _plan(self, run: Run, sizes: Sequence[tuple[UUID, int]], limits: ChunkLimits, *, named: bool) -> Ordered:
        assert run.order_id is not None
        while True:
            async with self._engine.begin() as connection:
                if await self._planner.plan(connection, run, sizes, named=named, limits=limits):
                    return Ordered(run.run_id, is_new=True)
                other = await run_of_order(connection, run.order_id)
            if other is not None:
                return Ordered(other, is_new=False)
            # It ended between the two statements: ours is the next.


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """Whom to try again, and as part of which backfill, if of one."""

    portfolio_ids: Sequence[UUID]
    since: date | None = None
    until: date | None = None


async def _failing(connection: AsyncConnection) -> _LeftOut:
    failing = [one.portfolio_id for one in await failing_now(connection)]
    if not failing:
        raise OrderRefused("no portfolio is failing now: there is nothing to try again")
    return _LeftOut(failing)


async def _left_out(connection: AsyncConnection, run_id: UUID) -> _LeftOut:
    run = await run_of(connection, run_id)
    if run is None:
        raise OrderRefused(f"no run {run_id}; `riskstream refresh list` has those there are")
    left_out = await left_out_by(connection, run_id)
    if not left_out:
        raise OrderRefused(f"run {run_id} has left nobody out so far: there is nothing to try again")
    return _LeftOut(left_out, run["since"], run["until"])


async def _edition(connection: AsyncConnection) -> Edition:
    edition = await published_edition(connection)
    if edition is None:
        raise OrderRefused(
            "no session is published yet, so no portfolio can be valued: `riskstream runs start` runs the night"
        )
    return edition


async def _sizes(connection: AsyncConnection, session: date, whose: Whose) -> list[tuple[UUID, int]]:
    if whose.portfolio_ids is not None:
        missing = set(whose.portfolio_ids) - await live_among(connection, whose.portfolio_ids)
        if missing:
            raise OrderRefused(
                f"no such portfolio, or deleted: {', '.join(sorted(map(str, missing)))}; nothing was planned"
            )
    sizes = await sizes_ordered(connection, session, portfolio_ids=whose.portfolio_ids, owner=whose.owner)
    if not sizes:
        raise OrderRefused(f"nothing to fold: of {whose} no portfolio begins by {session}; is the owner's name right?")
    return sizes
