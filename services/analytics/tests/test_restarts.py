"""Answers outlive the process that computed them and the Valkey that keeps them."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from local_stack.valkey import ValkeyServer

MONDAY = date(2024, 12, 16)
QUESTIONS = 100
PORTFOLIOS = 20
ASKED = [("overview", {"top": 3}), ("overview", {"top": 7}), ("factor-exposures", {}), ("risk", {}), ("var", {})]
QUIET = 2.0
"""Seconds in which nothing is asked: append-only writes reach the disk every second."""


@pytest.fixture
async def portfolios(world: Any) -> list[UUID]:
    await world.edition(1, MONDAY)
    await world.symbol(1, "AAA", 1.2)
    await world.symbol(1, "BBB", 0.4)
    made = [await world.portfolio() for _ in range(PORTFOLIOS)]
    for n, portfolio in enumerate(made):
        await world.fold(portfolio, 1, MONDAY, world.lot("AAA", 100.0 + n), world.lot("BBB", 50.0), cash=5.0 * n)
    return made


async def ask_all(replica: Any, portfolios: list[UUID]) -> list[dict[str, Any]]:
    asked = [(portfolio, *question) for portfolio in portfolios for question in ASKED]
    assert len(asked) == QUESTIONS
    return [await replica.ask(portfolio, measure, **parameters) for portfolio, measure, parameters in asked]


def without_layer(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in body.items() if name != "cache"} for body in bodies]


async def in_order(valkey: ValkeyServer) -> None:
    await asyncio.to_thread(valkey.stop)


async def as_a_power_cut(valkey: ValkeyServer) -> None:
    await asyncio.sleep(QUIET)
    await asyncio.to_thread(valkey.kill)


@pytest.mark.parametrize("ends", [in_order, as_a_power_cut])
async def test_after_analytics_and_valkey_start_again_what_was_asked_is_not_computed_again(
    portfolios: list[UUID], make_replica: Any, valkey_server: ValkeyServer, ends: Callable[[ValkeyServer], Any]
) -> None:
    before = await ask_all(await make_replica(), portfolios)
    assert {body["cache"] for body in before} == {"miss"}
    await ends(valkey_server)
    assert not valkey_server.running
    await asyncio.to_thread(valkey_server.start)
    after = await ask_all(await make_replica(), portfolios)
    hits = sum(body["cache"] in ("redis", "process") for body in after)
    assert hits >= 0.95 * QUESTIONS, f"{hits} of {QUESTIONS}"
    # With the instant at which each was computed: none of them was made again.
    differing = [one for one, other in zip(without_layer(before), without_layer(after), strict=True) if one != other]
    assert len(differing) <= QUESTIONS - hits
    assert [body["data"] for body in before] == [body["data"] for body in after]
