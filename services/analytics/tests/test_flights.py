"""Work asked for at the same time is done once, and outlives who asked for it."""

import asyncio

import pytest

from analytics.flights import Flights


async def test_those_who_ask_meanwhile_share_the_result() -> None:
    flights: Flights[str, object] = Flights()
    begun = 0

    async def work() -> object:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0.02)
        return object()

    results = await asyncio.gather(*(flights.join("a", work) for _ in range(5)))
    assert (begun, len(set(map(id, results)))) == (1, 1)
    assert len(flights) == 0
    await flights.join("a", work)
    assert begun == 2


async def test_who_goes_away_does_not_take_the_result_from_the_others() -> None:
    flights: Flights[str, int] = Flights()
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 7

    first, second = (asyncio.create_task(flights.join("a", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    assert await second == 7
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_an_error_reaches_everybody_and_is_not_kept() -> None:
    flights: Flights[str, int] = Flights()
    attempts = 0

    async def work() -> int:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0)
        if attempts == 1:
            raise ConnectionError("away")
        return 1

    results = await asyncio.gather(*(flights.join("a", work) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError] * 3
    assert await flights.join("a", work) == 1
