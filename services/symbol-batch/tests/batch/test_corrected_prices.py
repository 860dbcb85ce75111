"""What a night finds changed in sessions that are published."""

import asyncio
from datetime import date

import pytest

from symbol_batch.calendar import calendar_at
from symbol_batch.schedule import run_id_of

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

THURSDAY, MONDAY, TUESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8)


async def test_a_price_that_arrives_late_is_a_revision_of_the_session_it_belongs_to(batch, exchange) -> None:
    late = exchange.company()
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
    wrong = exchange.company()
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
    wrong = exchange.company()
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
    other = exchange.company()
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
