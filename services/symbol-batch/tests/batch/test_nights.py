"""The night on a real database, through the real client."""

from datetime import date
from math import prod

import numpy as np
import pytest

from symbol_batch.schedule import run_id_of

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8)


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


async def test_too_few_priced_symbols_publish_nothing(batch, exchange) -> None:
    exchange.fault(kind="drop", symbols=[exchange.company(number) for number in range(6, 10)])
    assert await batch.run_night_of(MONDAY) == "failed"
    assert "4 STALE" in await batch.value("SELECT reason FROM symbols.batch_runs")
    assert await batch.value("SELECT count(*) FROM symbols.editions") == 0


async def test_a_symbol_without_a_price_stays_in_the_edition_with_its_reason(batch, exchange) -> None:
    await batch.run_night_of(MONDAY)
    missing = exchange.company()
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


async def test_only_not_found_on_several_sessions_in_a_row_drops_a_symbol(batch, exchange) -> None:
    gone, back, refused = (exchange.company(number) for number in (7, 8, 9))
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


async def test_exposures_are_those_of_the_stored_prices(batch) -> None:
    """One exposure by hand: the slope of a company's returns on SPY's over the last 90 sessions."""
    await batch.run_night_of(MONDAY)
    symbol = batch.exchange.company()
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
