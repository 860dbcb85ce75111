"""Portfolios valued from the operator's chair."""

import asyncio
from uuid import UUID, uuid4

import orjson
import pytest


async def test_a_started_run_values_whoever_is_behind_and_touches_nobody_else(world, folding, desk, working, days):
    fine, behind = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(2)]
    await world.night(days[0], KO=60)
    await folding.fold([fine], "night")
    before = await world.head(fine)
    async with working():
        run = await desk.object("start", "--wait")
    assert (run["state"], run["cause"], run["portfolios"], run["is_new"]) == ("completed", "operator", 2, True)
    assert await world.navs(behind) == {days[0]: 60}
    assert await world.head(fine) == before
    (completed,) = await world.said("portfolio.refresh.completed")
    assert (completed["run"], completed["cause"]) == (run["run_id"], "sweep"), "a word that every reader knows"


@pytest.mark.parametrize("by", ["--portfolio", "--owner"])
async def test_an_order_for_some_is_for_nobody_between_them(world, desk, work, days, by):
    ids = sorted(uuid4() for _ in range(3))
    for portfolio_id, owner in zip(ids, ("alice", "bob", "alice"), strict=True):
        await world.portfolio(days[0], ("KO", 1, 50), owner=owner, portfolio_id=portfolio_id)
    await world.night(days[0], KO=60)
    words = ["--owner", "alice"] if by == "--owner" else ["--portfolio", str(ids[0]), "--portfolio", str(ids[2])]
    run = await desk.object("start", "--session", str(days[0]), *words)
    assert (run["state"], run["portfolios"]) == ("running", 2)
    await work()
    assert [bool(await world.navs(portfolio)) for portfolio in ids] == [True, False, True]


async def test_whom_a_run_left_out_is_named_tried_again_and_failing_no_longer_once_mended(
    world, desk, work, working, days
):
    await world.portfolio(days[0], ("KO", 1, 50))
    bad = await world.portfolio(days[0], ("KO", 1e16, 50))
    await world.night(days[0], KO=60)
    async with working():
        first = await desk.failed("start", "--wait")
        assert (first["state"], [one["portfolio_id"] for one in first["failures"]]) == (
            "completed_with_failures",
            [str(bad)],
        )
        assert (await desk.failed("retry-failed", first["run_id"], "--wait"))["portfolios"] == 1
        (failing,) = await desk.objects("failing")
        assert (failing["portfolio_id"], failing["reason"], failing["attempts"]) == (
            str(bad),
            "amount_out_of_range",
            2,
        )
        told = (await desk.run("status", first["run_id"])).stdout
        assert f"{bad}, amount_out_of_range:" in told
        assert "1 done, 0 failed, 0 to do, of 1" in told

    # Mended without a new version, as by new code: what the pause is for, and what this command shortens.
    await world.sql.execute("UPDATE portfolios.positions SET quantity = 2 WHERE portfolio_id = $1", bad)
    async with working():
        mended = await desk.object("retry-failed", "--wait")
    assert (mended["state"], mended["failures"]) == ("completed", [])
    assert await world.navs(bad) == {days[0]: 120}
    assert await desk.objects("failing") == []
    code, sentence = await desk.refusal("retry-failed")
    assert (code, "no portfolio is failing now" in sentence) == (1, True)
    code, sentence = await desk.refusal("retry-failed", mended["run_id"])
    assert (code, "has left nobody out" in sentence) == (1, True)


async def test_a_chunk_that_failed_whole_is_tried_again_whole(world, desk, work, days):
    portfolios = [await world.portfolio(days[0], ("KO", 1, 50)) for _ in range(3)]
    await world.night(days[0], KO=60)
    desk.extra["RISKSTREAM_CHUNK_PORTFOLIOS"] = "2"
    run = await desk.object("start")
    await world.sql.execute("UPDATE valuations.refresh_chunks SET state = 'failed', reason = 'broken' WHERE chunk = 0")
    retried = await desk.object("retry-failed", run["run_id"])
    assert retried["portfolios"] == 2
    assert "chunk 0, portfolios 2, reason broken" in (await desk.run("status", run["run_id"])).stdout
    await world.sql.execute("DELETE FROM valuations.outbox WHERE payload ->> 'run' = $1", run["run_id"])
    await work()
    valued = {portfolio for portfolio in portfolios if await world.head(portfolio)}
    assert valued == set(sorted(portfolios)[:2])


async def test_two_operators_at_once_who_order_the_same_get_one_run(world, desk, work, days):
    portfolio = await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    words = ("backfill", "--from", str(days[0]), "--portfolio", str(portfolio), "--json")
    told = [orjson.loads(ended.stdout) for ended in await asyncio.gather(*(desk.elsewhere(*words) for _ in range(3)))]
    assert sorted(run["is_new"] for run in told) == [False, False, True]
    assert len({run["run_id"] for run in told}) == 1
    other = await desk.object("start")
    assert (other["is_new"], other["run_id"] != told[0]["run_id"]) == (True, True)
    await work()
    assert [run["state"] for run in await desk.objects("list")] == ["completed", "completed"]
    assert (await desk.object(*words[:-1]))["is_new"], "what has ended can be ordered anew"
    assert len(await world.said("portfolio.refresh.completed")) == 2


async def test_what_is_under_way_is_listed_and_shown_with_its_progress(world, engine, desk, work, days):
    assert (await desk.run("list")).stdout == "no runs\n"
    for _ in range(3):
        await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    desk.extra["RISKSTREAM_CHUNK_PORTFOLIOS"] = "1"
    run = await desk.object("start")
    assert "0 done, 0 failed, 3 to do, of 3" in (await desk.run("status")).stdout
    await work()
    assert "3 done, 0 failed, 0 to do, of 3" in (await desk.run("status", run["run_id"])).stdout
    assert run["run_id"] in (await desk.run("list")).stdout
    await work()
    shown = await desk.object("status", run["run_id"])
    assert [chunk["state"] for chunk in shown["chunk_list"]] == ["done"] * 3
    assert len(await world.said("portfolio.refresh.completed")) == 1


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["start", "--session", "2024-12-03"], 1, "not the published one, 2024-12-02"),
        (["start", "--session", "soon"], 2, "`current` nor a day"),
        (["start", "--owner", "nobody"], 1, "of owner nobody no portfolio begins by 2024-12-02"),
        (["start", "--owner", "alice", "--portfolio", str(UUID(int=5))], 2, "not by both"),
        (["start", "--portfolio", str(UUID(int=5))], 1, f"no such portfolio, or deleted: {UUID(int=5)}"),
        (["start", "--portfolio", "mine"], 2, "'--portfolio': Input should be a valid UUID"),
        (["status", str(UUID(int=5))], 1, f"no run {UUID(int=5)}; `riskstream refresh list`"),
        (["status"], 1, "no run yet"),
        (["retry-failed", str(UUID(int=5))], 1, f"no run {UUID(int=5)}"),
        (["backfill", "--from", "2024-12-03", "--to", "2024-12-02"], 2, "is after"),
        (["backfill"], 2, "--from"),
        (["backfill", "--from", "2024-12-02", "--to", "2024-12-03"], 1, "2024-12-03 is not published yet"),
        (["backfill", "--from", "2024-12-03"], 1, "no session lies between"),
        (["backfill", "--from", "2024-11-01", "--to", "2024-11-02"], 1, "no portfolio begins by 2024-11-02"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_with_what_to_do(world, desk, days, words, code, complaint):
    await world.portfolio(days[0], ("KO", 1, 50))
    await world.night(days[0], KO=60)
    ended, sentence = await desk.refusal(*words)
    assert (ended, complaint in sentence) == (code, True), sentence
    assert await world.sql.fetchval("SELECT count(*) FROM valuations.refresh_runs") == 0


@pytest.mark.parametrize("words", [["start"], ["backfill", "--from", "2024-12-02"], ["retry-failed"]])
async def test_before_the_first_session_there_is_nothing_to_order(world, desk, days, words):
    await world.portfolio(days[0], ("KO", 1, 50))
    code, sentence = await desk.refusal(*words)
    assert (code, "no session is published yet" in sentence) == (1, True), sentence


async def test_without_a_database_the_missing_variable_is_named(desk):
    desk.environment.clear()
    code, sentence = await desk.refusal("list")
    assert (code, "RISKSTREAM_POSTGRES_DSN" in sentence) == (2, True)
