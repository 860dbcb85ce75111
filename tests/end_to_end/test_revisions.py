"""A bar that is held back and accepted between two nights: its holders are folded again, and nobody else."""

import asyncio
from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from local_stack.system import RunningServers, System, shortly_before_the_night
from observer.tables import Tables
from own_system.person import Person
from riskstream.database.engine import create_engine
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock
from symbol_batch.revisions import Decided, Revisions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GOOD, DOUBTED = date(2026, 3, 10), date(2026, 3, 11)


@pytest.fixture(scope="module")
def system(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(GOOD, seconds=0),
        market=["--synthetic", "--seed", "11", "--symbols", "30", "--reference", str(GOOD)],
        tuning={"RISKSTREAM_RECONCILE_SECONDS": "0.3"},
    ) as system:
        system.add_symbols(listed(system))
        system.start()
        yield system


def listed(system: System) -> list[str]:
    answer = httpx.get(f"{system.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
    return [item["symbol"] for item in answer if item["first_session"] <= str(GOOD)]


def accept(system: System, symbol: str, session: date) -> Decided:
    async def decide() -> Decided:
        engine = create_engine(system.database.dsns["symbol_batch"], application="test")
        try:
            revisions = Revisions(engine, Outbox("symbols", "/services/symbol-batch"), Clock())
            return await revisions.decide(symbol, session, "accept", who="an operator")
        finally:
            await engine.dispose()

    return asyncio.run(decide())


def test_an_accepted_bar_reaches_the_portfolios_that_hold_it_and_no_other(system: System, alice: Person) -> None:
    tables = Tables(system.database)
    tables.wait("the good night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", GOOD)
    crashing = next(symbol for symbol in listed(system)[10:] if symbol not in BENCHMARKS)
    holder, other = alice.hold(crashing), alice.hold("SPY")
    heads = "SELECT count(*) = 2 FROM valuations.valuation_heads WHERE session = $1"
    tables.wait("both valued", heads, GOOD)

    fault = {"kind": "scale", "symbols": [crashing], "sessions": [str(DOUBTED)], "factor": 0.5}
    system.move_clock(shortly_before_the_night(DOUBTED, seconds=0), faults=[fault])
    tables.wait("the doubted night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", DOUBTED)
    tables.wait("both folded", heads, DOUBTED)
    valued = "SELECT price_status, price, market_value FROM valuations.position_values WHERE portfolio_id = $1"
    [before] = tables.rows(valued, holder)
    assert before["price_status"] == "stale", "it keeps yesterday's close"
    folded = "SELECT valuation, edition FROM valuations.valuation_heads WHERE portfolio_id = $1"
    [untouched] = tables.rows(folded, other)

    decided = accept(system, crashing, DOUBTED)

    assert decided.edition is not None
    tables.wait(
        "the holder folded again",
        "SELECT 1 FROM valuations.valuation_heads WHERE portfolio_id = $1 AND edition = $2",
        holder,
        decided.edition.number,
    )
    [after] = tables.rows(valued, holder)
    assert after["price_status"] == "priced"
    assert after["price"] == decided.bar.close
    assert float(after["market_value"]) == pytest.approx(10 * decided.bar.close, abs=0.01)
    assert float(after["market_value"]) < 0.7 * float(before["market_value"])
    snapshots = "SELECT session, revision FROM valuations.portfolio_snapshots WHERE portfolio_id = $1 AND session >= $2"
    assert dict(map(tuple, tables.rows(snapshots, holder, GOOD))) == {GOOD: 0, DOUBTED: 1}
    assert tables.rows(folded, other) == [untouched]
    assert tables.value("SELECT count(*) FROM valuations.refresh_runs WHERE cause = 'revision'") == 1
