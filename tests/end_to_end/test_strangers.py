"""Symbols that nobody knew: how soon they are ready, what is asked for them, and a night at the same moment."""

import time
from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from chaos.system.processes import until
from local_stack.system import RunningServers, System, shortly_before_the_night
from observer.tables import Tables
from own_system.person import Person
from riskstream.market.risk_factors import BENCHMARKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRST, NEXT = date(2026, 3, 10), date(2026, 3, 11)
SLOW = {"kind": "latency", "milliseconds": 200}
SOON = 10.0
"""Seconds from a portfolio's creation to `ready`, with an unknown symbol in it and 200 ms an answer."""


@pytest.fixture(scope="module")
def listed() -> list[str]:
    """The market's companies; filled by `system`."""
    return []


@pytest.fixture(scope="module")
def system(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory, listed: list[str]) -> Iterator[System]:
    with System(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(FIRST, seconds=0),
        market=["--synthetic", "--seed", "11", "--symbols", "40", "--reference", str(FIRST)],
        tuning={"RISKSTREAM_RECONCILE_SECONDS": "0.3", "RISKSTREAM_CHUNK_SYMBOLS": "5"},
        database_name="strangers",
    ) as system:
        market = httpx.get(f"{system.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
        living = [item for item in market if item["first_session"] < "2025" and not item["delisted"]]
        listed += [item["symbol"] for item in living if item["symbol"] not in BENCHMARKS]
        system.add_symbols([*BENCHMARKS, *listed[:-4]])
        system.start()
        tables = Tables(system.database)
        tables.wait("the first night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", FIRST)
        yield system


def asked_for(system: System) -> set[str]:
    report = httpx.get(f"{system.simulator.url}/_simulator/requests", timeout=30, trust_env=False).json()
    return set(report["symbols"])


def forget(system: System) -> None:
    httpx.delete(f"{system.simulator.url}/_simulator/requests", timeout=30, trust_env=False).raise_for_status()


def test_an_unknown_symbol_is_ready_within_ten_seconds_and_nobody_else_is_asked_for(
    system: System, alice: Person, listed: list[str]
) -> None:
    known, stranger = listed[0], listed[-1]
    system.set_faults(SLOW)
    forget(system)
    began = time.monotonic()
    portfolio = alice.hold(known, stranger)
    until("the portfolio ready", lambda: alice.is_ready(portfolio), seconds=60)
    seconds = time.monotonic() - began
    print(f"a portfolio with an unknown symbol, 200 ms an answer: ready after {seconds:.1f} s")
    assert seconds <= SOON
    assert asked_for(system) == {stranger}


def test_symbols_that_are_asked_for_while_the_night_runs_are_in_the_nights_edition(
    system: System, alice: Person, listed: list[str]
) -> None:
    strangers = listed[-4:-1]
    tables = Tables(system.database)
    system.move_clock(shortly_before_the_night(NEXT, seconds=0), faults=[{"kind": "latency", "milliseconds": 500}])
    tables.wait(
        "the night begun",
        "SELECT 1 FROM symbols.run_fetches JOIN symbols.batch_runs USING (run_id)"
        " WHERE session = $1 AND state = 'running' LIMIT 1",
        NEXT,
    )
    portfolio = alice.hold(*strangers)
    assert tables.value("SELECT session FROM symbols.current_edition") == FIRST, "the night is still under way"
    tables.wait("the night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", NEXT, seconds=60)
    until("the portfolio ready", lambda: alice.is_ready(portfolio), seconds=60)
    in_the_edition = (
        "SELECT count(*) FROM symbols.symbol_daily_metrics m JOIN symbols.current_edition c USING (edition)"
        " WHERE m.symbol = ANY($1) AND m.price_session = $2"
    )
    tables.wait("all of them in it", f"SELECT ({in_the_edition}) = $3", strangers, NEXT, len(strangers))
    whole = "SELECT count(*) FROM symbols.symbol_daily_metrics m JOIN symbols.current_edition c USING (edition)"
    active = "SELECT count(*) FROM symbols.symbol_universe WHERE status = 'active'"
    assert tables.value(whole) == tables.value(active)
    states = tables.rows("SELECT DISTINCT state FROM symbols.symbol_requests WHERE symbol = ANY($1)", strangers)
    assert [row["state"] for row in states] == ["ready"]
    tables.wait(
        "its valuation",
        "SELECT 1 FROM valuations.valuation_heads WHERE portfolio_id = $1 AND session = $2",
        portfolio,
        NEXT,
    )
