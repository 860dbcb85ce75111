"""A night whose source is wrong, refuses or is something else: nothing is published, the old answers stay, with age."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from local_stack.system import RunningServers, System, shortly_before_the_night
from observer.tables import Tables
from own_system.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GOOD, BAD = date(2026, 3, 10), date(2026, 3, 11)

FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "a benchmark without a bar": ({"kind": "drop", "symbols": ["SPY"]}, "SPY"),
    "everything refused": ({"kind": "refuse"}, "RATE_LIMITED"),
    "a page instead of JSON": ({"kind": "html"}, "TRANSPORT"),
}
"""What is wrong, and what the run's reason must name."""


@pytest.fixture(scope="module")
def system(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(GOOD, seconds=0),
        market=["--synthetic", "--seed", "11", "--symbols", "30", "--reference", str(GOOD)],
        tuning={"RISKSTREAM_RECONCILE_SECONDS": "0.3", "RISKSTREAM_NIGHT_RETRY_SECONDS": "0.5"},
    ) as system:
        listed = httpx.get(f"{system.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
        system.add_symbols([item["symbol"] for item in listed if item["first_session"] <= str(GOOD)])
        system.start()
        yield system


def test_bad_nights_publish_nothing_and_a_good_retry_publishes_everything(system: System, alice: Person) -> None:
    tables = Tables(system.database)
    tables.wait("the good night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", GOOD)
    portfolio = alice.hold("SPY")
    tables.wait("its valuation", "SELECT 1 FROM valuations.valuation_heads")
    exposures = tables.digest("symbols.symbol_factor_exposures")

    faults = list(FAULTS.values())
    system.move_clock(shortly_before_the_night(BAD, seconds=0), faults=[faults[0][0]])
    for fault, named in faults:
        system.set_faults(fault)
        reason = tables.wait(
            f"the night failed of {named}",
            "SELECT reason FROM symbols.batch_runs WHERE session = $1 AND reason LIKE '%' || $2 || '%'"
            " AND (state = 'failed' OR state = 'running')",
            BAD,
            named,
            seconds=60,
        )
        assert "SPY" in reason, "the benchmark that is missing is named"
        assert tables.value("SELECT count(*) FROM symbols.editions") == 1
        assert tables.digest("symbols.symbol_factor_exposures") == exposures
        answer = alice.analytics.overview(portfolio)
        assert (answer.as_of, answer.age.sessions) == (GOOD, 1)
        assert answer.age.last_due_session == BAD
    assert tables.value("SELECT count(*) FROM symbols.outbox") == 0

    system.set_faults()
    tables.wait("the night mended", "SELECT 1 FROM symbols.current_edition WHERE session = $1", BAD, seconds=60)
    tables.wait("the portfolio valued", "SELECT 1 FROM valuations.valuation_heads WHERE session = $1", BAD)
    answer = alice.analytics.overview(portfolio)
    assert (answer.as_of, answer.age.sessions) == (BAD, 0)
    headers = {"Authorization": f"Bearer {system.issuer.token('tests', ['operator'])}"}
    run = httpx.get(f"{system.symbol_batch.url}/runs/{BAD}", headers=headers, timeout=30, trust_env=False).json()
    assert run["state"].startswith("completed")
    assert run["attempt"] > len(FAULTS)
    assert tables.rows("SELECT edition, session FROM symbols.editions ORDER BY edition")[-1]["session"] == BAD
