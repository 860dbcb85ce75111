"""The night on a real database, through the real client."""

import asyncio
import random
from datetime import date
from math import prod

import numpy as np
import pytest

from symbol_batch.calendar import calendar_at
from symbol_batch.factors.definitions import BENCHMARKS
from symbol_batch.schedule import run_id_of

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY, WEDNESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8), date(2025, 7, 9)


def company(exchange, number: int = 8) -> str:
    """A company without gaps or events around these nights."""
    return [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][number]


async def claimed(batch) -> None:
    """Wait until somebody works on a night."""
    while not await batch.value("SELECT count(*) FROM symbols.batch_runs"):  # noqa: ASYNC110  # another session's row
        await asyncio.sleep(0.01)


async def test_the_first_night_publishes_prices_exposures_metrics_and_events(batch, exchange) -> None:
    assert await batch.run_night_of(MONDAY) == "completed"
    count = len(exchange.symbols)
    assert await batch.value("SELECT count(*) FROM symbols.symbol_daily_metrics WHERE edition = 1") == count
    assert await batch.value("SELECT count(*) FROM symbols.symbol_factor_exposures") == 12 * count
    assert await batch.value("SELECT session FROM symbols.current_edition WHERE edition = 1") == MONDAY
    updated = await batch.events("symbol.factors.updated.v1")
    assert {event["symbol"] for event in updated} == set(exchange.symbols)
    assert {(event["reason"], event["prices_revised_from"]) for event in updated} == {("night", None)}
    [completed] = await batch.events("symbol.batch.completed.v1")
    assert completed["session"] == MONDAY.isoformat()
    assert (completed["active"], completed["priced"], completed["coverage"]) == (count, count, 1.0)
    run = (await batch.rows("SELECT * FROM symbols.batch_runs"))[0]
    assert run["run_id"] == run_id_of(MONDAY)
    assert '"publish"' in run["steps"]
    assert await batch.value("SELECT min(session) FROM symbols.market_data_cache") == date(2024, 6, 3)
    assert await batch.value("SELECT max(session) FROM symbols.market_data_cache") == MONDAY


async def test_stored_closes_are_as_traded_through_every_split(batch, market) -> None:
    await batch.run_night_of(MONDAY)
    rows = await batch.rows("SELECT symbol, session, close FROM symbols.market_data_cache")
    stored = {(row["symbol"], row["session"]): row["close"] for row in rows}
    sessions = market.sessions
    through_a_split = 0
    for symbol in {row["symbol"] for row in rows}:
        series = market.series[symbol]
        for index, close in zip(series.session.tolist(), series.close.tolist(), strict=True):
            expected = close * prod(split.ratio for split in series.splits if split.session > index)
            if (symbol, sessions.day(index)) in stored:
                assert stored[symbol, sessions.day(index)] == pytest.approx(expected, rel=2e-6)
                through_a_split += expected != close
    assert through_a_split > 100
    kinds = await batch.rows("SELECT kind, count(*) FROM symbols.corporate_actions GROUP BY kind")
    assert {row["kind"] for row in kinds} >= {"split", "dividend"}


async def test_the_second_night_adds_a_session_and_asks_only_for_the_overlap(batch, exchange) -> None:
    await batch.run_night_of(MONDAY)
    before = set(map(tuple, await batch.rows("SELECT symbol, session, close FROM symbols.market_data_cache")))
    assert await batch.run_night_of(TUESDAY) == "completed"
    after = set(map(tuple, await batch.rows("SELECT symbol, session, close FROM symbols.market_data_cache")))
    assert before < after
    assert {row[1] for row in after - before} == {TUESDAY}
    assert await batch.value("SELECT edition FROM symbols.current_edition") == 2
    assert await batch.value("SELECT count(DISTINCT edition) FROM symbols.symbol_factor_exposures") == 2
    assert await batch.rows("SELECT * FROM symbols.revisions") == []


async def test_running_a_night_again_changes_no_row(batch) -> None:
    await batch.run_night_of(MONDAY)
    before = await batch.content()
    assert await batch.reconciler.reconcile(at_once=True) == []
    assert await batch.content() == before
    assert len(before["symbol_daily_metrics"]) > 20


async def test_without_a_benchmark_nothing_is_published_and_the_old_edition_stays(batch, exchange) -> None:
    await batch.run_night_of(MONDAY)
    exchange.fault(kind="drop", symbols=["TLT"])
    assert await batch.run_night_of(TUESDAY) == "failed"
    reason = await batch.value("SELECT reason FROM symbols.batch_runs WHERE session = $1", TUESDAY)
    assert "TLT STALE" in reason
    assert "SPY" not in reason
    assert await batch.value("SELECT edition FROM symbols.current_edition") == 1
    assert await batch.value("SELECT count(*) FROM symbols.editions") == 1
    assert await batch.value("SELECT max(session) FROM symbols.symbol_factor_exposures") == MONDAY
    assert len(await batch.events("symbol.batch.completed.v1")) == 1


async def test_a_refused_night_fails_as_rate_limited_publishes_nothing_and_recovers(batch, exchange) -> None:
    exchange.fault(kind="refuse")
    assert await batch.run_night_of(MONDAY) == "failed"
    outcomes = await batch.rows("SELECT DISTINCT outcome FROM symbols.run_fetches")
    assert [row["outcome"] for row in outcomes] == ["RATE_LIMITED"]
    assert "RATE_LIMITED" in await batch.value("SELECT reason FROM symbols.batch_runs")
    assert await batch.value("SELECT count(*) FROM symbols.current_edition") == 0
    assert await batch.value("SELECT count(*) FROM symbols.market_data_cache") == 0
    assert await batch.value("SELECT sum(not_found_sessions) FROM symbols.symbol_universe") == 0
    exchange.heal()
    await asyncio.sleep(0.05)
    assert await batch.run_night_of(MONDAY) == "completed"
    assert await batch.value("SELECT attempt FROM symbols.batch_runs") == 2


async def test_a_provider_that_refuses_a_whole_chunk_is_not_asked_on(replica, exchange) -> None:
    batch = replica(chunk_symbols=8)
    await batch.add(exchange.symbols)
    exchange.fault(kind="refuse")
    assert await batch.run_night_of(MONDAY) == "failed"
    assert len(exchange.asked_for()) == 8


async def test_a_page_instead_of_json_is_no_answer_of_the_provider(batch, exchange) -> None:
    exchange.fault(kind="html")
    assert await batch.run_night_of(MONDAY) == "failed"
    rows = await batch.rows("SELECT DISTINCT outcome FROM symbols.run_fetches")
    assert [row["outcome"] for row in rows] == ["TRANSPORT"]
    assert "page instead of JSON" in await batch.value("SELECT min(detail) FROM symbols.run_fetches")
    assert await batch.value("SELECT count(*) FROM symbols.market_data_cache") == 0


async def test_two_reconcilers_at_once_make_one_run(replica, exchange) -> None:
    one, other = replica(), replica()
    await one.add(exchange.symbols)
    one.clock.move_to_night_of(MONDAY)
    done = await asyncio.gather(one.reconciler.reconcile(), other.reconciler.reconcile())
    assert sorted(len(runs) for runs in done) == [0, 1]
    assert await one.value("SELECT count(*) FROM symbols.editions") == 1
    assert await one.value("SELECT attempt FROM symbols.batch_runs") == 1


class Killed(BaseException):
    """The process dies here."""


def dies_at(monkeypatch: pytest.MonkeyPatch, point: str, nth: int) -> None:
    passed = []

    def reached(name: str) -> None:
        if name == point:
            passed.append(name)
            if len(passed) == nth:
                raise Killed

    monkeypatch.setattr("riskstream.messaging.crash_points.reached", reached)


async def kill_night_of(session: date, batch, monkeypatch: pytest.MonkeyPatch, point: str, nth: int) -> None:
    """Die in the middle, without the last words of an orderly end, and let the lease run out."""
    dies_at(monkeypatch, point, nth)
    batch.clock.move_to_night_of(session)
    with pytest.raises(BaseException, match=r"^$") as died:
        await batch.reconciler.reconcile()
    assert isinstance(died.value, Killed)
    monkeypatch.undo()
    await batch.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 second' WHERE state = 'running'")


@pytest.mark.parametrize(("point", "nth"), [("night.after_chunk", 2), ("night.before_publish_commit", 1)])
async def test_a_killed_night_resumes_and_asks_only_for_what_is_missing(
    replica, exchange, monkeypatch: pytest.MonkeyPatch, point: str, nth: int
) -> None:
    batch = replica(chunk_symbols=8)
    await batch.add(exchange.symbols)
    await kill_night_of(MONDAY, batch, monkeypatch, point, nth)
    fetched = {row["symbol"] for row in await batch.rows("SELECT symbol FROM symbols.run_fetches")}
    assert await batch.value("SELECT count(*) FROM symbols.editions") == 0
    exchange.forget_requests()
    successor = replica(chunk_symbols=8)
    assert [run.state for run in await successor.reconciler.reconcile()] == ["completed"]
    assert exchange.asked_for() == set(exchange.symbols) - fetched
    assert len(fetched) == (16 if nth == 2 else len(exchange.symbols))
    assert await batch.value("SELECT count(*) FROM symbols.symbol_daily_metrics") == len(exchange.symbols)


@pytest.mark.parametrize("seed", range(5))
async def test_killed_at_a_random_answer_the_resumed_night_asks_only_for_what_is_not_stored(
    replica, exchange, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    batch, answers = replica(chunk_symbols=8), []
    await batch.add(exchange.symbols)
    last = random.Random(seed).randrange(1, len(exchange.symbols))
    ask = batch.provider.history

    async def history(symbol: str, start: date):
        answers.append(await ask(symbol, start))
        if len(answers) == last:
            raise Killed
        return answers[-1]

    monkeypatch.setattr(batch.provider, "history", history)
    batch.clock.move_to_night_of(MONDAY)
    with pytest.raises(Killed):
        await batch.reconciler.reconcile()
    await batch.rows("UPDATE symbols.batch_runs SET lease_until = '-infinity'")
    stored = {row["symbol"] for row in await batch.rows("SELECT DISTINCT symbol FROM symbols.market_data_cache")}
    assert stored == {row["symbol"] for row in await batch.rows("SELECT symbol FROM symbols.run_fetches")}
    assert len(stored) >= last - 2 * 8, "at most what is under way in a chunk, and the chunk before it, is lost"
    exchange.forget_requests()
    assert [run.state for run in await replica().reconciler.reconcile()] == ["completed"]
    assert exchange.asked_for() == set(exchange.symbols) - stored
    assert await batch.value("SELECT count(*) FROM symbols.symbol_daily_metrics") == len(exchange.symbols)


async def test_a_holder_that_wakes_after_its_lease_writes_nothing(replica, exchange) -> None:
    zombie, successor = replica(lease_seconds=60.0), replica()
    await zombie.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=300)
    zombie.clock.move_to_night_of(MONDAY)
    sleeping = asyncio.create_task(zombie.reconciler.reconcile())
    await claimed(zombie)
    await zombie.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 second'")
    exchange.heal()
    assert [run.state for run in await successor.reconciler.reconcile()] == ["completed"]
    published = await zombie.content()
    assert [run.state for run in await sleeping] == ["fenced"]
    assert await zombie.content() == published
    assert await zombie.value("SELECT count(*) FROM symbols.editions") == 1


async def test_a_lost_lease_ends_the_work(replica, exchange) -> None:
    batch = replica(lease_seconds=0.3)
    await batch.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=4000)
    batch.clock.move_to_night_of(MONDAY)
    working = asyncio.create_task(batch.reconciler.reconcile())
    await claimed(batch)
    await batch.rows("UPDATE symbols.batch_runs SET fence = nextval('symbols.fences')")
    assert [run.state for run in await asyncio.wait_for(working, 3.5)] == ["fenced"]


async def test_a_lease_is_renewed_while_the_night_runs(replica, exchange) -> None:
    one, other = replica(lease_seconds=0.6), replica(lease_seconds=0.6)
    await one.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=400)
    one.clock.move_to_night_of(MONDAY)
    working = asyncio.create_task(one.reconciler.reconcile())
    await claimed(one)
    taken_over = []
    while not working.done():
        taken_over += await other.reconciler.reconcile()
        await asyncio.sleep(0.05)
    assert taken_over == []
    assert [(run.state, run.attempt) for run in working.result()] == [("completed", 1)]


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


async def test_too_few_priced_symbols_publish_nothing(batch, exchange) -> None:
    exchange.fault(kind="drop", symbols=[company(exchange, number) for number in range(6, 10)])
    assert await batch.run_night_of(MONDAY) == "failed"
    assert "4 STALE" in await batch.value("SELECT reason FROM symbols.batch_runs")
    assert await batch.value("SELECT count(*) FROM symbols.editions") == 0


async def test_a_symbol_without_a_price_stays_in_the_edition_with_its_reason(batch, exchange) -> None:
    await batch.run_night_of(MONDAY)
    missing = company(exchange)
    exchange.fault(kind="refuse", symbols=[missing])
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"
    row = (await batch.rows("SELECT * FROM symbols.symbol_daily_metrics WHERE edition = 2 AND symbol = $1", missing))[0]
    assert row["price_session"] == MONDAY
    assert row["return_1d"] is None
    assert "no_price (RATE_LIMITED)" in row["reasons"]
    assert row["market_beta"] is not None
    [_, completed] = await batch.events("symbol.batch.completed.v1")
    assert completed["failures"] == {"RATE_LIMITED": 1}
    assert "1 RATE_LIMITED" in await batch.value("SELECT reason FROM symbols.batch_runs WHERE session = $1", TUESDAY)


async def test_a_price_that_arrives_late_is_a_revision_of_the_session_it_belongs_to(batch, exchange) -> None:
    late = company(exchange)
    exchange.fault(kind="drop", symbols=[late])
    assert await batch.run_night_of(MONDAY) == "completed_with_warnings"
    exchange.heal()
    assert await batch.run_night_of(TUESDAY) == "completed"
    rows = await batch.rows("SELECT edition, symbol, prices_revised_from FROM symbols.revisions")
    assert [tuple(row) for row in rows] == [(2, late, MONDAY)]
    updated = [event for event in await batch.events("symbol.factors.updated.v1") if event["edition"] == 2]
    revised = {event["symbol"]: event["prices_revised_from"] for event in updated if event["prices_revised_from"]}
    assert revised == {late: MONDAY.isoformat()}


async def test_a_corrected_close_is_kept_aside_until_an_edition_is_published(batch, exchange) -> None:
    wrong = company(exchange)
    exchange.fault(kind="scale", symbols=[wrong], sessions=[THURSDAY.isoformat()], factor=1.01)
    await batch.run_night_of(MONDAY)
    before = await batch.value(
        "SELECT close FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2", wrong, THURSDAY
    )
    exchange.heal()
    exchange.fault(kind="drop", symbols=["SPY"])
    assert await batch.run_night_of(TUESDAY) == "failed"
    query = "SELECT close FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2"
    assert await batch.value(query, wrong, THURSDAY) == before
    exchange.heal()
    await asyncio.sleep(0.05)
    assert await batch.run_night_of(TUESDAY) == "completed"
    assert await batch.value(query, wrong, THURSDAY) == pytest.approx(before / 1.01, rel=1e-6)
    rows = await batch.rows("SELECT symbol, prices_revised_from FROM symbols.revisions")
    assert [tuple(row) for row in rows] == [(wrong, THURSDAY)]
    assert await batch.value("SELECT count(*) FROM symbols.run_fetches WHERE symbol = $1", wrong) == 2


async def test_the_figures_of_a_night_are_computed_on_its_revisions(batch, exchange) -> None:
    wrong = company(exchange)
    exchange.fault(kind="scale", symbols=[wrong], sessions=[THURSDAY.isoformat()], factor=1.14)
    await batch.run_night_of(MONDAY)
    exchange.heal()
    await batch.run_night_of(TUESDAY)
    query = (
        "SELECT r_squared FROM symbols.symbol_factor_exposures "
        "WHERE symbol = $1 AND factor = 'market_beta' AND edition = $2"
    )
    wrong_fit, right_fit = await batch.value(query, wrong, 1), await batch.value(query, wrong, 2)
    assert right_fit > 1.5 * wrong_fit


async def test_an_overlap_of_another_series_is_bad_data_and_rewrites_nothing(batch, exchange) -> None:
    await batch.run_night_of(MONDAY)
    other = company(exchange)
    before = await batch.rows("SELECT session, close FROM symbols.market_data_cache WHERE symbol = $1", other)
    for factor, day in zip((1.1, 0.9, 1.2, 0.8), calendar_at(MONDAY).window(MONDAY, 4), strict=True):
        exchange.fault(kind="scale", symbols=[other], sessions=[day.isoformat()], factor=factor)
    assert await batch.run_night_of(TUESDAY) == "completed_with_warnings"
    fetched = (
        await batch.rows(
            "SELECT outcome, detail FROM symbols.run_fetches WHERE symbol = $1 AND run_id = $2",
            other,
            run_id_of(TUESDAY),
        )
    )[0]
    assert fetched["outcome"] == "BAD_DATA"
    assert "not by one ratio" in fetched["detail"]
    assert await batch.rows("SELECT session, close FROM symbols.market_data_cache WHERE symbol = $1", other) == before


async def test_only_not_found_on_several_sessions_in_a_row_drops_a_symbol(batch, exchange) -> None:
    gone, back, refused = (company(exchange, number) for number in (7, 8, 9))
    before = 18
    await batch.rows("UPDATE symbols.symbol_universe SET not_found_sessions = $1", before)
    exchange.fault(kind="unknown", symbols=[gone])
    exchange.fault(kind="refuse", symbols=[refused])
    query = "SELECT status, not_found_sessions FROM symbols.symbol_universe WHERE symbol = $1"
    await batch.run_night_of(THURSDAY)
    assert [tuple(row) for row in await batch.rows(query, gone)] == [("active", before + 1)]
    await batch.run_night_of(MONDAY)
    assert [tuple(row) for row in await batch.rows(query, gone)] == [("inactive", before + 2)]
    request = "SELECT state, reason FROM symbols.symbol_requests WHERE symbol = $1"
    assert [tuple(row) for row in await batch.rows(request, gone)] == [("failed", "not_found")]
    assert [tuple(row) for row in await batch.rows(query, back)] == [("active", 0)]
    assert [tuple(row) for row in await batch.rows(query, refused)] == [("active", before)]
    exchange.forget_requests()
    await batch.run_night_of(TUESDAY)
    assert gone not in exchange.asked_for()


async def test_at_most_ten_requests_are_in_flight(batch, exchange) -> None:
    exchange.fault(kind="latency", milliseconds=150)
    exchange.forget_requests()
    assert await batch.run_night_of(MONDAY) == "completed"
    assert 5 <= exchange.most_in_flight() <= 10


async def test_a_stopped_reconciler_gives_its_lease_back(replica, exchange) -> None:
    stopped, successor = replica(lease_seconds=600.0), replica()
    await stopped.add(exchange.symbols)
    exchange.fault(kind="latency", milliseconds=500)
    stopped.clock.move_to_night_of(MONDAY)
    running = asyncio.create_task(stopped.reconciler.run())
    await claimed(stopped)
    stopped.reconciler.stop()
    await asyncio.wait_for(running, 5)
    exchange.heal()
    assert [run.attempt for run in await successor.reconciler.reconcile()] == [2]


async def test_exposures_are_those_of_the_stored_prices(batch) -> None:
    """One exposure by hand: the slope of a company's returns on SPY's over the last 90 sessions."""
    await batch.run_night_of(MONDAY)
    symbol = company(batch.exchange)
    rows = await batch.rows(
        "SELECT symbol, array_agg(close ORDER BY session) AS c FROM symbols.market_data_cache m "
        "WHERE symbol IN ($1, 'SPY') AND session > DATE '2024-12-31' GROUP BY symbol",
        symbol,
    )
    actions = await batch.rows("SELECT * FROM symbols.corporate_actions WHERE symbol IN ($1, 'SPY')", symbol)
    days = [
        row["session"]
        for row in await batch.rows(
            "SELECT session FROM symbols.market_data_cache "
            "WHERE symbol = 'SPY' AND session > DATE '2024-12-31' ORDER BY 1"
        )
    ]
    returns = {}
    for row in rows:
        closes = np.array(row["c"])
        assert len(closes) == len(days)
        ratio, paid = np.ones(len(days)), np.zeros(len(days))
        for action in actions:
            if action["symbol"] == row["symbol"] and action["ex_date"] in days:
                at = days.index(action["ex_date"])
                ratio[at] *= action["ratio"] or 1.0
                paid[at] += action["amount"] or 0.0
        returns[row["symbol"]] = ((ratio * closes + paid)[1:] / closes[:-1] - 1)[-90:]
    slope = np.polyfit(returns["SPY"], returns[symbol], 1)[0]
    stored = await batch.value(
        "SELECT beta FROM symbols.symbol_factor_exposures WHERE symbol = $1 AND factor = 'market_beta'", symbol
    )
    assert stored == pytest.approx(slope, abs=1e-9)


async def test_a_run_that_somebody_holds_cannot_be_claimed(replica) -> None:
    one, other = replica(), replica()
    for session in (THURSDAY, MONDAY, TUESDAY, WEDNESDAY) * 25:  # the two meet within the statement only now and then
        claims = await asyncio.gather(
            *(each.reconciler._claim(session, at_once=at_once) for each in (one, other) for at_once in (False, True))
        )
        assert len([claim for claim in claims if claim is not None]) == 1
        assert await one.value("SELECT attempt FROM symbols.batch_runs") == 1
        await one.rows("DELETE FROM symbols.batch_runs")


@pytest.mark.parametrize("step", ["storing a chunk", "publishing"])
async def test_a_holder_that_lost_its_lease_is_fenced_off_from_every_write(
    replica, exchange, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    zombie, successor = replica(), replica()
    await zombie.add(exchange.symbols)
    owner, name = (zombie.intake, "_settle_chunk") if step == "storing a chunk" else (zombie.night, "_publish")
    write = getattr(owner, name)

    async def taken_over_first(*arguments, **named):
        await zombie.rows("UPDATE symbols.batch_runs SET lease_until = now() - interval '1 second'")
        assert await successor.reconciler._claim(MONDAY, at_once=False) is not None
        return await write(*arguments, **named)

    monkeypatch.setattr(owner, name, taken_over_first)
    assert await zombie.run_night_of(MONDAY) == "fenced"
    prices = [] if step == "publishing" else ["market_data_cache", "corporate_actions", "run_fetches"]
    for table in ("editions", "current_edition", "symbol_factor_exposures", "symbol_daily_metrics", "outbox", *prices):
        assert await zombie.value(f"SELECT count(*) FROM symbols.{table}") == 0, table
    assert await zombie.value("SELECT state FROM symbols.batch_runs") == "running"
