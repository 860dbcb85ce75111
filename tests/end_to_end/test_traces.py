"""A night and a request as who operates the system sees them: traces, by OTLP, and metrics."""

import json
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from local_stack.programs import SymbolBatch
from local_stack.system import TOPICS_FILE, RunningServers, System, shortly_before_the_night
from observer.collector import Collector, Seen
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging.topics import load_topics
from riskstream.runtime.clock import NEW_YORK
from riskstream.runtime.metrics import catalogue

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BEFORE, SESSION = date(2026, 3, 9), date(2026, 3, 10)
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
PARTITIONS = {topic.name: topic.partitions for topic in load_topics(TOPICS_FILE).topics}
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5


class Told:
    """A system whose services tell a collector, and a portfolio that a night was run for."""

    def __init__(self, system: System, collector: Collector, folder: Path) -> None:
        self.system = system
        self.collector = collector
        self.folder = folder
        self.portfolio = self.ask("POST", "/portfolios", {"name": "x", "positions": [_lot("SPY")]})["portfolio_id"]

    def ask(self, method: str, path: str, body: Any = None, service: str = "onboarding") -> Any:
        answer = httpx.request(
            method,
            getattr(self.system, service).url + path,
            json=body,
            headers={
                "Authorization": f"Bearer {self.system.issuer.token('alice')}",
                "traceparent": f"00-{CALLER}-{PARENT}-01",
            },
            timeout=30,
            trust_env=False,
        )
        assert answer.is_success, answer.text
        return answer.json()

    def of(self, trace: str) -> list[Seen]:
        return [span for span in self.collector.spans() if span.trace == trace]


def _lot(symbol: str) -> dict[str, str]:
    return {"symbol": symbol, "quantity": "10", "entry_price": "100", "entry_date": "2026-02-02"}


@pytest.fixture(scope="module")
def told(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("system")
    with (
        Collector() as collector,
        System(
            servers,
            folder,
            clock=shortly_before_the_night(SESSION, seconds=600),
            market=["--synthetic", "--seed", "11", "--symbols", "20", "--reference", str(SESSION)],
            tuning={
                "RISKSTREAM_RECONCILE_SECONDS": "0.3",
                "RISKSTREAM_SWEEP_SECONDS": "0.5",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=rehearsal",
            },
        ) as system,
    ):
        system.add_symbols(list(BENCHMARKS))
        # The session before, by a command that ends: its spans arrive all the same, and portfolios can be had.
        before = system.command(SymbolBatch, "symbol_batch", "reconcile")
        assert before.returncode == 0, before.stderr
        system.set_clock(shortly_before_the_night(SESSION, seconds=-1))
        system.start(system.onboarding, system.portfolio_refresh, system.analytics)
        told = Told(system, collector, folder)
        system.start(system.symbol_batch)
        collector.wait(
            "the night's last words",
            lambda spans: (
                {
                    ("analytics", "process portfolio.refreshed"),
                    ("portfolio-refresh", "send portfolio.refreshed"),
                    ("portfolio-refresh", "process portfolio.refresh.requested"),
                    ("symbol-batch", "send symbol.batch.completed"),
                }
                <= {(span.service, span.name) for span in spans if span.trace == _night(spans)}
            ),
            seconds=120,
        )
        yield told


def _night(spans: list[Seen], session: date = SESSION) -> str | None:
    nights = (span for span in spans if span.name == "night" and not span.failed)
    return next((span.trace for span in nights if span.attributes["riskstream.session"] == session.isoformat()), None)


def test_a_night_is_one_trace_from_its_run_to_what_analytics_hears(told: Told) -> None:
    trace = _night(told.collector.spans())
    assert trace is not None
    spans = told.of(trace)
    way = [
        ("symbol-batch", "night"),
        ("symbol-batch", "night publish"),
        ("symbol-batch", "create events"),
        ("portfolio-refresh", "process symbol.batch.completed"),
        ("portfolio-refresh", "create portfolio.refresh.requested"),
        ("portfolio-refresh", "process portfolio.refresh.requested"),
        ("portfolio-refresh", "fold write"),
        ("portfolio-refresh", "create portfolio.refreshed"),
        ("analytics", "process portfolio.refreshed"),
    ]
    by_id = {span.id: span for span in spans}
    last = next(span for span in spans if (span.service, span.name) == way[-1])
    upwards = [last]
    while upwards[-1].parent:
        upwards.append(by_id[upwards[-1].parent])
    assert [(span.service, span.name) for span in reversed(upwards)] == way
    names = {(span.service, span.name) for span in spans}
    assert {
        ("symbol-batch", "night prices"),
        ("symbol-batch", "store chunk"),
        ("symbol-batch", "INSERT symbols.outbox"),
        ("symbol-batch", "COPY symbols.symbol_factor_exposures"),
        ("symbol-batch", "COMMIT"),
        ("portfolio-refresh", "send portfolio.refreshed"),
    } <= names
    assert not [span.name for span in spans if span.failed]


def test_a_command_leaves_no_span_behind(told: Told) -> None:
    assert _night(told.collector.spans(), BEFORE) is not None


def test_the_relays_and_consumers_say_what_they_act_on(told: Told) -> None:
    spans = told.of(_night(told.collector.spans()) or "")
    consumed = next(span for span in spans if span.name == "process portfolio.refresh.requested")
    created = next(span for span in spans if span.name == "create portfolio.refresh.requested")
    assert (created.kind, consumed.kind) == (PRODUCER, CONSUMER)
    assert consumed.parent == created.id
    assert consumed.links == ((created.trace, created.id),)
    said = consumed.attributes
    assert said["messaging.system"] == "kafka"
    assert said["messaging.operation.type"] == "process"
    assert said["messaging.destination.name"] == "portfolio.refresh.requested"
    assert said["messaging.consumer.group.name"] == "portfolio-refresh.chunks"
    assert said["messaging.batch.message_count"] == 1
    sent = next(span for span in spans if span.name == "send portfolio.refresh.requested")
    assert (sent.parent, sent.attributes["messaging.operation.type"]) == (created.id, "send")


def test_a_request_continues_the_callers_trace_down_to_its_statements(told: Told) -> None:
    path = f"/api/v1/analytics/portfolio/{told.portfolio}/overview"
    told.ask("GET", path, service="analytics")
    name = "GET /api/v1/analytics/portfolio/{portfolio}/overview"
    spans = told.collector.wait("the request", lambda spans: any(span.name == name for span in spans))
    request = next(span for span in spans if span.name == name)
    assert (request.trace, request.parent, request.kind) == (CALLER, PARENT, SERVER)
    assert request.attributes["http.request.method"] == "GET"
    assert request.attributes["http.route"] == "/api/v1/analytics/portfolio/{portfolio}/overview"
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["url.path"].endswith(f"/{told.portfolio}/overview")
    assert "url.query" not in request.attributes
    beneath = [span for span in told.of(CALLER) if span.parent == request.id]
    statements = [span for span in beneath if span.attributes.get("db.system.name") == "postgresql"]
    assert statements
    assert all(span.kind == CLIENT for span in statements)
    for span in told.collector.spans():
        assert told.portfolio not in str(span.attributes.get("db.query.text")), "parameters stay with us"
    assert {span.name for span in beneath} >= {"GET"}, "asked of Redis"


def test_what_a_request_changed_is_followed_into_the_other_services(told: Told) -> None:
    def heard(spans: list[Seen]) -> list[Seen]:
        return [span for span in spans if span.trace == CALLER and span.name == "process portfolio.changed"]

    spans = told.collector.wait("the fold of the change", lambda spans: bool(heard(spans)))
    created = next(span for span in spans if span.trace == CALLER and span.name == "create portfolio.changed")
    assert (created.service, heard(spans)[0].service) == ("onboarding", "portfolio-refresh")
    assert heard(spans)[0].parent == created.id


def test_a_symbol_that_nobody_knew_is_brought_in_within_the_trace_of_who_asked(told: Told) -> None:
    url = f"{told.system.simulator.url}/_simulator/symbols"
    stranger = next(
        item["symbol"]
        for item in httpx.get(url, timeout=30, trust_env=False).json()
        if item["type"] == "EQUITY" and item["delisted"] is None and item["first_session"] < "2025-01-01"
    )
    told.ask("POST", "/portfolios", {"name": "newcomer", "positions": [_lot(stranger)]})

    def ready(spans: list[Seen]) -> list[Seen]:
        return [span for span in spans if span.trace == CALLER and span.name == "process symbol.ready"]

    spans = told.collector.wait("the newcomer", lambda spans: bool(ready(spans)), seconds=60)
    heard = next(span for span in spans if span.trace == CALLER and span.name == "process symbol.requested")
    worked = next(span for span in spans if span.trace == CALLER and span.name == "symbol request")
    assert (worked.service, worked.parent) == ("symbol-batch", heard.id)
    assert worked.attributes["riskstream.symbol"] == stranger


def test_spans_say_which_process_they_are_of(told: Told) -> None:
    resources = {span.service: span.resource for span in told.collector.spans()}
    assert resources.keys() == {"symbol-batch", "portfolio-refresh", "onboarding", "analytics"}
    for resource in resources.values():
        assert resource["service.version"]
        assert ":" in resource["service.instance.id"]
        assert resource["service.namespace"] == "riskstream"
        assert resource["deployment.environment.name"] == "rehearsal"


def test_lines_of_the_log_name_the_trace_they_belong_to(told: Told) -> None:
    trace = _night(told.collector.spans())
    lines = [
        json.loads(line)
        for file in told.folder.rglob("*.log")
        for line in file.read_text().splitlines()
        if line.startswith("{")
    ]
    steps = [line for line in lines if line["event"] == "step" and line.get("trace_id") == trace]
    assert {line["service"] for line in steps} == {"symbol-batch"}
    planned = [line for line in lines if line["event"] == "run_planned"]
    assert trace in {line["trace_id"] for line in planned}
    assert all(line["version"] and line["instance"] for line in lines)


def test_polls_and_probes_are_not_told(told: Told) -> None:
    httpx.get(f"{told.system.analytics.url}/health/ready", timeout=5, trust_env=False)
    for span in told.collector.spans():
        assert not span.name.startswith(("GET /health", "GET /metrics"))
        assert span.parent or "db.system.name" not in span.attributes, f"{span.name} is part of nothing"


def scraped(system: System, service: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = httpx.get(f"{getattr(system, service).url}/metrics", timeout=5, trust_env=False).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_alerts_look_at_is_shown_from_the_start_and_well_after_a_night(told: Told) -> None:
    def value(service: str, name: str, **labels: str) -> float | None:
        return scraped(told.system, service).get((f"riskstream_{name}", frozenset(labels.items())))

    def soon(wanted: float, *asked: str, **labels: str) -> None:
        deadline = time.monotonic() + 20
        while (found := value(*asked, **labels)) != wanted:
            assert time.monotonic() < deadline, f"{asked} {labels} is {found}, not {wanted}"
            time.sleep(0.2)

    due = datetime.combine(SESSION, datetime.min.time(), NEW_YORK).replace(hour=21).timestamp()
    soon(due, "symbol_batch", "night_published_session_timestamp_seconds")
    assert value("symbol_batch", "night_due_session_timestamp_seconds") == due
    assert value("symbol_batch", "night_overdue_seconds") == 0
    assert value("symbol_batch", "symbols_freshness_sessions") == 0
    assert value("symbol_batch", "night_coverage_ratio") == 1
    assert value("symbol_batch", "night_attempts_total", state="failed") == 0
    for service, schema in (
        ("symbol_batch", "symbols"),
        ("portfolio_refresh", "valuations"),
        ("onboarding", "portfolios"),
    ):
        soon(0, service, "outbox_oldest_age_seconds", schema=schema)
        assert value(service, "relay_failures_total", schema=schema) == 0
    for service, table in (("symbol_batch", "market_data_cache"), ("portfolio_refresh", "portfolio_snapshots")):
        assert value(service, "database_missing_partitions", table=table) == 0
        assert value(service, "database_default_partition_rows", table=table) == 0
    for topic, partitions in PARTITIONS.items():
        assert value("portfolio_refresh", "kafka_topic_partitions", topic=topic) == partitions, topic
    changes = {"group": "portfolio-refresh.changes", "topic": "portfolio.changed"}
    assert value("portfolio_refresh", "consumer_dead_letters_total", **changes) == 0
    assert value("portfolio_refresh", "consumer_assigned_partitions", group="portfolio-refresh.changes") == 12
    soon(0, "portfolio_refresh", "portfolios_behind")
    soon(0, "portfolio_refresh", "portfolios_failing")
    assert value("analytics", "analytics_redis_failures_total", verb="get") == 0
    for service in ("symbol_batch", "portfolio_refresh", "onboarding", "analytics"):
        assert value(service, "process_ready") == 1
        assert (value(service, "event_loop_lag_seconds_count") or 0) > 0
        assert (value(service, "trace_spans_total", outcome="sent") or 0) > 0
        assert value(service, "trace_spans_total", outcome="lost") == 0


def test_services_show_nothing_that_the_catalogue_does_not_name(told: Told) -> None:
    known = {series for one in catalogue() for series in one.series}
    for service in ("symbol_batch", "portfolio_refresh", "onboarding", "analytics"):
        shown = {name for name, _ in scraped(told.system, service) if not name.startswith(("python_", "process_"))}
        assert shown <= known
