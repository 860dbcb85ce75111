"""Runs and chunks: what each event plans, once."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_refresh.planner import LOWEST, ChunkLimits, Planner, SingleFolds, cut_chunks
from riskstream.events.portfolio import PortfolioChanged
from riskstream.events.symbol import SymbolBatchCompleted, SymbolFactorsUpdated, SymbolReady
from riskstream.messaging.settlement import Together


def batch(session, edition):
    return SymbolBatchCompleted(
        run=UUID(int=1), session=session, edition=edition, active=2, priced=2, with_exposures=2, coverage=1.0
    )


def revision(symbol, session, edition, since):
    return SymbolFactorsUpdated(
        symbol=symbol, reason="revision", session=session, edition=edition, prices_revised_from=since
    )


async def handled(engine, handler, *envelopes):
    for each in envelopes:
        async with engine.begin() as connection:
            await handler(connection, each)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 10), st.integers(1, 40))
def test_chunks_cover_every_id_once_within_their_limits(lots, portfolios, positions):
    ids = [UUID(int=100 * place + 7) for place in range(len(lots))]
    chunks = cut_chunks(list(zip(ids, lots, strict=True)), ChunkLimits(portfolios, positions))
    for id_, probe in ((id_, UUID(int=id_.int + step)) for id_ in ids for step in (-1, 0, 1)):
        inside = [c for c in chunks if c.from_portfolio <= probe and (c.to_portfolio is None or probe < c.to_portfolio)]
        assert len(inside) == 1, id_
    sizes = dict(zip(ids, lots, strict=True))
    for chunk in chunks:
        mine = [i for i in ids if chunk.from_portfolio <= i and (chunk.to_portfolio is None or i < chunk.to_portfolio)]
        assert chunk.portfolios == len(mine) <= portfolios
        assert sum(sizes[i] for i in mine) <= positions or len(mine) == 1
    if chunks:
        assert chunks[0].from_portfolio == LOWEST
        assert chunks[-1].to_portfolio is None


async def test_a_completed_batch_plans_chunks_for_everybody_and_says_each(world, engine, outbox, days, envelope):
    for number in range(5):
        await world.portfolio(days[0], ("KO", 1, 50), portfolio_id=UUID(int=number + 1))
    gone = await world.portfolio(days[0], ("KO", 1, 50))
    await world.change(gone, days[0], deleted=True)
    await world.portfolio(days[4], ("KO", 1, 50))
    edition = await world.night(days[0], KO=60)
    planner = Planner(outbox, ChunkLimits(portfolios=2))
    await handled(engine, planner.batch_completed, envelope(batch(days[0], edition)))
    run = await world.sql.fetchrow("SELECT * FROM valuations.refresh_runs")
    assert (run["cause"], run["session"], run["edition"]) == ("night", days[0], edition)
    assert (run["chunks"], run["remaining"], run["portfolios"]) == (3, 3, 5)
    said = await world.said("portfolio.refresh.requested")
    assert said == [{"run": str(run["run_id"]), "chunk": number} for number in range(3)]
    assert await world.said("portfolio.refresh.completed") == []


async def test_a_batch_delivered_twice_is_planned_once(world, engine, outbox, days, envelope):
    await world.portfolio(days[0], ("KO", 1, 50))
    event = envelope(batch(days[0], await world.night(days[0], KO=60)))
    await handled(engine, Planner(outbox).batch_completed, event, event)
    assert await world.sql.fetchval("SELECT count(*) FROM valuations.refresh_runs") == 1
    assert len(await world.said("portfolio.refresh.requested")) == 1


async def test_a_batch_without_portfolios_is_completed_at_planning(world, engine, outbox, days, envelope):
    event = envelope(batch(days[0], await world.night(days[0], KO=60)))
    await handled(engine, Planner(outbox).batch_completed, event, event)
    (completed,) = await world.said("portfolio.refresh.completed")
    assert (completed["chunks"], completed["portfolios"]) == (0, 0)
    assert await world.sql.fetchval("SELECT finished_at IS NOT NULL FROM valuations.refresh_runs")


async def test_a_revision_plans_one_run_an_edition_for_the_holders_of_all_its_symbols(
    world, engine, outbox, days, envelope
):
    await world.night(days[0], KO=60, F=10, GE=20)
    for symbol in ("KO", "F", "GE"):
        await world.portfolio(days[0], (symbol, 1, 50))
    edition = await world.revise("KO", days[0], ["KO", "F", "GE"])
    await world.sql.execute("INSERT INTO symbols.revisions VALUES ($1, 'F', $2)", edition, days[0])
    events = [envelope(revision(s, days[0], edition, days[0]), n) for n, s in enumerate(("KO", "F"))]
    await handled(engine, Together(Planner(outbox).factors_updated), *events, *events)
    (run,) = await world.sql.fetch("SELECT * FROM valuations.refresh_runs")
    assert (run["cause"], run["portfolios"]) == ("revision", 2)


async def test_revisions_of_one_batch_plan_a_run_for_each_edition(world, engine, outbox, days, envelope):
    await world.night(days[0], KO=60, F=10)
    for symbol in ("KO", "F"):
        await world.portfolio(days[0], (symbol, 1, 50))
    first = await world.revise("KO", days[0], ["KO", "F"])
    second = await world.revise("F", days[0], ["KO", "F"])
    revised = [("KO", first), ("F", second), ("KO", first), ("F", second)]
    events = [envelope(revision(symbol, days[0], edition, days[0]), n) for n, (symbol, edition) in enumerate(revised)]
    async with engine.begin() as connection:
        await Planner(outbox).factors_updated(connection, events)
    runs = await world.sql.fetch("SELECT edition, portfolios FROM valuations.refresh_runs ORDER BY edition")
    assert [tuple(run) for run in runs] == [(first, 1), (second, 1)]


@pytest.mark.parametrize("reason", ["night", "new"])
async def test_updates_of_the_night_and_of_new_symbols_plan_nothing(world, engine, outbox, days, reason, envelope):
    edition = await world.night(days[0], KO=60)
    event = SymbolFactorsUpdated(
        symbol="KO", reason=reason, session=days[0], edition=edition, prices_revised_from=date(2024, 1, 2)
    )
    await handled(engine, Together(Planner(outbox).factors_updated), envelope(event))
    assert await world.sql.fetchval("SELECT count(*) FROM valuations.refresh_runs") == 0


async def test_a_changed_portfolio_is_folded_and_a_second_delivery_changes_nothing(
    world, engine, folding, days, envelope
):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    event = envelope(PortfolioChanged(portfolio=portfolio, owner="alice", version=1, first_affected_session=days[0]))
    singles = SingleFolds(engine, folding)
    await singles.portfolios_changed([event])
    before = await world.everything()
    await singles.portfolios_changed([event])
    assert await world.everything() == before
    assert await world.navs(portfolio) == {days[0]: 60}


async def test_a_deletion_delivered_twice_or_before_the_creation_leaves_nothing(world, engine, folding, days, envelope):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    singles = SingleFolds(engine, folding)
    created = PortfolioChanged(portfolio=portfolio, owner="alice", version=1, first_affected_session=days[0])
    await singles.portfolios_changed([envelope(created)])
    await world.change(portfolio, days[0], deleted=True)
    deleted = created.model_copy(update={"version": 2, "deleted": True})
    for event in (deleted, created, deleted):
        await singles.portfolios_changed([envelope(event)])
        assert await world.head(portfolio) is None


async def test_a_ready_symbol_folds_who_was_valued_without_it_and_nobody_else(world, engine, folding, days, envelope):
    await world.night(days[0], KO=60)
    waiting = await world.portfolio(days[0], ("NEW", 1, 50))
    other = await world.portfolio(days[0], ("KO", 1, 50))
    await folding.fold([waiting, other], "change")
    await world.closes(days[0], NEW=55)
    await world.know("NEW", days[0])
    event = envelope(SymbolReady(symbol="NEW", edition=1, session=days[0]))
    singles = SingleFolds(engine, folding)
    await singles.symbol_ready(event)
    before = await world.everything()
    await singles.symbol_ready(event)
    assert await world.everything() == before
    assert (await world.head(waiting))["valuation"] == 2
    assert (await world.head(other))["valuation"] == 1
    assert await world.navs(waiting) == {days[0]: 55}


async def test_a_changed_portfolio_that_cannot_be_valued_is_remembered_with_the_reason_and_is_no_poison(
    world, engine, folding, days, envelope
):
    await world.night(days[0], KO=60)
    portfolio = await world.portfolio(days[0], ("KO", 1e16, 50))
    event = PortfolioChanged(portfolio=portfolio, owner="alice", version=1, first_affected_session=days[0])
    for _ in range(2):
        await SingleFolds(engine, folding).portfolios_changed([envelope(event)])
    failing = await world.sql.fetch("SELECT portfolio_id, reason FROM valuations.failing_now")
    assert [tuple(row) for row in failing] == [(portfolio, "amount_out_of_range")]


async def test_changes_heard_together_are_folded_at_once_and_each_valuation_names_the_newest_of_its_own(
    world, engine, folding, days, envelope
):
    await world.night(days[0], KO=60)
    one, other = [await world.portfolio(days[0], ("KO", count, 50)) for count in (1, 2)]
    gone, unvalued = await world.portfolio(days[0], ("KO", 3, 50)), await world.portfolio(days[0], ("KO", 1e16, 50))
    await world.change(one, days[0])
    await world.change(gone, days[0], deleted=True)

    def changed(portfolio, version, **more):
        said = PortfolioChanged(
            portfolio=portfolio, owner="alice", version=version, first_affected_session=days[0], **more
        )
        return envelope(said, version)

    heard = [
        changed(one, 1), changed(other, 1), changed(gone, 1), changed(unvalued, 1), changed(one, 2),
        changed(gone, 2, deleted=True), changed(uuid4(), 1),
    ]  # fmt: skip
    singles = SingleFolds(engine, folding)
    await singles.portfolios_changed(heard)
    before = await world.everything()
    await singles.portfolios_changed(heard)
    assert await world.everything() == before
    assert await world.navs(one) == {days[0]: 60}
    assert await world.navs(other) == {days[0]: 120}
    assert await world.head(gone) is None
    assert [row["portfolio_id"] for row in await world.sql.fetch("SELECT * FROM valuations.failing_now")] == [unvalued]
    rows = await world.sql.fetch(
        "SELECT aggregateid, headers->>'ce_causationid' FROM valuations.outbox WHERE topic = 'portfolio.refreshed'"
    )
    causes = {UUID(portfolio): UUID(cause) for portfolio, cause in rows}
    assert causes == {one: heard[4].id, other: heard[1].id}


async def test_a_changed_portfolio_that_does_not_exist_is_nothing_to_do(world, engine, folding, days, envelope):
    await world.night(days[0], KO=60)
    event = PortfolioChanged(portfolio=uuid4(), owner="alice", version=1, first_affected_session=days[0])
    await SingleFolds(engine, folding).portfolios_changed([envelope(event)])
