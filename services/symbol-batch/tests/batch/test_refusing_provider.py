"""Nights while the first provider refuses: what the second one saves, and what is left without one."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import numpy as np
import pytest

from riskstream.database.engine import create_engine
from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.calendar import calendar_at
from symbol_batch.provider_chain import provider_chain
from symbol_batch.providers.chain import Chain
from symbol_batch.providers.provider import Outcome
from symbol_batch.settings import CommandSettings

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")

MONDAY, TUESDAY = date(2025, 7, 7), date(2025, 7, 8)


@pytest.fixture
async def chain_of(database, exchange, clock) -> AsyncIterator[Any]:
    """Makes chains as a process has one, each with an engine of its own."""
    engines = []

    def make(*names: str, **options: Any) -> Chain:
        engines.append(create_engine(database.dsns["symbol_batch"], application="test", pool_size=3))
        settings = CommandSettings(
            postgres_dsn=database.dsns["symbol_batch"],
            yahoo_url=exchange.url,
            massive_url=exchange.url,
            massive_key="key",
            provider_deadline=10.0,
            provider_patience=3.0,
            providers=names,
            **options,
        )
        return provider_chain(settings, engines[-1], clock)

    yield make
    for engine in engines:
        await engine.dispose()


def requests(exchange) -> list[dict[str, Any]]:
    return list(httpx.get(f"{exchange.url}/_simulator/requests", trust_env=False).json()["requests"])


async def test_a_bulk_provider_carries_a_night_that_yahoo_refuses(replica, chain_of, exchange) -> None:
    batch = replica(provider=chain_of("yahoo", "massive"))
    await batch.add(exchange.symbols)
    assert await batch.run_night_of(MONDAY) == "completed"
    exchange.fault(kind="refuse")
    exchange.forget_requests()
    assert await batch.run_night_of(TUESDAY) == "completed"
    [completed] = (await batch.events("symbol.batch.completed.v1"))[1:]
    assert completed["coverage"] >= 0.99
    sources = await batch.rows(
        "SELECT source, count(*) FROM symbols.market_data_cache WHERE session = $1 GROUP BY source", TUESDAY
    )
    assert {row["source"]: row["count"] for row in sources} == {"massive": len(exchange.symbols)}
    assert await batch.rows("SELECT * FROM symbols.revisions") == []
    asked = Counter(request["endpoint"] for request in requests(exchange))
    print(f"Yahoo refusing everything: coverage {completed['coverage']:.3f}, requests {dict(asked)}")
    assert asked["grouped"] + asked["splits"] + asked["dividends"] < 20
    assert asked["chart"] + asked["quoteSummary"] + asked["timeseries"] < len(exchange.symbols) * 2


async def test_a_bulk_provider_carries_a_first_night_too(replica, chain_of, exchange) -> None:
    batch = replica(provider=chain_of("yahoo", "massive"), companies={"enabled": False})
    await batch.add(exchange.symbols)
    exchange.fault(kind="refuse")
    assert await batch.run_night_of(MONDAY) == "completed"
    [completed] = await batch.events("symbol.batch.completed.v1")
    assert completed["coverage"] >= 0.99


@pytest.mark.parametrize("kind", ["html", "error"])
async def test_a_provider_that_answers_nonsense_is_left_alone_after_a_few_requests(
    replica, chain_of, exchange, kind: str
) -> None:
    batch = replica(provider=chain_of("yahoo", "massive"), chunk_symbols=5)
    await batch.add(exchange.symbols)
    assert await batch.run_night_of(MONDAY) == "completed"
    exchange.fault(kind=kind)
    exchange.forget_requests()
    assert await batch.run_night_of(TUESDAY) == "completed"
    asked = [request for request in requests(exchange) if request["endpoint"] == "chart"]
    print(f"{kind} for an answer: {len(asked)} requests for {len(exchange.symbols)} symbols")
    assert len(asked) <= 15


async def test_without_another_provider_nothing_is_published_and_it_says_until_when_nobody_asks(
    replica, chain_of, exchange
) -> None:
    batch = replica(provider=chain_of("yahoo"))
    await batch.add(exchange.symbols)
    assert await batch.run_night_of(MONDAY) == "completed"
    exchange.fault(kind="refuse", retry_after=900)
    exchange.forget_requests()
    assert await batch.run_night_of(TUESDAY) == "failed"
    assert await batch.value("SELECT session FROM symbols.current_edition") == MONDAY
    assert "RATE_LIMITED" in await batch.value("SELECT reason FROM symbols.batch_runs WHERE session = $1", TUESDAY)
    details = await batch.rows("SELECT detail FROM symbols.run_fetches WHERE outcome = 'RATE_LIMITED'")
    assert any("yahoo refused, and is left alone until" in row["detail"] for row in details)
    # As many as were under way when the first was refused, of each of three kinds.
    assert len(requests(exchange)) <= 10


async def test_a_second_source_is_any_member_but_the_one_that_gave_the_bar(chain_of) -> None:
    chain = chain_of("yahoo", "massive")
    assert [member.name for member in chain.members] == ["yahoo", "massive"]
    sessions = calendar_at(MONDAY).between(date(2025, 7, 3), MONDAY)
    closes = []
    for member in chain.members:
        [answer] = await member.session_bars(["SPY"], sessions)
        assert (answer.outcome, answer.source) == (Outcome.OK, member.name)
        closes.append(answer.bars.close[answer.bars.days == np.datetime64(MONDAY)].tolist())
    assert closes[0] == pytest.approx(closes[1], rel=1e-3)
    await chain.aclose()


async def test_a_requested_symbol_is_answered_before_a_slow_night_that_runs(replica, chain_of, exchange) -> None:
    company = next(symbol for symbol in exchange.symbols if symbol not in BENCHMARKS)
    night, stranger = chain_of("yahoo"), chain_of("yahoo")
    exchange.fault(kind="limit", per_second=2)
    others = [symbol for symbol in exchange.symbols if symbol != company]
    busy = asyncio.create_task(night.session_bars(others, [MONDAY]))
    await asyncio.sleep(6)
    took = {}
    for name, chain in (("same process", night.urgent), ("another process", stranger.urgent)):
        began = time.monotonic()
        answer = await chain.history(company, date(2025, 6, 2))
        took[name] = time.monotonic() - began
        assert answer.outcome is Outcome.OK
    assert not busy.done(), "it went before symbols that had waited for longer"
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    await night.aclose()
    await stranger.aclose()
    print("a requested symbol while a night runs at 2/s:", {name: f"{seconds:.1f} s" for name, seconds in took.items()})
