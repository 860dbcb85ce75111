"""Sessions that were slept through, and nights that are tried again."""

import asyncio
from datetime import date

import pytest

from symbol_batch.calendar import calendar_at

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY, WEDNESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)


async def test_missed_sessions_are_caught_up_in_order(batch, exchange) -> None:
    await batch.run_night_of(THURSDAY)
    batch.clock.move_to_night_of(WEDNESDAY)
    runs = await batch.reconciler.reconcile()
    assert [run.session for run in runs] == [MONDAY, TUESDAY, WEDNESDAY]
    assert [run.edition for run in runs] == [2, 3, 4]


async def test_at_most_ten_sessions_are_caught_up_and_older_ones_are_skipped_with_a_reason(replica) -> None:
    batch = replica()
    sessions = calendar_at(WEDNESDAY).window(WEDNESDAY, 14)
    await batch.run_night_of(sessions[0])
    batch.clock.move_to_night_of(WEDNESDAY)
    runs = await batch.reconciler.reconcile()
    assert [run.session for run in runs] == sessions[4:]
    rows = await batch.rows("SELECT session, reason FROM symbols.batch_runs WHERE state = 'skipped' ORDER BY session")
    assert [row["session"] for row in rows] == sessions[1:4]
    assert "10 sessions behind" in rows[0]["reason"]


async def test_a_failed_night_waits_for_its_next_attempt(replica, exchange) -> None:
    batch = replica(retry_seconds=60.0)
    exchange.fault(kind="refuse")
    assert await batch.run_night_of(MONDAY) == "failed"
    exchange.heal()
    assert await batch.reconciler.reconcile() == []
    assert [run.state for run in await batch.reconciler.reconcile(at_once=True)] == ["completed"]


async def test_a_night_that_failed_until_the_next_was_due_is_skipped_and_its_prices_come_with_the_next(
    replica, exchange
) -> None:
    batch = replica()
    await batch.run_night_of(THURSDAY)
    exchange.fault(kind="drop", symbols=["SPY"])
    for _ in range(3):
        assert await batch.run_night_of(MONDAY) == "failed"
        await asyncio.sleep(0.1)
    exchange.heal()
    assert await batch.run_night_of(TUESDAY) == "completed"
    run = (await batch.rows("SELECT state, reason FROM symbols.batch_runs WHERE session = $1", MONDAY))[0]
    assert run["state"] == "skipped"
    assert "SPY STALE" in run["reason"]
    assert await batch.value("SELECT count(*) FROM symbols.market_data_cache WHERE session = $1", MONDAY) == 8
    assert await batch.value("SELECT edition FROM symbols.current_edition WHERE session = $1", TUESDAY) == 2
