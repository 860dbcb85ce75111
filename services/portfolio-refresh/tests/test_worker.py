"""Chunks: folded, ended, and the run completed exactly once."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from portfolio_refresh.folding import Folding
from portfolio_refresh.planner import ChunkLimits, Planner
from portfolio_refresh.store.runs import Run, sizes_of_all
from portfolio_refresh.worker import ChunkWorker
from riskstream.events.portfolio import PortfolioRefreshRequested
from riskstream.messaging.errors import DomainError

RUN = UUID(int=77)


@pytest.fixture
def requested(envelope):
    def request(chunk, run=RUN):
        return envelope(PortfolioRefreshRequested(run=run, chunk=chunk), chunk + 1)

    return request


async def plan(engine, outbox, session, portfolios):
    async with engine.begin() as connection:
        sizes = await sizes_of_all(connection, session)
        run = Run(RUN, "night", session, 1)
        await Planner(outbox, ChunkLimits(portfolios=portfolios)).plan(connection, run, sizes)


@pytest.fixture
def worker(engine, folding, outbox):
    return ChunkWorker(engine, folding, outbox, "test")


async def the_run(world):
    return await world.sql.fetchrow("SELECT * FROM valuations.refresh_runs")


async def test_the_last_chunk_completes_the_run(world, engine, outbox, worker, days, requested):
    portfolios = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(5)]
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 2)
    for chunk in (2, 0):
        await worker.refresh_requested(requested(chunk))
        assert await world.said("portfolio.refresh.completed") == []
    await worker.refresh_requested(requested(1))
    assert await world.said("portfolio.refresh.completed") == [
        {
            "run": str(RUN),
            "cause": "night",
            "session": str(days[0]),
            "edition": 1,
            "chunks": 3,
            "chunks_failed": 0,
            "portfolios": 5,
            "portfolios_failed": 0,
        }
    ]
    assert (await the_run(world))["finished_at"] is not None
    for portfolio in portfolios:
        assert await world.navs(portfolio) == {days[0]: 60}
    assert {event["cause"] for event in await world.said("portfolio.refreshed")} == {"night"}


async def test_what_is_said_of_a_chunk_names_the_event_that_asked_for_it(
    world, engine, outbox, worker, days, requested
):
    await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 2)
    asked = requested(0)
    await worker.refresh_requested(asked)
    lineage = await world.sql.fetch(
        "SELECT headers ->> 'ce_causationid' AS cause, headers ->> 'ce_correlationid' AS root FROM valuations.outbox"
        " WHERE type IN ('portfolio.refreshed.v1', 'portfolio.refresh.completed.v1')"
    )
    assert {(row["cause"], row["root"]) for row in lineage} == {(str(asked.id), asked.correlation_id)}
    assert len(lineage) == 2


async def test_chunks_delivered_many_times_to_many_workers_complete_the_run_once(
    world, engine, outbox, days, requested
):
    for _ in range(12):
        await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 2)
    workers = [ChunkWorker(engine, Folding(engine, outbox), outbox, str(n)) for n in range(3)]
    deliveries = [(chunk, worker) for chunk in range(6) for worker in workers]
    random.Random(5).shuffle(deliveries)
    await asyncio.gather(*(worker.refresh_requested(requested(chunk)) for chunk, worker in deliveries))
    assert len(await world.said("portfolio.refresh.completed")) == 1
    assert (await the_run(world))["remaining"] == 0
    assert await world.sql.fetchval("SELECT max(valuation) FROM valuations.valuation_heads") == 1
    before = await world.everything()
    await workers[0].refresh_requested(requested(3))
    assert await world.everything() == before
    assert len(await world.said("portfolio.refresh.completed")) == 1


async def test_a_portfolio_that_cannot_be_valued_is_left_out_with_its_reason(
    world, engine, outbox, worker, days, requested
):
    good = await world.portfolio(days[0], ("KO", 1, 50))
    bad = await world.portfolio(days[0], ("KO", 1e16, 50))
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 10)
    await worker.refresh_requested(requested(0))
    (completed,) = await world.said("portfolio.refresh.completed")
    assert (completed["portfolios"], completed["portfolios_failed"], completed["chunks_failed"]) == (2, 1, 0)
    (failure,) = await world.sql.fetch("SELECT * FROM valuations.refresh_failures")
    assert (failure["portfolio_id"], failure["owner_id"], failure["reason"]) == (bad, "alice", "amount_out_of_range")
    assert await world.navs(good) == {days[0]: 60}


async def test_what_breaks_for_everybody_in_a_chunk_fails_the_chunk_and_the_run_ends(
    world, engine, outbox, worker, days, monkeypatch, requested
):
    for _ in range(3):
        await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 10)

    async def broken(*_, **__):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(worker._folding, "fold", broken)
    await worker.refresh_requested(requested(0))
    (completed,) = await world.said("portfolio.refresh.completed")
    assert (completed["chunks_failed"], completed["portfolios_failed"]) == (1, 3)
    chunk = await world.sql.fetchrow("SELECT * FROM valuations.refresh_chunks")
    assert (chunk["state"], chunk["reason"]) == ("failed", "ZeroDivisionError('a defect')")
    assert await world.sql.fetchval("SELECT count(*) FROM valuations.failing_portfolios") == 0


async def test_a_fold_that_breaks_on_one_portfolio_leaves_out_that_one_alone(
    world, engine, outbox, worker, days, monkeypatch, requested
):
    portfolios = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(9)]
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 10)
    true_fold, bad = worker._folding.fold, portfolios[4]

    async def breaking(portfolio_ids, *arguments, **named):
        if bad in portfolio_ids:
            raise ZeroDivisionError("a defect")
        return await true_fold(portfolio_ids, *arguments, **named)

    monkeypatch.setattr(worker._folding, "fold", breaking)
    await worker.refresh_requested(requested(0))
    (completed,) = await world.said("portfolio.refresh.completed")
    assert (completed["portfolios"], completed["portfolios_failed"], completed["chunks_failed"]) == (9, 1, 0)
    (failure,) = await world.sql.fetch("SELECT * FROM valuations.refresh_failures")
    assert (failure["portfolio_id"], failure["reason"]) == (bad, "fold_broke")
    assert "ZeroDivisionError" in failure["detail"]
    for portfolio in portfolios:
        assert await world.navs(portfolio) == ({} if portfolio == bad else {days[0]: 60})


async def test_a_database_that_is_away_leaves_the_chunk_queued(
    world, engine, outbox, worker, days, monkeypatch, requested
):
    await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 10)
    true_fold = worker._folding.fold

    async def away(*_, **__):
        raise ConnectionResetError

    monkeypatch.setattr(worker._folding, "fold", away)
    with pytest.raises(ConnectionResetError):
        await worker.refresh_requested(requested(0))
    assert (await the_run(world))["remaining"] == 1
    monkeypatch.setattr(worker._folding, "fold", true_fold)
    await worker.refresh_requested(requested(0))
    assert len(await world.said("portfolio.refresh.completed")) == 1


async def test_a_chunk_nobody_planned_is_poison(world, worker, requested):
    with pytest.raises(DomainError, match="no chunk 4"):
        await worker.refresh_requested(requested(4, run=uuid4()))


async def test_a_second_run_of_a_night_changes_no_row_of_a_portfolio(world, engine, outbox, worker, days, requested):
    for _ in range(3):
        await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    await plan(engine, outbox, days[0], 10)
    await worker.refresh_requested(requested(0))
    before = await world.everything()
    async with engine.begin() as connection:
        sizes = await sizes_of_all(connection, days[0])
        await Planner(outbox).plan(connection, Run(UUID(int=78), "night", days[0], 1), sizes)
    await worker.refresh_requested(requested(0, run=UUID(int=78)))
    assert await world.everything() == before
    assert len(await world.said("portfolio.refresh.completed")) == 2
