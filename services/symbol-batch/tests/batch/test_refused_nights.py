"""Nights that the provider refuses."""

import asyncio
from datetime import date

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY = date(2025, 7, 7)


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
