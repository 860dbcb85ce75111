"""Fold to target: the one way a valuation is written, for a chunk of a night and for a single portfolio alike.

Read in one REPEATABLE READ transaction, compute off the event loop, write in one transaction where head and version
still are what was read. Who lost is read and folded again. Events may therefore come in any order, twice, or during
another fold.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from portfolio_refresh import metrics
from portfolio_refresh.group import Fault, Group, Outcome, value_group
from portfolio_refresh.reading import Read, read_groups
from portfolio_refresh.store.states import Edition, PortfolioState
from portfolio_refresh.store.valuations import PortfolioFold, forget_portfolios, write_folds
from riskstream.database.engine import driver
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioRefreshed
from riskstream.messaging import crash_points
from riskstream.messaging.errors import is_transient
from riskstream.messaging.outbox import Outbox
from riskstream.runtime import tracing

log = structlog.get_logger(__name__)

Cause: TypeAlias = Literal["night", "change", "symbol", "revision", "sweep"]
Heard: TypeAlias = Envelope[Event] | Mapping[UUID, Envelope[Event]] | None


@dataclass(frozen=True, slots=True)
class FoldLimits:
    """How much is folded at once, and how often a portfolio that lost is tried again."""

    portfolios: int = 500
    snapshots: int = 50_000
    rounds: int = 5
    pause_seconds: float = 0.05


@dataclass(slots=True)
class FoldResult:
    """What became of each portfolio asked for."""

    folded: list[UUID] = field(default_factory=list)
    unchanged: list[UUID] = field(default_factory=list)
    """Nothing to do, not there, or deleted (and then forgotten)."""
    failed: dict[UUID, tuple[PortfolioState, Edition, Fault]] = field(default_factory=dict)
    lost: list[UUID] = field(default_factory=list)
    """Somebody else was faster in every round: their folds and changes stand, and whoever lost looks again later."""


@dataclass(frozen=True, slots=True)
class _Telling:
    """What is written and said of a fold beside its figures."""

    cause: Cause
    run_id: UUID | None
    heard: Heard

    def causes(self, folds: Sequence[PortfolioFold]) -> Envelope[Event] | list[Envelope[Event]] | None:
        """One for all of the folds, or one for each."""
        if isinstance(self.heard, Mapping):
            return [self.heard[fold.state.portfolio_id] for fold in folds]
        return self.heard


class Folding:
    """Folds portfolios to the current edition's session."""

    def __init__(self, engine: AsyncEngine, outbox: Outbox, limits: FoldLimits | None = None) -> None:
        self._engine = engine
        self._outbox = outbox
        self._limits = limits or FoldLimits()

    async def fold(
        self,
        portfolio_ids: Iterable[UUID],
        cause: Cause,
        run_id: UUID | None = None,
        heard: Heard = None,
        *,
        since: date | None = None,
    ) -> FoldResult:
        """Bring the portfolios to the edition's session and their newest version; say `portfolio.refreshed` for each.

        `heard` is the event that made somebody look: what is said names it as its cause; nothing else depends on it.
        Where each portfolio has its own, they are by portfolio.
        What has to be folded is read from the data: a portfolio with nothing to do is left alone, unless `since` orders
        a fold from that session on. Raises what the database raises when it is away; all folds written until then
        stand.
        """
        result = FoldResult()
        pending = deque(sorted(set(portfolio_ids)))
        lost: Counter[UUID] = Counter()
        from_first: set[UUID] = set()
        while pending:
            batch = [pending.popleft() for _ in range(min(len(pending), self._limits.portfolios))]
            with _step("read", len(batch)):
                read = await self._read(batch, from_first, since)
            pending.extend(read.postponed)
            result.unchanged += read.unchanged + read.deleted
            if read.deleted:
                await self._forget(read.deleted)
            for group in read.groups:
                with _step("compute", len(group.states)):
                    outcome = await asyncio.to_thread(value_group, group)
                self._note_faults(outcome, group, result)
                from_first |= outcome.history_changed
                pending.extend(outcome.history_changed)
                with _step("write", len(outcome.folds)):
                    losers = await self._write(outcome.folds, _Telling(cause, run_id, heard), result)
                lost.update(losers)
                metrics.FOLDS_LOST.inc(len(losers))
                result.lost += [loser for loser in losers if lost[loser] >= self._limits.rounds]
                pending.extend(loser for loser in losers if lost[loser] < self._limits.rounds)
                if losers:
                    await asyncio.sleep(self._limits.pause_seconds)
        return result

    async def _read(self, portfolio_ids: Sequence[UUID], from_first: set[UUID], since: date | None) -> Read:
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        async with snapshot.begin() as connection:
            # The first statement through SQLAlchemy begins the transaction that the driver's then belong to.
            await connection.execute(text("SELECT 1"))
            raw, most = await driver(connection), self._limits.snapshots
            return await read_groups(raw, portfolio_ids, from_first, most, since=since)

    async def _forget(self, portfolio_ids: Sequence[UUID]) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await forget_portfolios(await driver(connection), portfolio_ids)

    def _note_faults(self, outcome: Outcome, group: Group, result: FoldResult) -> None:
        for portfolio_id in outcome.history_changed:
            metrics.HISTORY_CHANGED.inc()
            log.warning("history_changed_unannounced", portfolio=str(portfolio_id), edition=group.edition.number)
        by_id = {state.portfolio_id: state for state in group.states}
        for portfolio_id, fault in outcome.faults.items():
            log.error("portfolio_not_valued", portfolio=str(portfolio_id), reason=fault.reason, detail=fault.detail)
            metrics.PORTFOLIOS_NOT_VALUED.labels(fault.reason).inc()
            result.failed[portfolio_id] = by_id[portfolio_id], group.edition, fault

    async def _write(self, folds: Sequence[PortfolioFold], telling: _Telling, result: FoldResult) -> list[UUID]:
        """Write the folds, halving where the database refuses them, until the bad one is alone; returns who lost."""
        if not folds:
            return []
        crash_points.reached("fold.before_write")
        try:
            won = await self._write_at_once(folds, telling)
        except Exception as error:
            if is_transient(error):
                raise
            if len(folds) == 1:
                fold = folds[0]
                log.exception("fold_refused_by_the_database", portfolio=str(fold.state.portfolio_id))
                metrics.PORTFOLIOS_NOT_VALUED.labels("write_refused").inc()
                fault = Fault("write_refused", f"the database refused the rows: {error}")
                result.failed[fold.state.portfolio_id] = fold.state, fold.edition, fault
                return []
            half = len(folds) // 2
            losers = await self._write(folds[:half], telling, result)
            return losers + await self._write(folds[half:], telling, result)
        crash_points.reached("fold.after_write")
        metrics.PORTFOLIOS_FOLDED.labels(telling.cause).inc(len(won))
        result.folded += [fold.state.portfolio_id for fold in won]
        written = {fold.state.portfolio_id for fold in won}
        return [fold.state.portfolio_id for fold in folds if fold.state.portfolio_id not in written]

    async def _write_at_once(self, folds: Sequence[PortfolioFold], telling: _Telling) -> list[PortfolioFold]:
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
            won = await write_folds(await driver(connection), folds, telling.run_id)
            # The compare-and-set lets each valuation be said once; a chunk that is delivered twice may rightly say a
            # second, newer one.
            events = [_refreshed(fold, telling.cause) for fold in won]
            await self._outbox.publish(connection, events, cause=telling.causes(won), new_facts=True)
        return won


@contextmanager
def _step(name: str, portfolios: int) -> Iterator[None]:
    """Around one step of a batch: how long it takes, as a metric and as a span."""
    told = {"riskstream.portfolios": portfolios}
    with metrics.FOLD_SECONDS.labels(name).time(), tracing.span(f"fold {name}", attributes=told):
        yield


def _refreshed(fold: PortfolioFold, cause: Cause) -> PortfolioRefreshed:
    return PortfolioRefreshed(
        portfolio=fold.state.portfolio_id,
        owner=fold.state.owner_id,
        valuation=fold.valuation,
        portfolio_version=fold.state.version,
        edition=fold.edition.number,
        from_session=fold.from_session,
        to_session=fold.edition.session,
        cause=cause,
    )
