"""A small synthetic market through all four processes: new symbols, bad input, restarts, an orderly end."""

import signal
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from local_stack.programs import SymbolBatch
from local_stack.system import TOPICS_FILE, RunningServers, System, shortly_before_the_night
from observer.tables import Tables
from observer.topics import TopicObserver, consumer_groups
from riskstream.messaging.topics import load_topics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

NIGHT = date(2026, 3, 10)
STRANGERS = 2
"""Symbols of the market that nobody asked for before the tests do."""


class Running:
    """The system after its first night, as a person and an operator meet it."""

    def __init__(self, system: System, observer: TopicObserver, listed: list[dict[str, Any]]) -> None:
        self.system = system
        self.observer = observer
        self.tables = Tables(system.database)
        stocks = [item["symbol"] for item in listed if item["type"] == "EQUITY" and item["delisted"] is None]
        self.strangers, self.stocks = stocks[:STRANGERS], stocks[STRANGERS:]

    def create(self, symbols: list[str], *, owner: str = "alice", **more: Any) -> dict[str, Any]:
        positions = [
            {"symbol": symbol, "quantity": "10", "entry_price": "100", "entry_date": "2026-02-02"} for symbol in symbols
        ]
        answer = httpx.post(
            f"{self.system.onboarding.url}/portfolios",
            json={"name": "Test", "positions": positions, **more},
            headers=self.as_owner(owner),
            timeout=30,
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def status(self, portfolio: str, *, owner: str = "alice") -> dict[str, Any]:
        url = f"{self.system.onboarding.url}/portfolios/{portfolio}/status"
        return dict(httpx.get(url, headers=self.as_owner(owner), timeout=30, trust_env=False).json())

    def wait_for_status(self, portfolio: str, wanted: str, seconds: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while (status := self.status(portfolio))["status"] != wanted:
            assert time.monotonic() < deadline, f"still {status}"
            time.sleep(0.1)
        return status

    def ask(self, portfolio: str, measure: str, *, owner: str = "alice") -> httpx.Response:
        url = f"{self.system.analytics.url}/api/v1/analytics/portfolio/{portfolio}/{measure}"
        return httpx.get(url, headers=self.as_owner(owner), timeout=30, trust_env=False)

    def as_owner(self, owner: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.system.issuer.token(owner)}"}

    def provider_was_asked_for(self) -> set[str]:
        report = httpx.get(f"{self.system.simulator.url}/_simulator/requests", timeout=30, trust_env=False).json()
        return {name for name in report["symbols"] if name}

    def forget_requests(self) -> None:
        httpx.delete(f"{self.system.simulator.url}/_simulator/requests", timeout=30, trust_env=False)


@pytest.fixture(scope="module")
def running(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with System(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(NIGHT, seconds=0),
        market=["--synthetic", "--seed", "11", "--symbols", "40", "--reference", str(NIGHT)],
        tuning={
            "RISKSTREAM_RECONCILE_SECONDS": "0.5",
            "RISKSTREAM_REQUEST_POLL_SECONDS": "0.2",
            "RISKSTREAM_REQUEST_RETRY_SECONDS": "1",
            "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "12000",
            "RISKSTREAM_LEASE_SECONDS": "5",
        },
    ) as system:
        url = f"{system.simulator.url}/_simulator/symbols"
        listed = httpx.get(url, timeout=30, trust_env=False).json()
        topics = [topic.name for topic in load_topics(TOPICS_FILE).every_topic()]
        with TopicObserver(servers.kafka.address, topics) as observer:
            running = Running(system, observer, listed)
            system.add_symbols([item["symbol"] for item in listed if item["symbol"] not in running.strangers])
            system.start()
            running.tables.wait("the first night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", NIGHT)
            yield running


def test_the_topic_file_names_exactly_the_groups_that_listen(running: Running, servers: RunningServers) -> None:
    declared = {group for topic in load_topics(TOPICS_FILE).topics for group in topic.groups}
    assert consumer_groups(servers.kafka.address) == declared


def test_a_portfolio_of_known_symbols_is_valued_at_once(running: Running) -> None:
    created = running.create(running.stocks[:5], declared_equity="10000")
    running.wait_for_status(created["portfolio_id"], "ready", seconds=10)
    answer = running.ask(created["portfolio_id"], "overview")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["nav"] == 10_000.0
    assert answer.json()["as_of"] == str(NIGHT)


def test_a_symbol_nobody_knew_is_brought_in_and_only_it_is_asked_for(running: Running) -> None:
    stranger = running.strangers[0]
    running.forget_requests()
    running.system.set_faults({"kind": "latency", "milliseconds": 1500, "symbols": [stranger]})
    created = running.create([running.stocks[0], stranger])
    assert created["status"] == "pending"
    assert created["pending_symbols"] == [stranger]
    ready = running.wait_for_status(created["portfolio_id"], "ready")
    running.system.set_faults()
    assert ready["pending_symbols"] == []
    assert running.provider_was_asked_for() == {stranger}
    exposures = running.ask(created["portfolio_id"], "factor-exposures").json()
    assert exposures["data"]["excluded"] == []
    assert all(factor["positions"] == 2 for factor in exposures["data"]["factors"])


def test_a_symbol_that_does_not_exist_makes_its_portfolio_an_error_and_leaves_the_rest_usable(running: Running) -> None:
    created = running.create([running.stocks[1], "NOSUCH"], declared_equity="5000")
    status = running.wait_for_status(created["portfolio_id"], "error")
    assert [failed["symbol"] for failed in status["failed_symbols"]] == ["NOSUCH"]
    assert status["failed_symbols"][0]["reason"] == "not_found"
    running.tables.wait(
        "the rest valued",
        "SELECT 1 FROM valuations.valuation_heads WHERE portfolio_id::text = $1",
        created["portfolio_id"],
    )
    overview = running.ask(created["portfolio_id"], "overview").json()
    assert overview["data"]["nav"] == 5000.0
    assert [line["symbol"] for line in overview["data"]["unpriced"]] == ["NOSUCH"]
    exposures = running.ask(created["portfolio_id"], "factor-exposures").json()
    assert {(item["symbol"], item["reason"]) for item in exposures["data"]["excluded"]} == {("NOSUCH", "unpriced")}


def test_a_portfolio_with_nothing_priced_has_a_nav_and_no_made_up_exposure(running: Running) -> None:
    created = running.create(["NOSUCH"], declared_equity="1000")
    running.wait_for_status(created["portfolio_id"], "error")
    running.tables.wait(
        "it valued", "SELECT 1 FROM valuations.valuation_heads WHERE portfolio_id::text = $1", created["portfolio_id"]
    )
    overview = running.ask(created["portfolio_id"], "overview").json()
    assert overview["data"]["nav"] == 1000.0
    exposures = running.ask(created["portfolio_id"], "factor-exposures").json()
    assert exposures["coverage"] == 0
    for factor in exposures["data"]["factors"]:
        assert (factor["beta"], factor["reason"]) == (None, "no_position_has_it")


def test_every_request_for_a_symbol_is_answered_also_of_one_that_is_known_or_failed(running: Running) -> None:
    running.observer.settled()
    requested = [body["symbol"] for body in running.observer.bodies("symbol.requested")]
    answered = {body["symbol"] for body in running.observer.bodies("symbol.ready")} | {
        body["symbol"] for body in running.observer.bodies("symbol.failed")
    }
    assert requested
    assert set(requested) <= answered


def test_a_symbol_the_provider_refuses_stays_pending_and_comes_when_the_refusal_ends(running: Running) -> None:
    stranger = running.strangers[1]
    running.system.set_faults({"kind": "refuse", "symbols": [stranger]})
    created = running.create([running.stocks[0], stranger])
    assert created["pending_symbols"] == [stranger]
    waiting = running.tables.wait(
        "the refusal seen", "SELECT last_outcome FROM symbols.symbol_requests WHERE symbol = $1 AND"
        " state = 'waiting_for_provider'", stranger
    )  # fmt: skip
    assert waiting == "RATE_LIMITED"
    assert running.status(created["portfolio_id"])["status"] == "pending"
    running.system.set_faults()
    running.wait_for_status(created["portfolio_id"], "ready")
    assert running.tables.value("SELECT attempt FROM symbols.symbol_requests WHERE symbol = $1", stranger) == 1


def test_another_owners_portfolio_cannot_be_told_from_one_that_does_not_exist(running: Running) -> None:
    portfolio = running.create([running.stocks[2]])["portfolio_id"]
    nobodys = "00000000-0000-4000-8000-000000000000"
    for address in ("{}", "{}/status"):
        url = f"{running.system.onboarding.url}/portfolios/{address}"
        theirs, none = (
            httpx.get(url.format(name), headers=running.as_owner("mallory"), timeout=30, trust_env=False)
            for name in (portfolio, nobodys)
        )
        assert theirs.status_code == none.status_code == 404
        assert theirs.json()["code"] == none.json()["code"]
    for measure in ("overview", "factor-exposures"):
        assert running.ask(portfolio, measure, owner="mallory").status_code == 404


def test_a_deleted_portfolio_is_gone_everywhere(running: Running) -> None:
    portfolio = running.create([running.stocks[3]])["portfolio_id"]
    running.wait_for_status(portfolio, "ready")
    url = f"{running.system.onboarding.url}/portfolios/{portfolio}"
    headers = running.as_owner("alice") | {"If-Match": "*"}
    assert httpx.delete(url, headers=headers, timeout=30, trust_env=False).status_code == 204
    assert running.ask(portfolio, "overview").status_code == 404
    running.tables.wait(
        "its rows gone",
        "SELECT NOT EXISTS (SELECT FROM valuations.valuation_heads WHERE portfolio_id::text = $1)"
        " AND NOT EXISTS (SELECT FROM valuations.portfolio_snapshots WHERE portfolio_id::text = $1)",
        portfolio,
    )


def test_without_redis_answers_are_computed_and_right(running: Running, servers: RunningServers) -> None:
    portfolio = running.create(running.stocks[4:8])["portfolio_id"]
    running.wait_for_status(portfolio, "ready")
    before = running.ask(portfolio, "factor-exposures").json()
    servers.valkey.stop()
    try:
        running.system.analytics.restart()
        without = running.ask(portfolio, "factor-exposures").json()
        assert (without["cache"], without["data"]) == ("miss", before["data"])
    finally:
        servers.valkey.start()


def test_a_night_started_by_two_at_once_is_one_night(running: Running) -> None:
    again = running.system.command(SymbolBatch, "symbol_batch", "reconcile")
    assert again.returncode == 0, again.stderr
    assert running.tables.value("SELECT count(*) FROM symbols.batch_runs") == 1
    assert running.tables.value("SELECT count(*) FROM symbols.editions") == 1


def test_a_killed_consumer_loses_nothing(running: Running) -> None:
    refresh = running.system.portfolio_refresh
    refresh.kill()
    portfolio = running.create([running.stocks[9]])["portfolio_id"]
    assert running.status(portfolio)["status"] == "pending"
    refresh.start()
    running.wait_for_status(portfolio, "ready", seconds=60)


def test_every_service_ends_in_order_when_it_is_told_to(running: Running) -> None:
    for service in running.system.services:
        process = service._process
        assert process is not None
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0, f"{service.name}: {service.last_words()}"
        assert time.monotonic() - began < 30
    for schema in ("symbols", "portfolios", "valuations"):
        assert running.tables.value(f"SELECT count(*) FROM {schema}.outbox") == 0
    counts = running.observer.settled()
    assert {topic: count for topic, count in counts.items() if topic.endswith(".dlq") and count} == {}
