"""Symbols whose request was lost are asked for again, and no others."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from onboarding.settings import OnboardingSettings
from onboarding.sweeper import SymbolSweeper
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock

POSITION = {"quantity": "1", "entry_price": "1", "entry_date": "2024-01-02"}


@pytest.fixture
def make_sweeper(engine, clock):
    def make(later: timedelta) -> SymbolSweeper:
        settings = OnboardingSettings(
            postgres_dsn="postgresql://role@nowhere/unused", kafka="nowhere:9092", sweep_seconds=60
        )
        then = Clock(clock.now() + later)
        return SymbolSweeper(engine, Outbox("portfolios", "/services/onboarding", clock=then), then, settings)

    return make


async def hold(api, *symbols, owner="ada", **more):
    positions = [POSITION | more | {"symbol": symbol} for symbol in symbols]
    return (await api.create({"name": "x", "positions": positions}, owner)).json()["portfolio_id"]


async def requested(layer):
    return [key for kind, key, _ in await layer.outbox() if kind == "symbol.requested.v1"]


async def test_only_open_unknown_symbols_that_nobody_works_on_are_asked_for_again(api, layer, make_sweeper):
    await hold(api, "AAPL", "LOST", "QUEUED", "FAILED", "LEFT")
    await hold(api, "LOST", "ZLOST", owner="bob")
    await hold(api, "House", investment_class="PRIVATE")
    await hold(api, "SOLD", exit_date="2024-02-02", exit_price="2")
    await hold(api, "SOLDLATE", exit_date="2024-12-16", exit_price="2")
    deleted = await hold(api, "DROPPED")
    await api.delete(f"/portfolios/{deleted}")
    await layer.request("QUEUED", "queued")
    await layer.request("FAILED", "failed", "not_found")
    await layer.request("LEFT", "ready")
    await layer.connection.execute("DELETE FROM portfolios.outbox")
    assert await make_sweeper(timedelta(minutes=2)).sweep() == ["LEFT", "LOST", "SOLDLATE", "ZLOST"]
    assert await requested(layer) == ["LEFT", "LOST", "SOLDLATE", "ZLOST"]


async def test_what_was_just_asked_for_is_left_alone(api, layer, make_sweeper):
    await hold(api, "FRESH")
    assert await make_sweeper(timedelta(seconds=30)).sweep() == []
    assert await requested(layer) == ["FRESH"]


async def test_nothing_held_is_nothing_to_do(layer, make_sweeper):
    assert await make_sweeper(timedelta(0)).sweep() == []


async def test_one_replica_sweeps_at_a_time(api, engine, layer, make_sweeper):
    await hold(api, "LOST")
    async with engine.begin() as other:
        await other.execute(text("SELECT pg_advisory_xact_lock(hashtext('onboarding sweep'))"))
        assert await asyncio.wait_for(make_sweeper(timedelta(minutes=2)).sweep(), 10) == []
    assert await make_sweeper(timedelta(minutes=2)).sweep() == ["LOST"]


async def test_so_is_what_an_option_is_on_and_not_what_was_deleted_or_closed_before(api, layer, make_sweeper):
    option = {"investment_class": "OPTIONS", "strike_price": "5", "expiration_date": "2025-01-17", "option_type": "PUT"}
    await hold(api, "A PUT", underlying_symbol="UNDER", **option)
    await hold(api, "B PUT", underlying_symbol="AAPL", **option)
    await hold(api, "C PUT", underlying_symbol="LONGAGO", exit_date="2024-02-02", exit_price="2", **option)
    await hold(api, "TAKEN", "LOST")
    await layer.connection.execute("UPDATE portfolios.positions SET deleted_version = 2 WHERE symbol = 'TAKEN'")
    assert await make_sweeper(timedelta(minutes=2)).sweep() == ["LOST", "UNDER"]
