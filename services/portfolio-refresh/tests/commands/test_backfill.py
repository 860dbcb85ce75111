"""A past folded again: as revisions, in order, through kills."""

import pytest

from riskstream.messaging.crash_points import EXIT_CODE


@pytest.fixture
async def corrected(world, folding, days):
    """Three portfolios valued over six sessions, and a close of the fourth corrected behind everybody's back."""
    for session in days[:6]:
        await world.night(session, KO=60, F=10)
    held = [("KO", 1, 50), ("KO", 2, 50), ("F", 1, 9)]
    portfolios = [await world.portfolio(days[1], lot) for lot in held]
    await folding.fold(portfolios, "night")
    await world.closes(days[3], KO=70)
    return portfolios


async def revisions(world, portfolio):
    return {session: row["revision"] for session, row in (await world.snapshots(portfolio)).items()}


async def test_a_backfill_revises_what_differs_and_rewrites_nothing_else(world, desk, work, corrected, days):
    one, two, other = corrected
    before = await world.snapshots(other)
    run = await desk.object("backfill", "--from", str(days[2]), "--to", str(days[4]))
    assert (run["cause"], run["since"], run["until"], run["portfolios"]) == (
        "backfill",
        str(days[2]),
        str(days[4]),
        3,
    )
    await work()
    await work()
    assert (await world.navs(one))[days[3]] == 70
    # The fourth session's value and gain, and the fifth's gain, differ; every other row is as it was.
    changed = {session: int(session in {days[3], days[4]}) for session in days[1:6]}
    assert await revisions(world, one) == await revisions(world, two) == changed
    assert await world.snapshots(other) == before
    assert {said["cause"] for said in await world.said("portfolio.refreshed")} == {"night", "revision"}
    (completed,) = await world.said("portfolio.refresh.completed")
    assert (completed["cause"], completed["portfolios_failed"]) == ("revision", 0)


async def test_a_backfill_of_some_leaves_the_others_as_they_are(world, desk, work, corrected, days):
    one, two, _ = corrected
    await desk.object("backfill", "--from", str(days[2]), "--portfolio", str(two))
    await work()
    assert ((await world.navs(one))[days[3]], (await world.navs(two))[days[3]]) == (60, 140)


async def test_who_began_after_the_range_is_not_in_it(world, folding, desk, corrected, days):
    late = await world.portfolio(days[5], ("KO", 1, 50))
    await folding.fold([late], "change")
    run = await desk.object("backfill", "--from", str(days[2]), "--to", str(days[4]))
    assert run["portfolios"] == 3


@pytest.mark.parametrize("point", ["fold.before_write:2", "fold.after_write:2", "chunk.after_end_commit:2"])
async def test_a_backfill_killed_in_the_middle_goes_on_where_it_was(world, desk, corrected, days, point):
    desk.extra["RISKSTREAM_FOLD_SNAPSHOTS"] = "1"
    run = await desk.object("backfill", "--from", str(days[2]))
    assert len(run["chunk_list"]) == 3, "a chunk is what is written at once"
    killed = await desk.worker(RISKSTREAM_CRASH_AT=point)
    assert killed.returncode == EXIT_CODE, killed.stderr
    half = await desk.object("status", run["run_id"])
    done = {chunk["chunk"]: chunk["ended_at"] for chunk in half["chunk_list"] if chunk["state"] == "done"}
    assert 1 <= len(done) < 3
    resumed = await desk.worker()
    assert resumed.returncode == 0, resumed.stderr
    whole = await desk.object("status", run["run_id"])
    assert (whole["state"], whole["portfolios_failed"]) == ("completed", 0)
    again = {chunk["chunk"]: chunk["ended_at"] for chunk in whole["chunk_list"] if chunk["chunk"] in done}
    assert again == done, "what had ended was not worked again"
    changed = {session: int(session in {days[3], days[4]}) for session in days[1:6]}
    assert [await revisions(world, portfolio) for portfolio in corrected[:2]] == [changed, changed]
    assert len(await world.said("portfolio.refresh.completed")) == 1


async def test_whom_a_backfill_left_out_is_folded_from_the_same_session_when_tried_again(
    world, desk, work, corrected, days
):
    one, _, _ = corrected
    await world.sql.execute("UPDATE portfolios.positions SET quantity = 1e16 WHERE portfolio_id = $1", one)
    run = await desk.object("backfill", "--from", str(days[1]), "--portfolio", str(one))
    await work()
    assert [failure["portfolio_id"] for failure in (await desk.object("status"))["failures"]] == [str(one)]
    assert await desk.objects("failing") == [], "its valuation is that of its version still"
    await world.sql.execute("UPDATE portfolios.positions SET quantity = 1 WHERE portfolio_id = $1", one)
    retried = await desk.object("retry-failed", run["run_id"])
    assert (retried["cause"], retried["since"]) == ("backfill", str(days[1]))
    await work()
    assert (await desk.object("status", retried["run_id"]))["state"] == "completed"
    assert (await world.navs(one))[days[3]] == 70
