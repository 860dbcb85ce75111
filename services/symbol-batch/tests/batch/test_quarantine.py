"""What becomes of a suspicious bar from night to night: held back, then confirmed or corrected."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from symbol_batch.calendar import calendar_at
from symbol_batch.schedule import run_id_of

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY, WEDNESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)


class Killed(BaseException):
    """The process dies here."""


async def test_a_suspicious_bar_is_no_price_and_the_symbol_keeps_its_last_exposures(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 100.0, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"
    assert await batch.close_of(company, TUESDAY) is None
    held = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert (held["symbol"], held["session"], held["state"], held["rule"]) == (company, TUESDAY, "pending", "jump")
    assert "with no action listed" in held["reason"]
    before, after = await batch.betas(company, 1), await batch.betas(company, 2)
    assert {factor: beta for factor, (beta, _) in after.items()} == {f: beta for f, (beta, _) in before.items()}
    assert {carried for _, carried in after.values()} == {MONDAY}
    row = (await batch.rows("SELECT * FROM symbols.symbol_daily_metrics WHERE edition = 2 AND symbol = $1", company))[0]
    assert row["price_session"] == MONDAY
    assert "no_price (QUARANTINED)" in row["reasons"]
    assert row["market_beta"] == after["market_beta"][0]
    loading = "SELECT carried_from FROM symbols.risk_loadings WHERE symbol = $1 AND edition = 2"
    assert await batch.value(loading, company) == MONDAY
    [_, completed] = await batch.events("symbol.batch.completed.v1")
    assert completed["failures"] == {"QUARANTINED": 1}


async def test_a_crash_that_lasts_is_confirmed_by_the_next_night_and_revised(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY, WEDNESDAY)
    await batch.run_night_of(TUESDAY)
    assert await batch.held_state(company, TUESDAY) == "pending"
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    monday, tuesday, wednesday = [await batch.close_of(company, day) for day in (MONDAY, TUESDAY, WEDNESDAY)]
    assert tuesday == pytest.approx(monday / 2, rel=0.1)
    assert wednesday == pytest.approx(tuesday, rel=0.1)
    row = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert (row["state"], row["decided_by"]) == ("confirmed", f"yahoo for {WEDNESDAY}")
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(3, company, TUESDAY)]
    updated = [event for event in await batch.events("symbol.factors.updated.v1") if event["edition"] == 3]
    revised = {event["symbol"]: event["prices_revised_from"] for event in updated if event["prices_revised_from"]}
    assert revised == {company: TUESDAY.isoformat()}
    assert {carried for _, carried in (await batch.betas(company, 3)).values()} == {None}


async def test_the_same_session_asked_again_confirms_nothing(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 0.5, TUESDAY, WEDNESDAY)
    exchange.fault(kind="drop", symbols=["SPY"])
    assert await batch.run_night_of(TUESDAY) == "failed"
    await asyncio.sleep(0.05)
    await batch.rows("DELETE FROM symbols.run_fetches WHERE run_id = $1", run_id_of(TUESDAY))
    assert await batch.run_night_of(TUESDAY) == "failed"
    assert await batch.held_state(company, TUESDAY) == "pending"


async def test_a_wrong_bar_that_the_next_one_takes_back_stays_held_while_it_is_repeated(
    batch, exchange, company
) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 100.0, TUESDAY)
    await batch.run_night_of(TUESDAY)
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    assert await batch.held_state(company, TUESDAY) == "pending"
    assert await batch.close_of(company, TUESDAY) is None
    assert await batch.close_of(company, WEDNESDAY) is not None
    assert await batch.rows("SELECT * FROM symbols.revisions") == []


async def test_a_bar_that_the_source_corrects_is_revised_and_the_held_one_forgotten(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 100.0, TUESDAY)
    await batch.run_night_of(TUESDAY)
    exchange.heal()
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    assert await batch.close_of(company, TUESDAY) == pytest.approx(await batch.close_of(company, MONDAY), rel=0.1)
    assert await batch.held_state(company, TUESDAY) == "rejected"
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(3, company, TUESDAY)]


async def test_a_correction_that_does_not_fit_is_held_and_the_stored_bars_stay(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    before = await batch.rows("SELECT session, close FROM symbols.market_data_cache WHERE symbol = $1", company)
    exchange.scale(company, 2.0, date(2025, 7, 1), date(2025, 7, 2), THURSDAY, MONDAY)
    assert await batch.run_night_of(TUESDAY) == "completed"
    after = await batch.rows("SELECT session, close FROM symbols.market_data_cache WHERE symbol = $1", company)
    assert [row for row in after if row["session"] != TUESDAY] == before
    held = await batch.rows("SELECT session, state FROM symbols.quarantined_bars ORDER BY session")
    assert [tuple(row) for row in held] == [
        (day, "pending") for day in (date(2025, 7, 1), date(2025, 7, 2), THURSDAY, MONDAY)
    ]
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    assert await batch.value("SELECT count(*) FROM symbols.quarantined_bars WHERE state = 'pending'") == 4
    assert await batch.rows("SELECT * FROM symbols.revisions") == []


async def test_a_night_killed_in_the_gate_resumes_to_the_same_verdict(
    replica, exchange, company, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = replica()
    await batch.add(exchange.symbols)
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 1.3, TUESDAY)

    def die(point: str) -> None:
        if point == "night.after_gate":
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("symbol_batch.gate.crash_points.reached", die)
        with pytest.raises(Killed):
            await batch.run_night_of(TUESDAY)
    assert await batch.held_state(company, TUESDAY) == "pending"
    assert await batch.value("SELECT rule FROM symbols.quarantined_bars") == "cross section"
    await batch.rows("UPDATE symbols.batch_runs SET lease_until = '-infinity' WHERE state = 'running'")
    exchange.forget_requests()
    assert [run.state for run in await replica().reconciler.reconcile()] == ["completed_with_warnings"]
    assert exchange.asked_for() == set()
    assert await batch.close_of(company, TUESDAY) is None
    assert {carried for _, carried in (await batch.betas(company, 2)).values()} == {MONDAY}


async def test_sessions_slept_through_are_caught_up_past_a_held_bar(batch, exchange, company) -> None:
    sessions = [date(2025, 7, day) for day in (1, 2, 3, 7, 8, 9)]
    await batch.run_night_of(sessions[0])
    exchange.scale(company, 0.5, *sessions[1:])
    batch.clock.move_to_night_of(WEDNESDAY)
    runs = await batch.reconciler.reconcile()
    assert [run.session for run in runs] == sessions[1:]
    assert [run.state for run in runs] == ["completed_with_warnings", *["completed"] * 4]
    assert await batch.held_state(company, sessions[1]) == "confirmed"
    stored = await batch.rows(
        "SELECT session FROM symbols.market_data_cache WHERE symbol = $1 AND session >= $2 ORDER BY 1",
        company,
        sessions[0],
    )
    assert [row["session"] for row in stored] == sessions


async def test_a_symbol_held_on_its_first_night_has_null_exposures_with_the_reason(batch, exchange, company) -> None:
    exchange.scale(company, 100.0, MONDAY)
    assert await batch.run_night_of(MONDAY) == "completed_with_warnings"
    rows = await batch.rows("SELECT * FROM symbols.symbol_factor_exposures WHERE symbol = $1", company)
    assert {(row["status"], row["reason"], row["carried_from"]) for row in rows} == {("null", "quarantined", None)}
    assert len(rows) == 12


async def test_the_price_service_says_of_each_bar_whether_it_is_in_doubt(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 100.0, TUESDAY)
    await batch.run_night_of(TUESDAY)
    own = (await batch.prices.bars([company, "NOPE"], THURSDAY, TUESDAY))[company]
    assert own.bars.days.tolist() == [THURSDAY, MONDAY]
    assert (own.states, own.sources) == (("passed", "passed"), ("yahoo", "yahoo"))
    all_of_it = (await batch.prices.bars([company, "NOPE"], THURSDAY, TUESDAY, with_held=True))[company]
    assert all_of_it.states == ("passed", "passed", "pending")
    assert all_of_it.bars.close[2] > 50 * all_of_it.bars.close[1]
    assert all_of_it.fetched_at[2] == batch.clock.now()
    assert (await batch.prices.bars(["NOPE"], THURSDAY, TUESDAY))["NOPE"].bars.days.tolist() == []


async def test_a_new_symbols_jump_of_the_past_is_held_and_released_by_the_next_night(
    replica, exchange, company
) -> None:
    batch = replica()
    await batch.add([symbol for symbol in exchange.symbols if symbol != company])
    await batch.run_night_of(MONDAY)
    since = [day for day in calendar_at(MONDAY).days if date(2025, 3, 3) <= day <= WEDNESDAY]
    exchange.scale(company, 0.5, *since)
    await batch.rows("INSERT INTO symbols.symbol_requests (symbol, state) VALUES ($1, 'queued')", company)
    assert await batch.new_symbols.drain() == [(company, "ready")]
    held = await batch.rows("SELECT session, state FROM symbols.quarantined_bars")
    assert [tuple(row) for row in held] == [(since[0], "pending")]
    assert {carried for _, carried in (await batch.betas(company, 1)).values()} == {None}
    await batch.run_night_of(TUESDAY)
    assert await batch.held_state(company, since[0]) == "confirmed"
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(2, company, since[0])]
    assert await batch.close_of(company, since[0]) is not None


async def test_what_goes_ex_with_a_held_bar_is_held_and_released_with_it(
    replica, exchange, company, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = replica()
    await batch.add(exchange.symbols)
    ask = batch.provider.history

    async def paying(symbol: str, start: date):
        answer = await ask(symbol, start)
        if symbol != company or TUESDAY not in answer.bars.days.tolist():
            return answer
        return replace(answer, bars=replace(answer.bars, dividends=(*answer.bars.dividends, (TUESDAY, 0.5))))

    monkeypatch.setattr(batch.provider, "history", paying)
    await batch.run_night_of(MONDAY)
    exchange.scale(company, 1.3, TUESDAY, WEDNESDAY)
    await batch.run_night_of(TUESDAY)
    ledger = "SELECT amount FROM symbols.corporate_actions WHERE symbol = $1 AND ex_date = $2"
    assert await batch.value("SELECT rule FROM symbols.quarantined_bars") == "cross section"
    assert await batch.value(ledger, company, TUESDAY) is None
    [held] = await batch.prices.quarantined([company])
    assert [(action.kind, action.ex_date, action.amount) for action in held.actions] == [("dividend", TUESDAY, 0.5)]
    await batch.run_night_of(WEDNESDAY)
    assert await batch.held_state(company, TUESDAY) == "confirmed"
    assert await batch.value(ledger, company, TUESDAY) == 0.5


async def test_asking_again_finds_holes_and_corrections_and_leaves_them_to_a_revision(
    batch, exchange, company, revisions
) -> None:
    old = date(2025, 3, 4)
    exchange.scale(company, 1.1, old)
    await batch.run_night_of(MONDAY)
    exchange.heal()
    await batch.rows("DELETE FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2", company, THURSDAY)
    before = await batch.close_of(company, old)
    chunks = [
        chunk
        async for chunk in batch.intake.take_again([company, "SPY"], date(2025, 1, 2), MONDAY, calendar_at(MONDAY))
    ]
    [changed] = [taken.revision for chunk in chunks for taken in chunk if taken.revision is not None]
    assert changed.bars.days.tolist() == [old, THURSDAY]
    assert await batch.close_of(company, old) == before
    edition = await revisions.publish([changed], "a backfill")
    assert edition.number == 2
    assert await batch.close_of(company, old) == pytest.approx(before / 1.1, rel=1e-6)
    assert await batch.close_of(company, THURSDAY) is not None
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(2, company, old)]
