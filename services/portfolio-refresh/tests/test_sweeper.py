"""The sweeper: whatever became of the events, portfolios come to be valued and runs come to an end."""

from uuid import UUID

import pytest
from sqlalchemy import text

from portfolio_refresh import metrics
from portfolio_refresh.planner import Planner, SingleFolds
from portfolio_refresh.store.behind import ONE_SWEEPER
from portfolio_refresh.store.failures import Failure, note_failing
from portfolio_refresh.sweeper import Sweeper
from portfolio_refresh.worker import ChunkWorker
from riskstream.events.portfolio import PortfolioChanged, PortfolioRefreshRequested


class Time:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def sweeper(engine, outbox, clock):
    return Sweeper(engine, Planner(outbox), outbox, grace_seconds=60, overdue_seconds=300, monotonic=clock)


async def work_all(world, engine, folding, outbox, envelope):
    for said in await world.said("portfolio.refresh.requested"):
        event = PortfolioRefreshRequested(run=UUID(said["run"]), chunk=said["chunk"])
        await ChunkWorker(engine, folding, outbox, "test").refresh_requested(envelope(event))


async def test_a_portfolio_behind_for_longer_than_the_grace_is_planned_for_and_valued(
    world, engine, folding, outbox, sweeper, clock, days, envelope
):
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    assert await sweeper.sweep() == 0
    clock.now = 59
    assert await sweeper.sweep() == 0
    clock.now = 60
    assert await sweeper.sweep() == 1
    assert await world.sql.fetchval("SELECT cause FROM valuations.refresh_runs") == "sweep"
    await work_all(world, engine, folding, outbox, envelope)
    assert await world.navs(portfolio) == {days[0]: 60}
    clock.now = 500
    assert await sweeper.sweep() == 0


async def test_every_way_of_being_behind_is_seen(world, folding, sweeper, clock, days):
    await world.night(days[0], KO=60, F=10)
    fine = await world.portfolio(days[0], ("F", 1, 9))
    changed, deleted = [await world.portfolio(days[0], ("F", 1, 50)) for _ in range(2)]
    revised = await world.portfolio(days[0], ("KO", 1, 50))
    waiting = await world.portfolio(days[0], ("NEW", 1, 50))
    still_waiting = await world.portfolio(days[0], ("NOWHERE", 1, 50))
    await world.portfolio(days[4], ("F", 1, 50))
    await folding.fold([fine, changed, deleted, revised, waiting, still_waiting], "night")
    clock.now = 1
    assert await sweeper.sweep() == 0
    await world.change(changed, days[0])
    await world.change(deleted, days[0], deleted=True)
    await world.revise("KO", days[0], ["KO", "F"])
    await world.know("NEW", days[0])
    await sweeper.sweep()
    assert set(sweeper._behind_since) == {changed, deleted, revised, waiting}


async def test_nothing_is_behind_before_the_first_edition(world, sweeper, clock, days):
    await world.portfolio(days[0], ("KO", 1, 50))
    await sweeper.sweep()
    clock.now = 100
    assert await sweeper.sweep() == 0


async def failed_once(world, engine, folding, outbox, envelope, sweeper, clock, days):
    """A portfolio that a sweep planned for and could not value."""
    bad = await world.portfolio(days[0], ("KO", 1e16, 50))
    await world.night(days[0], KO=60)
    await sweeper.sweep()
    clock.now = 60
    assert await sweeper.sweep() == 1
    await work_all(world, engine, folding, outbox, envelope)
    return bad


async def pauses(world):
    """By portfolio: attempts, and hours until the next."""
    rows = await world.sql.fetch(
        "SELECT portfolio_id, attempts, extract(epoch FROM next_attempt_at - last_attempt_at)::int / 3600 AS hours "
        "FROM valuations.failing_now"
    )
    return {row["portfolio_id"]: (row["attempts"], row["hours"]) for row in rows}


async def test_a_portfolio_that_could_not_be_valued_waits_its_pause_or_for_something_new(
    world, engine, folding, outbox, sweeper, clock, days, envelope
):
    bad = await failed_once(world, engine, folding, outbox, envelope, sweeper, clock, days)
    assert await pauses(world) == {bad: (1, 1)}
    clock.now = 600
    assert await sweeper.sweep() == 0
    assert metrics.PORTFOLIOS_FAILING._value.get() == 1
    await world.change(bad, days[0])
    assert await sweeper.sweep() == 0
    clock.now = 660
    assert await sweeper.sweep() == 1


async def test_a_failing_portfolio_is_tried_again_at_ever_longer_pauses(
    world, engine, folding, outbox, sweeper, clock, days, envelope
):
    bad = await failed_once(world, engine, folding, outbox, envelope, sweeper, clock, days)
    for attempts, hours in ((2, 2), (3, 4), (4, 8), (5, 16), (6, 24), (7, 24)):
        await world.sql.execute("UPDATE valuations.failing_portfolios SET next_attempt_at = now()")
        await sweeper.sweep()
        clock.now += 60
        assert await sweeper.sweep() == 1
        await work_all(world, engine, folding, outbox, envelope)
        assert await pauses(world) == {bad: (attempts, hours)}
    await world.night(days[1], KO=61)
    await sweeper.sweep()
    clock.now += 60
    assert await sweeper.sweep() == 1
    await work_all(world, engine, folding, outbox, envelope)
    assert await pauses(world) == {bad: (1, 1)}


async def test_a_mended_portfolio_is_failing_no_longer(world, engine, folding, outbox, sweeper, clock, days, envelope):
    mended = await failed_once(world, engine, folding, outbox, envelope, sweeper, clock, days)
    deleted = await world.portfolio(days[0], ("KO", 1e16, 50))
    singles = SingleFolds(engine, folding)
    created = PortfolioChanged(portfolio=deleted, owner="alice", version=1, first_affected_session=days[0])
    for _ in range(2):
        await singles.portfolios_changed([envelope(created)])
    assert set(await pauses(world)) == {mended, deleted}
    await world.sql.execute("UPDATE portfolios.positions SET quantity = 1 WHERE portfolio_id = $1", mended)
    version = await world.change(mended, days[0])
    assert set(await pauses(world)) == {deleted}, "of a new version nothing is known yet"
    changed = PortfolioChanged(portfolio=mended, owner="alice", version=version, first_affected_session=days[0])
    await singles.portfolios_changed([envelope(changed, 2)])
    await world.change(deleted, days[0], deleted=True)
    assert await pauses(world) == {}
    await sweeper.sweep()
    assert await world.sql.fetchval("SELECT count(*) FROM valuations.failing_portfolios") == 0
    assert metrics.PORTFOLIOS_FAILING._value.get() == 0


async def test_a_failure_that_a_newer_fold_has_overtaken_is_not_remembered(world, engine, folding, days):
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    edition = await world.night(days[0], KO=60)
    await folding.fold([portfolio], "change")
    late = Failure(portfolio, "alice", 1, edition, "amount_out_of_range", "of a fold that was slow")
    async with engine.begin() as connection:
        await note_failing(connection, [late])
    assert await world.sql.fetchval("SELECT count(*) FROM valuations.failing_portfolios") == 0


async def test_another_replica_sweeping_leaves_this_one_idle(world, engine, sweeper, clock, days):
    await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    await sweeper.sweep()
    clock.now = 100
    async with engine.begin() as other:
        await other.execute(ONE_SWEEPER)
        assert await sweeper.sweep() == 0
    assert await sweeper.sweep() == 1


async def test_a_sweep_under_way_is_not_planned_twice(world, engine, outbox, sweeper, clock, days):
    await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    second = Sweeper(engine, Planner(outbox), outbox, grace_seconds=60, overdue_seconds=300, monotonic=clock)
    await sweeper.sweep()
    await second.sweep()
    clock.now = 60
    assert await sweeper.sweep() == 1
    assert await second.sweep() == 0


async def test_a_chunk_whose_event_was_lost_is_said_again(
    world, engine, folding, outbox, sweeper, clock, days, envelope
):
    await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    await sweeper.sweep()
    clock.now = 60
    await sweeper.sweep()
    await world.sql.execute("DELETE FROM valuations.outbox")
    await sweeper.sweep()
    assert await world.said("portfolio.refresh.requested") == []
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE valuations.refresh_chunks SET announced_at = announced_at - interval '301 s'")
        )
    await sweeper.sweep()
    await sweeper.sweep()
    assert len(await world.said("portfolio.refresh.requested")) == 1
    await work_all(world, engine, folding, outbox, envelope)
    assert len(await world.said("portfolio.refresh.completed")) == 1
