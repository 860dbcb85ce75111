"""Earlier prices and exposures filled in: published as revisions, once, and begun again where they were interrupted."""

from datetime import date

import pytest

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.backfill import BackfillRefused, ExposureBackfill, PriceBackfill
from symbol_batch.revisions import Revisions
from symbol_batch.schedule import run_id_of
from symbol_batch.store import runs

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

LATER = date(2025, 1, 2)
"""History is first loaded from here; the market begins a year before."""
FIRST, LAST = date(2024, 10, 1), date(2024, 10, 31)
LISTED_LATER = 1
"""Symbols of the market that are younger than the range."""
THURSDAY, MONDAY, TUESDAY = date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8)


def quietly(done: int, total: int, what: str) -> None:
    assert done <= total
    assert what


@pytest.fixture
async def young(replica, exchange):
    """Monday's edition of a market whose history was loaded from January on."""
    batch = replica()
    batch.intake._history_from = LATER
    await batch.add(exchange.symbols)
    assert await batch.run_night_of(MONDAY) == "completed"
    exchange.forget_requests()
    return batch


def prices_of(batch) -> PriceBackfill:
    return PriceBackfill(batch.engine, batch.intake, Revisions(batch.engine, batch.outbox, batch.clock), batch.clock)


async def bars(batch, first: date, last: date) -> int:
    return await batch.value("SELECT count(*) FROM symbols.traded_bars WHERE session BETWEEN $1 AND $2", first, last)


async def test_an_earlier_range_is_loaded_and_published_as_one_revision(young, exchange) -> None:
    filled = await prices_of(young).fill(None, FIRST, LAST, quietly)
    assert filled.outcomes == {"OK": len(exchange.symbols)}
    assert filled.editions == [2]
    assert filled.bars == await bars(young, FIRST, LAST) == 23 * (len(exchange.symbols) - LISTED_LATER)
    assert await bars(young, date(2024, 11, 1), date(2024, 12, 31)) == 0, "only the range is filled in"
    revised = await young.rows("SELECT DISTINCT edition, prices_revised_from FROM symbols.revisions")
    assert [tuple(row) for row in revised] == [(2, FIRST)]
    said = [event for event in await young.events("symbol.factors.updated.v1") if event["reason"] == "revision"]
    assert {event["prices_revised_from"] for event in said} == {FIRST.isoformat(), None}, "None of the younger one"


async def test_what_is_stored_is_not_asked_for_again(young, exchange) -> None:
    some = [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][:3]
    await prices_of(young).fill(some, FIRST, LAST, quietly)
    exchange.forget_requests()
    filled = await prices_of(young).fill(None, FIRST, LAST, quietly)
    assert filled.complete_before == 3
    assert exchange.asked_for() == set(exchange.symbols) - set(some)
    exchange.forget_requests()
    again = await prices_of(young).fill(None, FIRST, LAST, quietly)
    assert (again.asked, again.bars, again.editions) == (LISTED_LATER, 0, [])
    assert len(exchange.asked_for()) == LISTED_LATER


async def test_a_provider_that_refuses_ends_it_and_what_came_before_is_published(young, exchange) -> None:
    exchange.fault(kind="refuse")
    filled = await prices_of(young).fill(None, FIRST, LAST, quietly)
    assert set(filled.outcomes) == {"RATE_LIMITED"}
    assert filled.editions == []
    assert await bars(young, FIRST, LAST) == 0


async def test_a_bar_that_the_gate_would_hold_back_at_night_is_held_back_here_too(young, exchange) -> None:
    symbol = [symbol for symbol in exchange.symbols if symbol not in BENCHMARKS][3]
    exchange.fault(kind="scale", symbols=[symbol], factor=100.0, sessions=["2024-10-15"])
    await prices_of(young).fill([symbol], FIRST, LAST, quietly)
    held = await young.rows("SELECT session FROM symbols.quarantined_bars WHERE symbol = $1", symbol)
    assert [row["session"] for row in held] == [date(2024, 10, 15)]
    stored = "SELECT count(*) FROM symbols.traded_bars WHERE symbol = $1 AND session = $2"
    assert await young.value(stored, symbol, date(2024, 10, 15)) == 0
    assert await young.value(stored, symbol, date(2024, 10, 16)) == 1


async def test_nothing_is_filled_in_before_the_first_edition_outside_the_calendar_or_during_a_night(batch) -> None:
    with pytest.raises(BackfillRefused, match="nothing is published"):
        await prices_of(batch).fill(None, FIRST, LAST, quietly)
    with pytest.raises(BackfillRefused, match="nothing is published"):
        await ExposureBackfill(batch.engine, batch.clock).fill(FIRST, LAST, quietly)
    assert await batch.run_night_of(MONDAY) == "completed"
    with pytest.raises(BackfillRefused, match="no session"):
        await prices_of(batch).fill(None, date(2001, 1, 2), date(2001, 1, 3), quietly)
    with pytest.raises(BackfillRefused, match="only earlier sessions"):
        await ExposureBackfill(batch.engine, batch.clock).fill(MONDAY, TUESDAY, quietly)
    async with batch.engine.begin() as connection:
        await runs.claim(
            connection, run_id=run_id_of(TUESDAY), session=TUESDAY, holder="them", lease_seconds=60,
            now=batch.clock.now(), code_version="1",
        )  # fmt: skip
    with pytest.raises(BackfillRefused, match=f"night of {TUESDAY} is running"):
        await prices_of(batch).fill(None, FIRST, LAST, quietly)


async def test_past_exposures_are_what_the_night_of_their_session_would_have_published(batch, replica) -> None:
    assert await batch.run_night_of(THURSDAY) == "completed"
    assert await batch.run_night_of(MONDAY) == "completed"
    backfill = ExposureBackfill(batch.engine, batch.clock)
    written = await backfill.fill(date(2025, 7, 2), TUESDAY, quietly)
    query = (
        "SELECT symbol, factor, beta, standard_error, observations, status, reason "
        "FROM symbols.symbol_factor_exposures WHERE session = $1 AND edition = $2 ORDER BY symbol, factor"
    )
    published, filled = await batch.rows(query, THURSDAY, 1), await batch.rows(query, THURSDAY, 2)
    assert len(filled) * 2 == written
    assert [tuple(row) for row in filled] == [tuple(row) for row in published]
    before = await batch.content()
    assert await backfill.fill(date(2025, 7, 2), TUESDAY, quietly) == 0
    assert await batch.content() == before
