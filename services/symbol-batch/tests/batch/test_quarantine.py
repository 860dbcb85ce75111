"""What becomes of a suspicious bar: held back, then confirmed, corrected, accepted or rejected."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from symbol_batch.bars import TradedBars
from symbol_batch.calendar import calendar_at
from symbol_batch.factors.definitions import BENCHMARKS
from symbol_batch.prices import NotDecidable
from symbol_batch.revisions import Revisions
from symbol_batch.schedule import run_id_of
from symbol_batch.store import prices as store
from symbol_batch.store.price_rows import price_rows

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY, WEDNESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)
NOW = datetime(2025, 7, 8, 1, tzinfo=UTC)
CLOSE = "SELECT close FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2"
STATE = "SELECT state FROM symbols.quarantined_bars WHERE symbol = $1 AND session = $2"
BETAS = "SELECT factor, beta, carried_from FROM symbols.symbol_factor_exposures WHERE symbol = $1 AND edition = $2"


class SecondSource:
    """Another provider of the same market: asks the first one, under a name of its own."""

    name = "second"

    def __init__(self, provider) -> None:
        self._provider = provider
        self.offers = provider.offers
        self.asked: list[str] = []

    async def session_bars(self, symbols, sessions):
        self.asked += symbols
        return [replace(answer, source=self.name) for answer in await self._provider.session_bars(symbols, sessions)]

    async def history(self, symbol, start):
        self.asked.append(symbol)
        return replace(await self._provider.history(symbol, start), source=self.name)


@pytest.fixture
def company(exchange) -> str:
    """A company without gaps or events around these nights."""
    return [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][8]


@pytest.fixture
def revisions(batch) -> Revisions:
    return Revisions(batch.engine, batch.outbox, batch.clock)


class Killed(BaseException):
    """The process dies here."""


def scale(exchange, symbol: str, factor: float, *sessions: date) -> None:
    exchange.fault(kind="scale", symbols=[symbol], sessions=[day.isoformat() for day in sessions], factor=factor)


async def betas(batch, symbol: str, edition: int) -> dict[str, tuple[float, date | None]]:
    return {row["factor"]: (row["beta"], row["carried_from"]) for row in await batch.rows(BETAS, symbol, edition)}


async def test_a_suspicious_bar_is_no_price_and_the_symbol_keeps_its_last_exposures(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 100.0, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"
    assert await batch.value(CLOSE, company, TUESDAY) is None
    held = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert (held["symbol"], held["session"], held["state"], held["rule"]) == (company, TUESDAY, "pending", "jump")
    assert "with no action listed" in held["reason"]
    before, after = await betas(batch, company, 1), await betas(batch, company, 2)
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
    scale(exchange, company, 0.5, TUESDAY, WEDNESDAY)
    await batch.run_night_of(TUESDAY)
    assert await batch.value(STATE, company, TUESDAY) == "pending"
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    monday, tuesday, wednesday = [await batch.value(CLOSE, company, day) for day in (MONDAY, TUESDAY, WEDNESDAY)]
    assert tuesday == pytest.approx(monday / 2, rel=0.1)
    assert wednesday == pytest.approx(tuesday, rel=0.1)
    row = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert (row["state"], row["decided_by"]) == ("confirmed", f"yahoo for {WEDNESDAY}")
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(3, company, TUESDAY)]
    updated = [event for event in await batch.events("symbol.factors.updated.v1") if event["edition"] == 3]
    revised = {event["symbol"]: event["prices_revised_from"] for event in updated if event["prices_revised_from"]}
    assert revised == {company: TUESDAY.isoformat()}
    assert {carried for _, carried in (await betas(batch, company, 3)).values()} == {None}


async def test_the_same_session_asked_again_confirms_nothing(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY, WEDNESDAY)
    exchange.fault(kind="drop", symbols=["SPY"])
    assert await batch.run_night_of(TUESDAY) == "failed"
    await asyncio.sleep(0.05)
    await batch.rows("DELETE FROM symbols.run_fetches WHERE run_id = $1", run_id_of(TUESDAY))
    assert await batch.run_night_of(TUESDAY) == "failed"
    assert await batch.value(STATE, company, TUESDAY) == "pending"


async def test_a_wrong_bar_that_the_next_one_takes_back_stays_held_while_it_is_repeated(
    batch, exchange, company
) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 100.0, TUESDAY)
    await batch.run_night_of(TUESDAY)
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    assert await batch.value(STATE, company, TUESDAY) == "pending"
    assert await batch.value(CLOSE, company, TUESDAY) is None
    assert await batch.value(CLOSE, company, WEDNESDAY) is not None
    assert await batch.rows("SELECT * FROM symbols.revisions") == []


async def test_a_bar_that_the_source_corrects_is_revised_and_the_held_one_forgotten(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 100.0, TUESDAY)
    await batch.run_night_of(TUESDAY)
    exchange.heal()
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    assert await batch.value(CLOSE, company, TUESDAY) == pytest.approx(
        await batch.value(CLOSE, company, MONDAY), rel=0.1
    )
    assert await batch.value(STATE, company, TUESDAY) == "rejected"
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(3, company, TUESDAY)]


@pytest.mark.parametrize(("factor", "rule"), [(0.5, "jump"), (1.3, "cross section")])
async def test_a_second_source_that_agrees_releases_a_bar_at_once(
    replica, exchange, company, factor: float, rule: str
) -> None:
    first = replica()
    second = SecondSource(first.provider)
    batch = replica(second_sources=[second])
    await batch.add(exchange.symbols)
    await batch.run_night_of(MONDAY)
    assert second.asked == []
    scale(exchange, company, factor, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "completed"
    assert second.asked == [company]
    assert await batch.value(CLOSE, company, TUESDAY) is not None
    row = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert (row["state"], row["decided_by"], row["rule"]) == ("confirmed", "second", rule)
    assert {carried for _, carried in (await betas(batch, company, 2)).values()} == {None}


async def test_a_second_source_that_says_otherwise_leaves_the_bar_held(replica, exchange, company) -> None:
    class Contrary(SecondSource):
        async def session_bars(self, symbols, sessions):
            answers = await super().session_bars(symbols, sessions)
            return [replace(answer, bars=replace(answer.bars, close=answer.bars.close * 1.01)) for answer in answers]

    batch = replica(second_sources=[Contrary(replica().provider)])
    await batch.add(exchange.symbols)
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    assert await batch.value(STATE, company, TUESDAY) == "pending"


async def test_an_accepted_bar_is_a_revision_between_nights(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    decided = await revisions.decide(company, TUESDAY, "accept", who="Ann", note="read it in the paper")
    assert (decided.state, decided.edition.number, decided.edition.session) == ("accepted", 3, TUESDAY)
    assert await batch.value("SELECT kind FROM symbols.editions WHERE edition = 3") == "revision"
    assert await batch.value("SELECT edition FROM symbols.current_edition") == 3
    held = (await batch.rows("SELECT * FROM symbols.quarantined_bars"))[0]
    assert await batch.value(CLOSE, company, TUESDAY) == held["close"]
    assert (held["state"], held["decided_by"], held["note"]) == ("accepted", "Ann", "read it in the paper")
    assert {carried for _, carried in (await betas(batch, company, 3)).values()} == {None}
    events = [event for event in await batch.events("symbol.factors.updated.v1") if event["edition"] == 3]
    assert [(event["symbol"], event["reason"], event["prices_revised_from"]) for event in events] == [
        (company, "revision", TUESDAY.isoformat())
    ]


async def test_a_revision_leaves_every_other_symbol_as_it_was(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await revisions.decide(company, TUESDAY, "accept", who="Ann")
    for table in ("symbol_factor_exposures", "symbol_daily_metrics", "risk_loadings"):
        others = (
            f"SELECT to_jsonb(t) - 'edition' AS row FROM symbols.{table} t "
            "WHERE edition = $1 AND symbol <> $2 ORDER BY to_jsonb(t)->>'symbol', to_jsonb(t)->>'factor'"
        )
        before, after = [await batch.rows(others, edition, company) for edition in (2, 3)]
        assert before == after
        assert len(before) >= len(exchange.symbols) - 1
        own = f"SELECT count(*) FROM symbols.{table} WHERE edition = $1 AND symbol = $2"
        assert await batch.value(own, 3, company) == await batch.value(own, 2, company) > 0
    model = "SELECT to_jsonb(m) - 'edition' - 'run_id' FROM symbols.risk_models m WHERE edition = $1"
    assert await batch.value(model, 2) == await batch.value(model, 3)


async def test_the_night_after_an_accepted_bar_finds_nothing_to_say_about_it(
    batch, exchange, company, revisions
) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await revisions.decide(company, TUESDAY, "accept", who="Ann")
    scale(exchange, company, 0.5, WEDNESDAY)
    assert await batch.run_night_of(WEDNESDAY) == "completed"
    assert await batch.value(STATE, company, TUESDAY) == "accepted"
    assert await batch.value("SELECT count(*) FROM symbols.revisions WHERE edition = 4") == 0


async def test_a_rejected_bar_stays_out_while_the_source_repeats_it(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY, WEDNESDAY)
    await batch.run_night_of(TUESDAY)
    decided = await revisions.decide(company, TUESDAY, "reject", who="Ann")
    assert (decided.state, decided.edition) == ("rejected", None)
    await batch.run_night_of(WEDNESDAY)
    assert await batch.value(STATE, company, TUESDAY) == "rejected"
    assert await batch.value(CLOSE, company, TUESDAY) is None
    assert await batch.value(STATE, company, WEDNESDAY) == "pending", "it is compared with the last good bar"


async def test_a_bar_that_was_accepted_can_be_rejected_and_is_a_price_no_longer(
    batch, exchange, company, revisions
) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await revisions.decide(company, TUESDAY, "accept", who="Ann")
    decided = await revisions.decide(company, TUESDAY, "reject", who="Bob")
    assert decided.edition.number == 4
    assert await batch.value(CLOSE, company, TUESDAY) is None
    now, then = await betas(batch, company, 4), await betas(batch, company, 1)
    assert now["market_beta"] == (then["market_beta"][0], MONDAY)
    metrics = "SELECT price_session FROM symbols.symbol_daily_metrics WHERE edition = $1 AND symbol = $2"
    assert [await batch.value(metrics, edition, company) for edition in (3, 4)] == [TUESDAY, MONDAY]


async def test_verdicts_that_cannot_be_carried_out_say_why(batch, exchange, company, revisions) -> None:
    await batch.run_night_of(MONDAY)
    with pytest.raises(NotDecidable, match="no bar of SPY"):
        await revisions.decide("SPY", MONDAY, "accept", who="Ann")
    scale(exchange, company, 0.5, TUESDAY)
    await batch.run_night_of(TUESDAY)
    await batch.rows("UPDATE symbols.batch_runs SET state = 'running', lease_until = now() + interval '1 minute'")
    with pytest.raises(NotDecidable, match="is running"):
        await revisions.decide(company, TUESDAY, "accept", who="Ann")
    await batch.rows("UPDATE symbols.batch_runs SET state = 'completed'")
    both = await asyncio.gather(
        *(revisions.decide(company, TUESDAY, "accept", who=who) for who in ("Ann", "Bob")), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["Decided", "NotDecidable"]
    assert await batch.value("SELECT count(*) FROM symbols.editions") == 3


async def test_a_benchmark_that_is_held_fails_the_night_until_somebody_accepts_it(batch, exchange, revisions) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, "TLT", 0.5, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "failed"
    reason = await batch.value("SELECT reason FROM symbols.batch_runs WHERE session = $1", TUESDAY)
    assert "TLT QUARANTINED (jump: close" in reason
    assert (await revisions.decide("TLT", TUESDAY, "accept", who="Ann")).edition is None
    await asyncio.sleep(0.05)
    assert await batch.run_night_of(TUESDAY) == "completed"
    assert await batch.value("SELECT edition FROM symbols.current_edition") == 2


async def test_an_accepted_benchmark_concerns_every_symbol(batch, exchange, revisions) -> None:
    await batch.run_night_of(MONDAY)
    await batch.rows(
        "INSERT INTO symbols.quarantined_bars (symbol, session, close, source, fetched_at, rule, reason, held_at, "
        "held_in) SELECT symbol, session, close * 1.2, source, fetched_at, 'jump', 'a correction', now(), session "
        "FROM symbols.market_data_cache WHERE symbol = 'SPY' AND session = $1",
        THURSDAY,
    )
    decided = await revisions.decide("SPY", THURSDAY, "accept", who="Ann")
    assert decided.edition.number == 2
    changed = await batch.value(
        "SELECT count(*) FROM symbols.symbol_factor_exposures one JOIN symbols.symbol_factor_exposures other "
        "USING (symbol, factor) WHERE one.edition = 1 AND other.edition = 2 AND factor = 'market_beta' "
        "AND one.beta <> other.beta"
    )
    assert changed > len(exchange.symbols) - 5
    models = await batch.rows("SELECT covariance FROM symbols.risk_models ORDER BY edition")
    assert models[0]["covariance"] != models[1]["covariance"]
    events = [event for event in await batch.events("symbol.factors.updated.v1") if event["edition"] == 2]
    assert len(events) == len(exchange.symbols)
    assert {e["symbol"]: e["prices_revised_from"] for e in events if e["prices_revised_from"]} == {
        "SPY": THURSDAY.isoformat()
    }


async def test_a_correction_that_does_not_fit_is_held_and_the_stored_bars_stay(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    before = await batch.rows("SELECT session, close FROM symbols.market_data_cache WHERE symbol = $1", company)
    scale(exchange, company, 2.0, date(2025, 7, 1), date(2025, 7, 2), THURSDAY, MONDAY)
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
    scale(exchange, company, 1.3, TUESDAY)

    def die(point: str) -> None:
        if point == "night.after_gate":
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("symbol_batch.gate.crash_points.reached", die)
        with pytest.raises(Killed):
            await batch.run_night_of(TUESDAY)
    assert await batch.value(STATE, company, TUESDAY) == "pending"
    assert await batch.value("SELECT rule FROM symbols.quarantined_bars") == "cross section"
    await batch.rows("UPDATE symbols.batch_runs SET lease_until = '-infinity' WHERE state = 'running'")
    exchange.forget_requests()
    assert [run.state for run in await replica().reconciler.reconcile()] == ["completed_with_warnings"]
    assert exchange.asked_for() == set()
    assert await batch.value(CLOSE, company, TUESDAY) is None
    assert {carried for _, carried in (await betas(batch, company, 2)).values()} == {MONDAY}


async def test_sessions_slept_through_are_caught_up_past_a_held_bar(batch, exchange, company) -> None:
    sessions = [date(2025, 7, day) for day in (1, 2, 3, 7, 8, 9)]
    await batch.run_night_of(sessions[0])
    scale(exchange, company, 0.5, *sessions[1:])
    batch.clock.move_to_night_of(WEDNESDAY)
    runs = await batch.reconciler.reconcile()
    assert [run.session for run in runs] == sessions[1:]
    assert [run.state for run in runs] == ["completed_with_warnings", *["completed"] * 4]
    assert await batch.value(STATE, company, sessions[1]) == "confirmed"
    stored = await batch.rows(
        "SELECT session FROM symbols.market_data_cache WHERE symbol = $1 AND session >= $2 ORDER BY 1",
        company,
        sessions[0],
    )
    assert [row["session"] for row in stored] == sessions


async def test_a_symbol_held_on_its_first_night_has_null_exposures_with_the_reason(batch, exchange, company) -> None:
    scale(exchange, company, 100.0, MONDAY)
    assert await batch.run_night_of(MONDAY) == "completed_with_warnings"
    rows = await batch.rows("SELECT * FROM symbols.symbol_factor_exposures WHERE symbol = $1", company)
    assert {(row["status"], row["reason"], row["carried_from"]) for row in rows} == {("null", "quarantined", None)}
    assert len(rows) == 12


async def test_the_price_service_says_of_each_bar_whether_it_is_in_doubt(batch, exchange, company) -> None:
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 100.0, TUESDAY)
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
    scale(exchange, company, 0.5, *since)
    await batch.rows("INSERT INTO symbols.symbol_requests (symbol, state) VALUES ($1, 'queued')", company)
    assert await batch.new_symbols.drain() == [(company, "ready")]
    held = await batch.rows("SELECT session, state FROM symbols.quarantined_bars")
    assert [tuple(row) for row in held] == [(since[0], "pending")]
    assert {carried for _, carried in (await betas(batch, company, 1)).values()} == {None}
    await batch.run_night_of(TUESDAY)
    assert await batch.value(STATE, company, since[0]) == "confirmed"
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(2, company, since[0])]
    assert await batch.value(CLOSE, company, since[0]) is not None


async def test_bars_that_somebody_stored_meanwhile_stay_and_the_others_are_added(batch) -> None:
    async with batch.engine.begin() as connection:
        nines = {name: np.array([9.0, 9.0]) for name in ("open", "high", "low", "close", "volume")}
        bars = TradedBars(np.array([MONDAY, TUESDAY], "datetime64[D]"), **nines)
        await store.add_prices(connection, price_rows("X", bars.at(np.array([True, False])), "one", NOW))
        await store.add_prices(connection, price_rows("X", replace(bars, close=np.array([1.0, 1.0])), "other", NOW))
    stored = await batch.rows("SELECT session, close, source FROM symbols.market_data_cache ORDER BY session")
    assert [tuple(row) for row in stored] == [(MONDAY, 9.0, "one"), (TUESDAY, 1.0, "other")]


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
    scale(exchange, company, 1.3, TUESDAY, WEDNESDAY)
    await batch.run_night_of(TUESDAY)
    ledger = "SELECT amount FROM symbols.corporate_actions WHERE symbol = $1 AND ex_date = $2"
    assert await batch.value("SELECT rule FROM symbols.quarantined_bars") == "cross section"
    assert await batch.value(ledger, company, TUESDAY) is None
    [held] = await batch.prices.quarantined([company])
    assert [(action.kind, action.ex_date, action.amount) for action in held.actions] == [("dividend", TUESDAY, 0.5)]
    await batch.run_night_of(WEDNESDAY)
    assert await batch.value(STATE, company, TUESDAY) == "confirmed"
    assert await batch.value(ledger, company, TUESDAY) == 0.5


async def test_asking_again_finds_holes_and_corrections_and_leaves_them_to_a_revision(
    batch, exchange, company, revisions
) -> None:
    old = date(2025, 3, 4)
    scale(exchange, company, 1.1, old)
    await batch.run_night_of(MONDAY)
    exchange.heal()
    await batch.rows("DELETE FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2", company, THURSDAY)
    before = await batch.value(CLOSE, company, old)
    chunks = [
        chunk
        async for chunk in batch.intake.take_again([company, "SPY"], date(2025, 1, 2), MONDAY, calendar_at(MONDAY))
    ]
    [changed] = [taken.revision for chunk in chunks for taken in chunk if taken.revision is not None]
    assert changed.bars.days.tolist() == [old, THURSDAY]
    assert await batch.value(CLOSE, company, old) == before
    edition = await revisions.publish([changed], "a backfill")
    assert edition.number == 2
    assert await batch.value(CLOSE, company, old) == pytest.approx(before / 1.1, rel=1e-6)
    assert await batch.value(CLOSE, company, THURSDAY) is not None
    assert [tuple(row) for row in await batch.rows("SELECT * FROM symbols.revisions")] == [(2, company, old)]


async def test_two_revisions_at_once_follow_each_other_and_neither_is_lost(batch, exchange, company, revisions) -> None:
    other = [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][9]
    await batch.run_night_of(MONDAY)
    scale(exchange, company, 0.5, TUESDAY)
    scale(exchange, other, 0.5, TUESDAY)
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"
    both = await asyncio.gather(
        *(revisions.decide(symbol, TUESDAY, "accept", who="Ann") for symbol in (company, other))
    )
    assert sorted(decided.edition.number for decided in both) == [3, 4]
    for symbol in (company, other):
        assert {carried for _, carried in (await betas(batch, symbol, 4)).values()} == {None}
    assert len(await batch.rows("SELECT * FROM symbols.revisions")) == 2
