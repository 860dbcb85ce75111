"""Nights from the operator's chair."""

from datetime import date, datetime, timedelta
from importlib.metadata import version

import pytest

from riskstream.runtime.clock import NEW_YORK
from symbol_batch.calendar import calendar_at, due_at
from symbol_batch.freshness import Freshness, level_of, sessions_behind
from symbol_batch.schedule import run_id_of
from symbol_batch.store import runs

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8)


async def test_a_failed_night_is_listed_shown_and_tried_again_at_once(desk, batch, exchange) -> None:
    batch.clock.move_to_night_of(MONDAY)
    assert await desk.done("runs", "list") == "no runs\n"
    exchange.fault(kind="drop", symbols=["SPY"])
    failed = await desk.run("runs", "start", "--json")
    assert failed.returncode == 1
    assert "SPY STALE" in failed.stdout
    [row] = await desk.objects("runs", "list")
    assert (row["session"], row["state"], row["attempt"]) == (MONDAY.isoformat(), "failed", 1)
    exchange.heal()
    desk.extra["RISKSTREAM_BUILD"] = "abc123"
    [resumed] = await desk.objects("runs", "resume", MONDAY.isoformat())
    assert (resumed["state"], resumed["edition"], resumed["attempt"]) == ("completed", 1, 2)
    [shown] = await desk.objects("runs", "show", MONDAY.isoformat())
    assert [step["name"] for step in shown["steps"]][-1] == "publish"
    assert shown["code_version"] == f"{version('riskstream-symbol-batch')}+abc123"
    assert shown["providers"] == {"yahoo": shown["counts"]["priced"]}
    assert shown["counts"]["failures"] == {}
    assert (shown["fetched"], shown["unpriced"]) == (len(exchange.symbols), {})
    told = await desk.done("runs", "show", MONDAY.isoformat())
    assert any(line.split()[:2] == ["steps", "publish"] for line in told.splitlines())
    count = len(exchange.symbols)
    assert f"  {count} of {count}" in (await desk.done("runs", "list")).splitlines()[1]
    assert any(line.split()[:2] == ["providers", "yahoo"] for line in told.splitlines())
    assert await desk.done("runs", "start") == "nothing is due\n"


async def test_runs_begin_with_the_earliest_and_end_with_the_one_that_is_named(desk, batch) -> None:
    batch.clock.move_to_night_of(THURSDAY)
    assert [run["session"] for run in await desk.objects("runs", "start")] == [THURSDAY.isoformat()]
    batch.clock.move_to_night_of(TUESDAY)
    [run] = await desk.objects("runs", "start", "--session", MONDAY.isoformat())
    assert (run["session"], run["state"]) == (MONDAY.isoformat(), "completed")
    code, sentence = await desk.refusal("runs", "start", "--session", MONDAY.isoformat())
    assert (code, MONDAY.isoformat() in sentence) == (1, True)
    assert "2025-07-08  completed  edition 3" in await desk.done("runs", "start")


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["resume", "2025-07-07"], 1, "is completed"),
        (["resume", "2025-07-08"], 1, "there is no run"),
        (["show", "2025-07-08"], 1, "no run of 2025-07-08"),
        (["show", "monday"], 2, "monday"),
    ],
)
async def test_what_cannot_be_shown_or_resumed_is_said(desk, batch, words, code, complaint) -> None:
    await batch.rows(
        "INSERT INTO symbols.batch_runs (run_id, session, kind, state, fence, started_at) "
        "VALUES ($1, $2, 'night', 'completed', 1, now())",
        run_id_of(MONDAY),
        MONDAY,
    )
    ended, sentence = await desk.refusal("runs", *words)
    assert (ended, complaint in sentence) == (code, True), sentence


async def test_a_run_that_somebody_works_on_is_not_taken_from_them_and_an_abandoned_one_is(batch, desk) -> None:
    batch.clock.move_to_night_of(MONDAY)
    async with batch.engine.begin() as connection:
        await runs.claim(
            connection, run_id_of(MONDAY), MONDAY, holder="them", lease_seconds=600, now=batch.clock.now(),
            code_version="1",
        )  # fmt: skip
    code, sentence = await desk.refusal("runs", "resume", MONDAY.isoformat())
    assert (code, "somebody works on" in sentence) == (1, True), sentence
    await batch.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 minute'")
    [resumed] = await desk.objects("runs", "resume", MONDAY.isoformat())
    assert (resumed["state"], resumed["attempt"]) == ("completed", 2)


async def test_without_a_terminal_a_long_run_says_how_far_it_is_in_plain_lines(desk, batch, exchange) -> None:
    batch.clock.move_to_night_of(MONDAY)
    exchange.fault(kind="latency", milliseconds=400)
    ended = await desk.run("runs", "start")
    assert ended.returncode == 0, ended.stderr
    assert f"of {MONDAY}: " in ended.stderr


@pytest.mark.parametrize(
    ("published", "moment", "behind", "level"),
    [
        (date(2025, 7, 3), datetime(2025, 7, 7, 12, 0, tzinfo=NEW_YORK), 0, "fine"),  # Thursday's after a long weekend
        (date(2025, 7, 2), datetime(2025, 7, 7, 12, 0, tzinfo=NEW_YORK), 1, "warning"),
        (date(2025, 7, 3), datetime(2025, 7, 7, 20, 59, tzinfo=NEW_YORK), 0, "fine"),
        (date(2025, 7, 3), datetime(2025, 7, 7, 22, 59, tzinfo=NEW_YORK), 1, "fine"),
        (date(2025, 7, 3), datetime(2025, 7, 7, 23, 0, tzinfo=NEW_YORK), 1, "warning"),
        (date(2025, 7, 2), datetime(2025, 7, 7, 21, 0, tzinfo=NEW_YORK), 2, "critical"),
        (None, datetime(2025, 7, 7, 12, 0, tzinfo=NEW_YORK), 2, "critical"),
        (date(2025, 7, 7), datetime(2025, 7, 7, 21, 30, tzinfo=NEW_YORK), 0, "fine"),
    ],
)
def test_freshness_counts_the_nights_that_are_due_and_not_published(published, moment, behind, level) -> None:
    calendar = calendar_at(date(2025, 7, 9))
    assert sessions_behind(published, calendar, moment) == behind
    assert level_of(published, calendar, moment) == level


async def test_what_was_seen_last_goes_on_ageing_while_the_database_is_away(batch) -> None:
    assert await batch.run_night_of(MONDAY) == "completed"
    freshness = Freshness(batch.engine, batch.clock)
    assert freshness.state().detail == {"measured": False}
    await freshness.measure()
    assert freshness.state().detail == {"session": MONDAY.isoformat(), "sessions_behind": 0, "level": "fine"}
    batch.clock.move_to(due_at(TUESDAY) + timedelta(hours=3))
    state = freshness.state()
    assert (state.ready, state.live) == (True, True)
    assert state.detail == {"session": MONDAY.isoformat(), "sessions_behind": 1, "level": "warning"}
