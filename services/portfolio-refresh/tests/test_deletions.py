"""A portfolio that is deleted while a single fold of it runs: nothing of it is left, and no event of it is poison."""

import asyncio
from uuid import UUID

import pytest

from portfolio_refresh import folding as folding_module
from portfolio_refresh.folding import Folding
from portfolio_refresh.planner import Planner, SingleFolds
from portfolio_refresh.sweeper import Sweeper
from portfolio_refresh.worker import ChunkWorker
from riskstream.events.portfolio import PortfolioChanged, PortfolioRefreshRequested
from riskstream.messaging.breaker import Breaker, DeadLetterLimit
from riskstream.messaging.dead_letters import DeadLetters
from riskstream.messaging.delivery import Delivery
from riskstream.messaging.inbox import Inbox
from riskstream.messaging.settlement import Outside, TogetherOutside
from riskstream.runtime.clock import Clock

GROUP = "portfolio-refresh.changes"


class Changes:
    """A portfolio whose changes are heard as a replica hears them, and settled: handled, or dead."""

    def __init__(self, world, engine, outbox, days, envelope):
        self.world, self.engine, self.outbox, self.envelope = world, engine, outbox, envelope
        self.first_session = days[0]

    async def hold(self, *, valued):
        """A portfolio at version 1; where it is `valued`, at version 2, with the valuation of the first."""
        self.portfolio, self.version = await self.world.portfolio(self.first_session, ("KO", 1, 50)), 1
        if valued:
            await self.hear(SingleFolds(self.engine, Folding(self.engine, self.outbox)))
            self.version = await self.world.change(self.portfolio, self.first_session)

    async def delete(self):
        self.version = await self.world.change(self.portfolio, self.first_session, deleted=True)

    async def hear(self, singles, *, deleted=False):
        """Settle the event of the present version, twice: it may be delivered again."""
        event = PortfolioChanged(
            portfolio=self.portfolio,
            owner="alice",
            version=self.version,
            first_affected_session=self.first_session,
            deleted=deleted,
        )
        heard = self.envelope(event, self.version)
        handlers = {PortfolioChanged: TogetherOutside(singles.portfolios_changed)}
        settlement = Outside(
            self.engine,
            GROUP,
            handlers,
            inbox=Inbox("valuations", GROUP),
            dead_letters=DeadLetters(GROUP, self.outbox, Clock()),
            timeout=30,
        )
        delivery = Delivery(event.topic, 0, self.version, event.key.encode(), b"", [], heard.id, heard, None)
        settled = await settlement.settle([delivery, delivery], Breaker(DeadLetterLimit()))
        assert settled.records == 2

    async def assert_nothing_is_dead(self):
        assert await self.world.said("dead.letter") == []
        assert await self.world.sql.fetch("SELECT * FROM valuations.failing_portfolios") == []

    async def assert_nothing_is_left(self):
        assert not any((await self.world.everything()).values())

    async def valuations_said(self):
        return [said["portfolio_version"] for said in await self.world.said("portfolio.refreshed")]


@pytest.fixture
async def changes(world, engine, outbox, days, envelope):
    await world.night(days[0], KO=60)
    return Changes(world, engine, outbox, days, envelope)


@pytest.fixture
def singles(engine, folding):
    return SingleFolds(engine, folding)


@pytest.mark.parametrize("valued", [False, True], ids=["first fold", "later fold"])
async def test_who_is_deleted_between_reading_and_writing_is_not_written(
    changes, folding, singles, monkeypatch, valued
):
    await changes.hold(valued=valued)
    said, true_write, writes = await changes.valuations_said(), folding._write_at_once, []

    async def write(*arguments):
        await changes.delete()
        won = await true_write(*arguments)
        writes.append(won)
        return won

    monkeypatch.setattr(folding, "_write_at_once", write)
    await changes.hear(singles)
    assert writes == [[]], "it is written to no more, and read again only to be forgotten"
    await changes.assert_nothing_is_left()
    assert await changes.valuations_said() == said
    await changes.hear(singles, deleted=True)
    await changes.assert_nothing_is_left()
    await changes.assert_nothing_is_dead()


@pytest.mark.parametrize("valued", [False, True], ids=["first fold", "later fold"])
async def test_who_is_deleted_while_it_is_written_is_forgotten_by_the_deletions_own_event(
    changes, singles, monkeypatch, valued
):
    await changes.hold(valued=valued)
    true_write = folding_module.write_folds

    async def write(*arguments):
        won = await true_write(*arguments)
        await changes.delete()
        return won

    monkeypatch.setattr(folding_module, "write_folds", write)
    await changes.hear(singles)
    await changes.hear(singles, deleted=True)
    await changes.assert_nothing_is_left()
    await changes.assert_nothing_is_dead()


@pytest.mark.parametrize("valued", [False, True], ids=["first fold", "later fold"])
async def test_what_is_written_after_another_replica_has_heard_of_the_deletion_is_swept_away(
    changes, world, engine, outbox, folding, singles, monkeypatch, envelope, valued
):
    await changes.hold(valued=valued)
    true_write, other = folding_module.write_folds, SingleFolds(engine, Folding(engine, outbox))
    hearing = []

    async def write(*arguments):
        won = await true_write(*arguments)
        if not hearing:
            await changes.delete()
            hearing.append(asyncio.create_task(changes.hear(other, deleted=True)))
            # It sees nothing of a first fold to forget; of a later one it waits for the head, and forgets that too.
            await asyncio.wait(hearing, timeout=0.3)
        return won

    monkeypatch.setattr(folding_module, "write_folds", write)
    await changes.hear(singles)
    await asyncio.wait_for(hearing[0], 20)
    if not valued:
        await _sweep(world, engine, folding, outbox, envelope)
    await changes.assert_nothing_is_left()
    await changes.assert_nothing_is_dead()


async def _sweep(world, engine, folding, outbox, envelope):
    now = [0.0]
    sweeper = Sweeper(engine, Planner(outbox), outbox, grace_seconds=60, overdue_seconds=300, monotonic=lambda: now[0])
    await sweeper.sweep()
    now[0] = 60.0
    assert await sweeper.sweep() == 1
    for said in await world.said("portfolio.refresh.requested"):
        event = PortfolioRefreshRequested(run=UUID(said["run"]), chunk=said["chunk"])
        await ChunkWorker(engine, folding, outbox, "test").refresh_requested(envelope(event))
