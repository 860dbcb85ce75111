"""The Python client has what the documents say, and reads what the services really answer."""

import asyncio
import inspect
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import make_url

from contract import standing
from contract.api_files import openapi_file
from contract.client_models import SERVICES, models_file, models_text
from local_stack.database import Database, copy_database, drop_database
from local_stack.issuer import Issuer
from local_stack.programs import Analytics as AnalyticsProgram
from local_stack.programs import Onboarding as OnboardingProgram
from local_stack.valkey import ValkeyServer
from riskstream.runtime.access import PUBLIC
from riskstream_client import Analytics, Portfolios, ProblemReceived, Refreshed, Status
from riskstream_client.analytics_models import StressTestParameters, TicketRequest, TradeWanted, WhatIfParameters

CLIENTS: dict[str, type] = {"analytics": Analytics, "onboarding": Portfolios}


def _operations(service: str) -> dict[str, dict[str, Any]]:
    document = json.loads(openapi_file(service).read_text())
    return {
        operation["operationId"]: operation
        for path, item in document["paths"].items()
        if path not in PUBLIC
        for operation in item.values()
    }


def _methods(client: type) -> dict[str, Any]:
    return {
        name: method
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_") and name != "close"
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_models_are_those_of_the_documents(service: str) -> None:
    assert models_file(service).read_text() == models_text(service), "renew them with `make documents`"


def test_everything_that_analytics_answers_has_a_method() -> None:
    assert set(_methods(Analytics)) == set(_operations("analytics"))


def test_no_method_asks_onboarding_for_what_it_does_not_have() -> None:
    assert set(_methods(Portfolios)) <= set(_operations("onboarding"))


@pytest.mark.parametrize(
    ("service", "name"), [(service, name) for service, client in CLIENTS.items() for name in _methods(client)]
)
def test_a_method_takes_and_returns_what_its_operation_does(service: str, name: str) -> None:
    operation, signature = _operations(service)[name], inspect.signature(_methods(CLIENTS[service])[name])
    asked = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    keywords = {p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    if service == "analytics" and name != "live_updates":
        assert keywords == asked
    schemas = [
        response["content"]["application/json"]["schema"]
        for status, response in operation["responses"].items()
        if status[0] == "2" and "schema" in response.get("content", {}).get("application/json", {})
    ]
    answered = [one["$ref"].rsplit("/", 1)[-1] for schema in schemas for one in schema.get("anyOf", [schema])]
    if answered:
        assert signature.return_annotation.__name__ in answered


class Services(NamedTuple):
    analytics: AnalyticsProgram
    onboarding: OnboardingProgram
    issuer: Issuer

    def token(self) -> str:
        return self.issuer.token(standing.OWNER)


@pytest.fixture(scope="module")
def services(
    database_template: Database, valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """Both processes, with rows of some months; Kafka is away, which nobody who asks has to know."""
    password = str(make_url(database_template.dsns["analytics"]).password)
    database = asyncio.run(copy_database(database_template, f"client_{os.getpid()}", password))
    folder = tmp_path_factory.mktemp("client")
    issuer = Issuer(folder)
    shared = {
        "RISKSTREAM_KAFKA": "127.0.0.1:1",
        "RISKSTREAM_START_PATIENCE": "0.1",
        "RISKSTREAM_REDIS_URL": valkey_server.url,
        "RISKSTREAM_CLOCK": "2024-12-16T22:00:00-05:00",
        **issuer.environment(),
    }
    try:
        asyncio.run(standing.put_in(database.superuser_dsn))
        with ExitStack() as stack:
            started = []
            for kind, role in ((AnalyticsProgram, "analytics"), (OnboardingProgram, "onboarding")):
                program = kind(partial(dict, shared, RISKSTREAM_POSTGRES_DSN=database.dsns[role]), folder=folder / role)
                stack.callback(program.close)
                program.start()
                started.append(program)
            yield Services(*started, issuer)
    finally:
        asyncio.run(drop_database(database))


@pytest.fixture
def analytics(services: Services) -> Iterator[Analytics]:
    with Analytics(services.analytics.url, services.token) as client:
        yield client


@pytest.fixture
def portfolios(services: Services) -> Iterator[Portfolios]:
    with Portfolios(services.onboarding.url, services.token) as client:
        yield client


BODIES = {
    "what_if": WhatIfParameters(trades=[TradeWanted(symbol="KO", quantity=1)]),
    "stress_test_of_your_own": StressTestParameters(),
}


@pytest.mark.parametrize("name", [name for name in _methods(Analytics) if name not in {"live_updates", "sell_ticket"}])
def test_every_answer_is_read(analytics: Analytics, name: str) -> None:
    method = getattr(analytics, name)
    if name.startswith("symbol_"):
        answer = method("brk.b")
        assert answer.symbol == "BRK-B"
        return
    body = [BODIES[name.removeprefix("portfolios_")]] if name.removeprefix("portfolios_") in BODIES else []
    answer = method(*body) if name.startswith("portfolios_") else method(standing.VALUED, *body)
    assert (answer.as_of, answer.edition) == (standing.LAST, 1)
    assert answer.data is not None


def test_parameters_arrive(analytics: Analytics) -> None:
    assert len(analytics.overview(standing.VALUED, top=2).data.top_positions) == 2
    since = date(2024, 11, 1)
    prices = analytics.symbol_prices("KO", since=since)
    assert min(bar.session for bar in prices.bars) >= since


def test_updates_are_told_as_what_they_are(analytics: Analytics) -> None:
    updates = analytics.live_updates(standing.VALUED)
    refreshed, status = next(updates), next(updates)
    assert isinstance(refreshed, Refreshed)
    assert isinstance(status, Status)
    assert (refreshed.valuation, refreshed.session, status.pending) == (1, standing.LAST, False)
    updates.close()
    assert isinstance(next(analytics.live_updates(standing.VALUED, told=1)), Status)


def test_a_ticket_opens_the_stream_for_a_browser(analytics: Analytics, services: Services) -> None:
    ticket = analytics.sell_ticket(TicketRequest(portfolio=standing.VALUED))
    with httpx.stream("GET", f"{services.analytics.url}{ticket.stream}", trust_env=False) as response:
        assert response.is_success


def test_a_refusal_says_what_is_wrong(analytics: Analytics, services: Services) -> None:
    with pytest.raises(ProblemReceived, match="no portfolio") as missing:
        analytics.overview(uuid4())
    assert (missing.value.status, missing.value.code) == (404, "portfolio_not_found")
    with pytest.raises(ProblemReceived) as unvalued:
        analytics.overview(standing.UNVALUED)
    assert unvalued.value.code == "not_valued_yet"
    assert unvalued.value.retry_after
    with pytest.raises(ProblemReceived) as unknown:
        analytics.overview("../../portfolios")
    assert unknown.value.status == 404
    with Analytics(services.analytics.url, "no.token") as stranger, pytest.raises(ProblemReceived) as refused:
        stranger.overview(standing.VALUED)
    assert refused.value.code == "unauthorized"
    with pytest.raises(ProblemReceived) as nothing:
        next(analytics.live_updates(uuid4()))
    assert nothing.value.status == 404


def test_an_error_of_a_proxy_is_an_error_too() -> None:
    problem = ProblemReceived.of(httpx.Response(502, html="<h1>Bad gateway</h1>", headers={"Retry-After": "3"}))
    assert (problem.status, problem.code, problem.retry_after) == (502, "no_problem_document", 3)
    assert "Bad gateway" in str(problem)


def test_a_portfolio_is_brought_in_watched_and_deleted(portfolios: Portfolios) -> None:
    lot: Any = {"symbol": "KO", "quantity": "1.5", "entry_price": "50.01", "entry_date": standing.LAST}
    created = portfolios.create_portfolio("Mine", [lot], declared_equity="1000", idempotency_key="once")
    again = portfolios.create_portfolio("Mine", [lot], declared_equity="1000", idempotency_key="once")
    assert again.portfolio_id == created.portfolio_id
    listed = {item.portfolio_id for item in portfolios.list_portfolios(limit=500).portfolios}
    assert created.portfolio_id in listed
    assert portfolios.read_portfolio(created.portfolio_id).name == "Mine"
    assert portfolios.read_status(created.portfolio_id).version == 1
    assert next(portfolios.follow_progress(created.portfolio_id)).portfolio_id == created.portfolio_id
    with pytest.raises(ProblemReceived) as late:
        portfolios.delete_portfolio(created.portfolio_id, version=7)
    assert late.value.status == 412
    portfolios.delete_portfolio(created.portfolio_id, version=1)
    with pytest.raises(ProblemReceived):
        portfolios.read_portfolio(created.portfolio_id)


def test_a_file_is_imported(portfolios: Portfolios, tmp_path: Path) -> None:
    file = tmp_path / "lots.csv"
    file.write_text("Symbol,Quantity,Entry Price Per Share,Entry Date\nKO,2,50,2024-12-13\n")
    imported = portfolios.import_portfolio("From a file", file)
    assert imported.name == "From a file"
    with pytest.raises(ProblemReceived) as refused:
        portfolios.import_portfolio(
            "From a bad file", b"Symbol,Quantity,Entry Price Per Share,Entry Date\nKO,x,50,2024-12-13\n"
        )
    assert refused.value.errors
