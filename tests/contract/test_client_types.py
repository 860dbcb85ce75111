"""The Python client has what the documents say, and reads what a newer service may say beyond that."""

import inspect
import json
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from httpx_sse import ServerSentEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

from contract.api_files import openapi_file
from contract.client_models import SERVICES, client_modules
from contract.client_schemas import bodies_of, models_of
from riskstream.runtime.access import PUBLIC
from riskstream_client import (
    Analytics,
    Gone,
    Interrupted,
    Portfolios,
    analytics_models,
    live,
    onboarding_bodies,
    onboarding_models,
    progress,
    streams,
)

CLIENTS: dict[str, type] = {"analytics": Analytics, "onboarding": Portfolios}
TRIALS = {"try_import_portfolio", "try_import_into_portfolio"}
"""A dry run answers with something else than the operation that it tries: it is a method of its own."""
STREAMS = {"analytics": ("live_updates", live.UPDATES), "onboarding": ("follow_progress", progress.UPDATES)}
MODELS = {"analytics": analytics_models, "onboarding": onboarding_models}


def document(service: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi_file(service).read_text())
    return found


def operations(service: str) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for path, item in document(service)["paths"].items()
        if path not in PUBLIC
        for operation in item.values()
    }


def methods(client: type) -> dict[str, Any]:
    return {
        name: method
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_") and name not in {"close", *TRIALS}
    }


def models(service: str) -> list[type[BaseModel]]:
    return [
        model
        for model in vars(MODELS[service]).values()
        if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == MODELS[service].__name__
    ]


def test_the_types_are_those_of_the_documents() -> None:
    stale = [file.name for file, text in client_modules().items() if file.read_text() != text]
    assert not stale, f"renew {stale} with `make documents`"


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_has_a_method_and_no_method_is_of_none(service: str) -> None:
    assert set(methods(CLIENTS[service])) == set(operations(service))


@pytest.mark.parametrize(
    ("service", "name"), [(service, name) for service, client in CLIENTS.items() for name in methods(client)]
)
def test_a_method_takes_and_returns_what_its_operation_does(service: str, name: str) -> None:
    operation, signature = operations(service)[name], inspect.signature(methods(CLIENTS[service])[name])
    asked = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    keywords = {p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    headers = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"}
    assert ("version" in keywords) == ("If-Match" in headers)
    assert ("idempotency_key" in keywords) == ("Idempotency-Key" in headers)
    if service == "analytics" and name != "live_updates":
        assert keywords == asked
    schemas = [
        response["content"]["application/json"]["schema"]
        for status, response in operation["responses"].items()
        if status[0] == "2" and "schema" in response.get("content", {}).get("application/json", {})
    ]
    answered = [
        one["$ref"].rsplit("/", 1)[-1] for schema in schemas for one in schema.get("anyOf", [schema]) if "$ref" in one
    ]
    if answered:
        assert signature.return_annotation.__name__ in answered


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_of_a_stream_is_read_as_what_it_is(service: str) -> None:
    name, kinds = STREAMS[service]
    stream = operations(service)[name]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    schemas = document(service)["components"]["schemas"]
    said = {}
    for event, reference in stream["items"]["discriminator"]["mapping"].items():
        data = schemas[reference.rsplit("/", 1)[-1]]["properties"]["data"]
        said[event] = data["contentSchema"]["$ref"].rsplit("/", 1)[-1]
    assert {event: kind.__name__ for event, kind in kinds.items()} == said


def test_services_say_in_one_way_that_a_stream_is_interrupted() -> None:
    one, other = (models_of(document(service))["Interrupted"] for service in SERVICES)
    assert one == other


def closed_words(annotation: Any) -> Iterator[Any]:
    """Lists of words within the annotation that have no other string beside them."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        yield annotation
    elif not (get_origin(annotation) in {Union, types.UnionType} and str in arguments):
        for argument in arguments:
            yield from closed_words(argument)


@pytest.mark.parametrize("service", SERVICES)
def test_no_model_of_an_answer_has_a_closed_list_of_words(service: str) -> None:
    closed = {
        f"{model.__name__}.{name}": words
        for model in models(service)
        for name, annotation in get_type_hints(model).items()
        for words in closed_words(annotation)
    }
    assert len(models(service)) > 25
    assert closed == {}


def test_a_word_a_field_and_an_event_of_a_newer_service_are_no_errors() -> None:
    age = analytics_models.Age.model_validate(
        {"sessions": 3, "level": "beyond_all_patience", "last_due_session": "2024-12-16", "since": "yesterday"}
    )
    assert age.level == "beyond_all_patience"
    reason = analytics_models.ExcludedSymbol.model_fields["reason"].annotation
    assert TypeAdapter(reason).validate_python("private") == "private"
    assert TypeAdapter(reason).validate_python("moon_in_the_way") == "moon_in_the_way"
    with pytest.raises(ValidationError):
        TypeAdapter(reason).validate_python(7)


def test_an_interruption_says_when_to_come_back_and_events_of_a_newer_service_are_passed_over() -> None:
    told = streams.updates(
        iter(
            [
                ServerSentEvent(event="message", data="", retry=1000),
                ServerSentEvent(event="weather", data="sunny", id="7"),
                ServerSentEvent(event="gone", data='{"portfolio": "00000000-0000-4000-8000-000000000000"}', id="7"),
                ServerSentEvent(event="interrupted", data='{"code": "stopping", "detail": "x"}', retry=2500),
                ServerSentEvent(event="interrupted", data='{"code": "renew", "detail": "x"}'),
            ]
        ),
        live.UPDATES,
    )
    gone, stopping, renew = told
    assert isinstance(gone, Gone)
    assert isinstance(stopping, Interrupted)
    assert isinstance(renew, Interrupted)
    assert (stopping.code, stopping.retry_seconds, renew.retry_seconds) == ("stopping", 2.5, None)


def test_what_is_sent_is_as_strict_as_the_document() -> None:
    with pytest.raises(ValidationError, match="sell"):
        analytics_models.WhatIfParameters.model_validate({"trades": [], "sell": True})
    kind = get_type_hints(onboarding_bodies.NewCashFlow)["kind"]
    assert get_args(kind) == ("deposit", "withdrawal", "fee")


def test_two_bodies_of_one_name_that_differ_are_refused() -> None:
    def posting(schema: Mapping[str, Any]) -> dict[str, Any]:
        return {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}

    one = {"title": "NewThing", "type": "object", "properties": {"a": {"type": "string"}}}
    other = one | {"properties": {"b": {"type": "string"}}}
    assert "NewThing" in bodies_of({"paths": {"/a": posting(one), "/b": posting(one)}})
    with pytest.raises(ValueError, match="NewThing"):
        bodies_of({"paths": {"/a": posting(one), "/b": posting(other)}})
