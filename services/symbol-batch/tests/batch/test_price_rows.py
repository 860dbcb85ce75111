"""Bars in the form of binary COPY, read back from Postgres."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from symbol_batch.bars import NO_BARS, TradedBars
from symbol_batch.store import prices as store
from symbol_batch.store.price_rows import price_rows

FETCHED = datetime(2025, 7, 7, 21, 1, 2, 345678, tzinfo=UTC)
FIRST, LAST = date(1999, 12, 31), date(2025, 7, 7)
READ = "SELECT session, open, high, low, close, volume, currency, source, fetched_at FROM symbols.market_data_cache"


def bars_of(*days: date, **figures: float) -> TradedBars:
    """Bars with the figures 1.5, 2.5, … unless others are given."""
    columns = {
        column.name: np.full(len(days), figures.get(column.name, place + 0.5))
        for place, column in enumerate(fields(TradedBars)[1:], start=1)
    }
    return TradedBars(np.array(days, dtype="datetime64[D]"), **{**columns, "volume": np.full(len(days), 3e9)})


async def stored(batch, *rows: bytes) -> list[tuple[object, ...]]:
    async with batch.engine.begin() as connection:
        await store.add_prices(connection, b"".join(rows))
    return [tuple(row) for row in await batch.rows(f"{READ} ORDER BY symbol, session")]


async def test_every_figure_comes_back_as_it_was_before_and_after_2000(batch) -> None:
    figures = (1.5, 2.5, 3.5, 4.5, 3_000_000_000, "USD", "yahoo", FETCHED)
    rows = await stored(batch, price_rows("BRK-B", bars_of(FIRST, LAST), "yahoo", FETCHED))
    assert rows == [(FIRST, *figures), (LAST, *figures)]


@pytest.mark.parametrize("missing", ["open", "high", "low", "volume"])
async def test_a_figure_that_is_not_known_is_null_in_its_bar_alone(batch, missing: str) -> None:
    bars = bars_of(FIRST, LAST)
    bars = replace(bars, **{missing: np.array([np.nan, 7.0])})
    [first, last] = await stored(batch, price_rows("X", bars, "yahoo", FETCHED))
    place = READ.replace("SELECT ", "").split(", ").index(missing)
    assert (first[place], last[place]) == (None, 7.0)
    assert [figure for figure in first if figure is None] == [None]


async def test_symbols_and_sources_of_any_length_go_in_one_copy(batch) -> None:
    rows = [
        price_rows("A", bars_of(LAST), "files", FETCHED),
        price_rows("LONG.NAME-É", bars_of(LAST), "a source in several words", FETCHED),
        price_rows("NONE", NO_BARS, "yahoo", FETCHED),
    ]
    assert [row[7] for row in await stored(batch, *rows)] == ["files", "a source in several words"]
    names = await batch.rows("SELECT symbol FROM symbols.market_data_cache ORDER BY symbol")
    assert [row["symbol"] for row in names] == ["A", "LONG.NAME-É"]


async def test_an_instant_of_another_time_zone_is_the_same_instant(batch) -> None:
    there = FETCHED.astimezone(timezone(timedelta(hours=-4)))
    [row] = await stored(batch, price_rows("X", bars_of(LAST), "yahoo", there))
    assert row[-1] == FETCHED


async def test_a_bar_is_written_over_only_where_the_caller_knows_better(batch) -> None:
    async with batch.engine.begin() as connection:
        await store.add_prices(connection, price_rows("X", bars_of(FIRST), "yahoo", FETCHED))
        other = price_rows("X", bars_of(FIRST, LAST, close=9.0), "other", FETCHED)
        assert await store.insert_prices(connection, other) == 1
        assert await store.insert_prices(connection, other, replace=True) == 2
    rows = await batch.rows("SELECT close, source FROM symbols.market_data_cache")
    assert {tuple(row) for row in rows} == {(9.0, "other")}


async def test_bars_that_somebody_stored_meanwhile_stay_and_the_others_are_added(batch) -> None:
    async with batch.engine.begin() as connection:
        nines = {name: np.array([9.0, 9.0]) for name in ("open", "high", "low", "close", "volume")}
        bars = TradedBars(np.array([FIRST, LAST], "datetime64[D]"), **nines)
        await store.add_prices(connection, price_rows("X", bars.at(np.array([True, False])), "one", FETCHED))
        await store.add_prices(connection, price_rows("X", replace(bars, close=np.array([1.0, 1.0])), "other", FETCHED))
    stored = await batch.rows("SELECT session, close, source FROM symbols.market_data_cache ORDER BY session")
    assert [tuple(row) for row in stored] == [(FIRST, 9.0, "one"), (LAST, 1.0, "other")]
