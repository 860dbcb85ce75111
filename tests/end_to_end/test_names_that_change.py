"""A symbol that nobody knew, and one that changes its name: from the portfolio's side, through every service."""

import time
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import httpx
import pytest

from chaos.system.processes import until
from local_stack.programs import OperatorCommand
from local_stack.system import RunningServers, System, shortly_before_the_night
from observer.tables import Tables
from own_system.person import Person
from riskstream.market.risk_factors import BENCHMARKS
from riskstream_client import PortfolioStatus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GOOD = date(2026, 3, 10)
OLD = "OLDNAME"
SLOW = {"kind": "latency", "milliseconds": 200}
STORED_BY_SYMBOL = (
    "symbol_universe", "market_data_cache", "corporate_actions", "run_fetches", "symbol_factor_exposures",
    "symbol_daily_metrics", "company_profiles", "company_fetches", "fundamentals", "risk_loadings",
)  # fmt: skip


@pytest.fixture(scope="module")
def system(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(GOOD, seconds=0),
        market=["--synthetic", "--seed", "11", "--symbols", "30", "--reference", str(GOOD)],
        tuning={
            "RISKSTREAM_RECONCILE_SECONDS": "0.3",
            "RISKSTREAM_SWEEP_SECONDS": "0.5",
            "RISKSTREAM_REQUEST_POLL_SECONDS": "0.5",
        },
    ) as system:
        system.add_symbols(companies(system)[1:] + list(BENCHMARKS))
        system.start()
        Tables(system.database).wait("the night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", GOOD)
        yield system


def companies(system: System) -> list[str]:
    """Those that are as old as the market."""
    listed = httpx.get(f"{system.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
    oldest = min(item["first_session"] for item in listed)
    return [item["symbol"] for item in listed if item["first_session"] == oldest and item["symbol"] not in BENCHMARKS]


def until_ready(person: Person, portfolio: UUID) -> PortfolioStatus:
    until("the portfolio ready", lambda: person.is_ready(portfolio), every=0.05)
    return person.portfolios.read_status(portfolio)


def test_a_symbol_nobody_knew_is_ready_within_ten_seconds_at_200_ms_an_answer(system: System, alice: Person) -> None:
    unknown = companies(system)[0]
    system.set_faults(SLOW)
    begun = time.monotonic()
    portfolio = alice.hold(unknown)
    until_ready(alice, portfolio)
    seconds = time.monotonic() - begun
    system.set_faults()
    print(f"\nunknown to ready at 200 ms an answer: {seconds:.2f} s")
    assert seconds <= 10


def test_a_holder_of_a_renamed_symbol_keeps_its_value_and_has_the_new_names_exposures(
    system: System, alice: Person
) -> None:
    tables = Tables(system.database)
    new = companies(system)[1]
    for table in STORED_BY_SYMBOL:  # as if the market had called it so until today
        tables.rows(f"UPDATE symbols.{table} SET symbol = $2 WHERE symbol = $1", new, OLD)
    portfolio = alice.hold(OLD, "SPY")
    before = until_ready(alice, portfolio)
    overview, exposures = alice.analytics.overview(portfolio).data, alice.analytics.factor_exposures(portfolio).data

    renamed = system.command(OperatorCommand, "symbol_batch", "universe", "rename", OLD, new, "--effective", str(GOOD))
    assert renamed.returncode == 0, renamed.stderr
    tables.wait(
        "the lots under the new name",
        "SELECT 1 FROM portfolios.positions WHERE portfolio_id = $1 AND symbol = $2",
        portfolio,
        new,
    )
    tables.wait(
        "the fold of it",
        "SELECT 1 FROM valuations.valuation_heads WHERE portfolio_id = $1 AND portfolio_version = 2",
        portfolio,
    )

    after = until_ready(alice, portfolio)
    assert after.version == before.version + 1
    valued = "SELECT symbol, price_status FROM valuations.position_values WHERE portfolio_id = $1"
    assert dict(map(tuple, tables.rows(valued, portfolio))) == {new: "priced", "SPY": "priced"}
    now = alice.analytics.overview(portfolio).data
    assert (now.nav, now.gross) == (overview.nav, overview.gross)
    assert alice.analytics.factor_exposures(portfolio).data.factors == exposures.factors


def test_the_service_says_how_fresh_it_is_and_that_it_is_ready(system: System) -> None:
    ready = httpx.get(f"{system.symbol_batch.url}/health/ready", timeout=5, trust_env=False)
    assert ready.status_code == 200
    parts = ready.json()["parts"]
    assert parts["freshness"] == {
        "live": True, "ready": True, "session": GOOD.isoformat(), "sessions_behind": 0, "level": "fine",
    }  # fmt: skip
    assert parts["symbol-batch.requests"]["live"]
    metrics = httpx.get(f"{system.symbol_batch.url}/metrics", timeout=5, trust_env=False).text
    assert "riskstream_symbols_freshness_sessions 0.0" in metrics.splitlines()
