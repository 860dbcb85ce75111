"""Editions as arrays: read whole once, extended when they grow, never mixed."""

import asyncio
from datetime import date
from typing import Any
from unittest.mock import AsyncMock

import numpy as np
import pytest

from analytics.factors import FACTORS
from analytics.metrics import EDITION_FAILURES

MONDAY = date(2024, 12, 16)


@pytest.fixture
async def edition(world: Any) -> None:
    await world.edition(1, MONDAY)
    await world.symbol(1, "AAA", [float(n) for n in range(12)], error=0.25)
    await world.symbol(1, "BBB", [None, *([1.0] * 11)])


@pytest.mark.usefixtures("edition")
async def test_rows_become_arrays_in_the_order_of_the_factors(replica: Any) -> None:
    read = await replica.symbols.edition(1, [])
    row = read.index["AAA"]
    assert read.betas[row].tolist() == [float(n) for n in range(12)]
    assert read.standard_errors[row].tolist() == [0.25] * 12
    assert np.isnan(read.betas[read.index["BBB"], 0])
    assert read.reasons == {("BBB", 0): "too_few_observations"}
    assert (read.methods, read.windows) == (("ols",) * 12, (90,) * 12)


@pytest.mark.usefixtures("edition")
async def test_only_the_rows_of_an_added_symbol_are_read(world: Any, replica: Any) -> None:
    reads = []
    read = replica.symbols._read

    async def count(number: int, symbols: Any) -> Any:
        reads.append(symbols)
        return await read(number, symbols)

    replica.symbols._read = count
    await replica.symbols.edition(1, ["AAA"])
    await world.symbol(1, "NEW", 4.0)
    grown = await replica.symbols.edition(1, ["AAA", "NEW"])
    await replica.symbols.edition(1, ["NEW"])
    assert reads == [None, ["NEW"]]
    assert grown.betas[grown.index["NEW"]].tolist() == [4.0] * 12
    assert grown.betas[grown.index["AAA"]].tolist() == [float(n) for n in range(12)]


@pytest.mark.usefixtures("edition")
async def test_many_who_need_an_edition_at_once_read_it_once(replica: Any) -> None:
    reads = 0
    read = replica.symbols._read

    async def count(number: int, symbols: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(number, symbols)

    replica.symbols._read = count
    editions = await asyncio.gather(*(replica.symbols.edition(1, ["AAA"]) for _ in range(10)))
    assert reads == 1
    assert len({id(edition) for edition in editions}) == 1


@pytest.mark.usefixtures("edition")
async def test_no_question_pays_for_what_is_made_once(world: Any, replica: Any) -> None:
    """Not the first one to an edition, nor the first one after a symbol came."""
    assert {"given_returns", "loading_regressions"} <= vars(await replica.symbols.edition(1, ["AAA"])).keys()
    await world.symbol(1, "NEW", 4.0)
    assert {"given_returns", "loading_regressions"} <= vars(await replica.symbols.edition(1, ["NEW"])).keys()


@pytest.mark.usefixtures("edition")
async def test_an_edition_that_cannot_be_read_is_counted_and_read_by_the_next_who_asks(
    replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = EDITION_FAILURES._value.get()
    with monkeypatch.context() as broken:
        broken.setattr("analytics.symbols.read_edition", AsyncMock(side_effect=OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            await replica.symbols.edition(1, ["AAA"])
    assert EDITION_FAILURES._value.get() == before + 1
    assert "AAA" in (await replica.symbols.edition(1, ["AAA"])).index
    assert EDITION_FAILURES._value.get() == before + 1


@pytest.mark.usefixtures("edition")
async def test_the_two_newest_are_kept_and_an_older_one_is_read_for_its_symbols_only(world: Any, replica: Any) -> None:
    for number in (2, 3):
        await world.edition(number, MONDAY)
        await world.symbol(number, "AAA", 10.0 * number)
    for number in (1, 2, 3):
        await replica.symbols.edition(number, ["AAA"])
    assert replica.symbols.kept == (2, 3)
    old = await replica.symbols.edition(1, ["AAA"])
    assert (list(old.index), old.betas[0, 1]) == (["AAA"], 1.0)
    assert replica.symbols.kept == (2, 3)


@pytest.mark.usefixtures("edition")
async def test_a_symbol_that_nobody_knows_is_not_in_the_arrays(replica: Any) -> None:
    read = await replica.symbols.edition(1, ["NOBODY"])
    assert read.rows(("NOBODY", "AAA")).tolist() == [-1, 0]


@pytest.mark.usefixtures("edition")
async def test_a_factor_of_a_newer_symbol_layer_is_passed_over(world: Any, replica: Any) -> None:
    await world.connection.execute(
        "INSERT INTO symbols.symbol_factor_exposures (session, edition, symbol, factor, beta, observations, "
        "window_sessions, method, status, run_id) "
        "VALUES ($1, 1, 'AAA', 'carry', 1, 90, 90, 'ols', 'estimated', gen_random_uuid())",
        MONDAY,
    )
    assert (await replica.symbols.edition(1, [])).betas.shape == (2, len(FACTORS))


async def test_parts_of_two_editions_cannot_be_joined(world: Any, replica: Any) -> None:
    for number in (1, 2):
        await world.edition(number, MONDAY)
    first, second = await replica.symbols.edition(1, []), await replica.symbols.edition(2, [])
    with pytest.raises(ValueError, match="edition 1 cannot be extended with symbols of edition 2"):
        first.with_more(second)
