"""Nights around a clock change, of a half-day, and of a day on which the exchange stayed shut without notice."""

import asyncio
import json
from datetime import date, datetime
from typing import Any

import pytest

from market_simulator.market import Market
from market_simulator.synthetic.generate import generate, synthesis_at
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.runtime.clock import NEW_YORK
from symbol_batch.calendar import calendar_at
from symbol_batch.schedule import run_id_of

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

WIDEST_WINDOW = 180


@pytest.fixture(scope="module")
def market() -> Market:
    return generate(synthesis_at(date(2025, 11, 3), seed=7, symbols=20, start=date(2024, 1, 2)))


async def run_at(batch: Any, day: date, hour: int, minute: int) -> list[str]:
    """What a reconciler at this time in New York runs: the states it ends in."""
    batch.clock.move_to(datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK))
    return [run.state for run in await batch.reconciler.reconcile()]


async def stored_sessions(batch: Any, symbol: str, since: date) -> list[date]:
    query = "SELECT session FROM symbols.market_data_cache WHERE symbol = $1 AND session >= $2 ORDER BY 1"
    return [row["session"] for row in await batch.rows(query, symbol, since)]


@pytest.mark.parametrize(
    ("friday", "monday"), [(date(2025, 3, 7), date(2025, 3, 10)), (date(2025, 10, 31), date(2025, 11, 3))]
)
async def test_nights_on_both_sides_of_a_clock_change_come_at_21_and_have_every_session_once(
    replica, clock, exchange, friday: date, monday: date
) -> None:
    batch = replica()
    clock.move_to_night_of(friday)
    await batch.add(exchange.symbols)
    assert len(await run_at(batch, friday, 20, 59)) == 1, "the night before"
    for session in (friday, monday):
        assert await run_at(batch, session, 20, 59) == []
        [state] = await run_at(batch, session, 21, 0)
        assert state.startswith("completed")
        assert await batch.value("SELECT session FROM symbols.current_edition") == session
    since = calendar_at(monday).back(monday, 12)
    expected = calendar_at(monday).between(since, monday)
    sessions = [await stored_sessions(batch, symbol, since) for symbol in exchange.symbols]
    assert sum(days == expected for days in sessions) >= len(sessions) - 1, "the market has one gap"
    assert all(len(days) == len(set(days)) for days in sessions)
    assert await batch.rows("SELECT * FROM symbols.quarantined_bars") == []
    assert await batch.rows("SELECT * FROM symbols.revisions") == []


async def test_the_night_of_a_half_day_is_at_21_too_and_its_bar_is_the_days(replica, clock, exchange) -> None:
    wednesday, half, monday = date(2025, 7, 2), date(2025, 7, 3), date(2025, 7, 7)
    assert [session.early_close for session in calendar_at(monday).sessions if session.day == half] == [True]
    batch = replica()
    clock.move_to_night_of(wednesday)
    await batch.add(exchange.symbols)
    assert await run_at(batch, wednesday, 21, 0) == ["completed"]
    assert await run_at(batch, half, 13, 30) == [], "the exchange has closed, and the night is not due"
    assert await run_at(batch, half, 21, 0) == ["completed"]
    assert await run_at(batch, date(2025, 7, 4), 21, 0) == []
    assert await run_at(batch, monday, 21, 0) == ["completed"]
    assert (await stored_sessions(batch, "SPY", wednesday)) == [wednesday, half, monday]
    assert await batch.rows("SELECT * FROM symbols.quarantined_bars") == []


async def test_a_closure_without_notice_is_a_night_that_fails_and_is_skipped_and_the_next_one_goes_on(
    replica, clock, exchange, doctor
) -> None:
    """The calendar has a session on which nobody traded: no symbol is dropped for it, no bar doubted after it."""
    monday, closed, wednesday = date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)
    batch = replica()
    clock.move_to_night_of(monday)
    await batch.add(exchange.symbols)
    assert await run_at(batch, monday, 21, 0) == ["completed"]
    doctor.closed.add(closed)
    assert await run_at(batch, closed, 21, 0) == ["failed"]
    why = await batch.value("SELECT reason FROM symbols.batch_runs WHERE session = $1", closed)
    assert f"benchmarks without a price for {closed}" in why
    assert all(f"{symbol} STALE" in why for symbol in BENCHMARKS)
    details = await batch.rows("SELECT DISTINCT detail FROM symbols.run_fetches WHERE run_id = $1", run_id_of(closed))
    assert [row["detail"] for row in details] == [f"no bar for {closed}, the last bar is of {monday}"]
    assert await batch.value("SELECT session FROM symbols.current_edition") == monday

    states: list[str] = []
    while "completed" not in states:
        await asyncio.sleep(0.05)
        states += await run_at(batch, wednesday, 21, 0)
    assert states == ["failed", "failed", "completed"], "it was tried three times, and nobody waits for it any longer"
    assert await batch.value("SELECT session FROM symbols.current_edition") == wednesday
    given_up = (await batch.rows("SELECT state, reason FROM symbols.batch_runs WHERE session = $1", closed))[0]
    assert given_up["state"] == "skipped"
    assert "SPY STALE" in given_up["reason"]
    assert await stored_sessions(batch, "SPY", monday) == [monday, wednesday]
    assert await batch.rows("SELECT * FROM symbols.quarantined_bars") == []
    assert await batch.value("SELECT count(*) FROM symbols.symbol_universe WHERE status <> 'active'") == 0

    metric = (await batch.rows("SELECT * FROM symbols.symbol_daily_metrics WHERE edition = 2 AND symbol = 'SPY'"))[0]
    assert metric["price_session"] == wednesday
    assert metric["return_1d"] is None, "a missing session makes the returns beside it missing"
    query = "SELECT observations FROM symbols.symbol_factor_exposures WHERE edition = 2 AND factor = $1 AND symbol = $2"
    company = next(symbol for symbol in exchange.symbols if symbol not in BENCHMARKS)
    assert await batch.value(query, "market_beta", company) == 88
    assert "return_1d" in json.loads(metric["reasons"])
