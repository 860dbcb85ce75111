"""What events look like on the wire: changes show as a diff, and what was ever published stays readable."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import jsonschema_rs
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat

from contract import asyncapi
from contract.api_files import text_of
from contract.compatibility import differences
from contract.golden import EXAMPLES, SCHEMAS, Example, assert_reads_as_what_it_is, examples, schema_text, snapshots
from local_stack.system import TOPICS_FILE
from riskstream.events.catalogue import CATALOGUE
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.topics import load_topics


@pytest.mark.parametrize("model", CATALOGUE.by_type.values(), ids=lambda model: model.type)
def test_the_schema_is_the_one_that_was_agreed_on(model: type[Event]) -> None:
    known = snapshots(model.type)
    agreed = known[-1].read_text() if known else ""
    difference = "".join(
        difflib.unified_diff(
            agreed.splitlines(keepends=True), schema_text(model).splitlines(keepends=True), "agreed", "model"
        )
    )
    assert not difference, (
        f"{model.type} has changed. A new optional field: add its schema with `make documents`. Anything else is a new"
        f" type, {model.type[:-1]}{int(model.type[-1]) + 1}.\n{difference}"
    )


def test_there_is_no_schema_or_example_of_an_event_that_is_not_in_the_catalogue() -> None:
    described = {folder.name for kept in (SCHEMAS, EXAMPLES) for folder in kept.iterdir()}
    assert described == set(CATALOGUE.by_type)


@pytest.mark.parametrize("event_type", CATALOGUE.by_type)
def test_each_schema_and_the_next_read_each_others_records(event_type: str) -> None:
    schemas = [json.loads(path.read_text()) for path in snapshots(event_type)]
    assert [differences(before, now) for before, now in pairwise(schemas)] == [[]] * (len(schemas) - 1)


def _changed(**changes: Any) -> dict[str, Any]:
    fields = {"symbol": {"type": "string"}, "edition": {"type": "integer"}, "reason": {"type": "string"}}
    fields |= changes.pop("fields", {})
    for name in changes.pop("without", ()):
        del fields[name]
    return {"properties": fields, "required": ["symbol", "edition"], **changes}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (_changed(fields={"mood": {"type": "string"}}), None),
        (_changed(fields={"symbol": {"type": "string", "description": "Of the exchange."}}), None),
        (_changed(fields={"mood": {"type": "string"}}, required=["symbol", "edition", "mood"]), "the new field 'mood'"),
        (_changed(without=["reason"]), "'reason' is gone"),
        (_changed(required=["symbol", "edition", "reason"]), "'reason' was optional"),
        (_changed(required=["symbol"]), "'edition' was required"),
        (_changed(fields={"edition": {"type": "string"}}), "'edition' means something else"),
        (_changed(**{"$defs": {"Part": {"type": "string"}}}), "fields share"),
    ],
)
def test_only_one_more_optional_field_is_no_new_type(now: dict[str, Any], said: str | None) -> None:
    found = differences(_changed(), now)
    if said is None:
        assert found == []
    else:
        assert said in "; ".join(found)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_a_record_of_a_newer_writer_is_read_as_what_it_is(example: Example) -> None:
    newer = replace(
        example, headers=example.headers | {"ce_mood": "new"}, body=example.body | {"mood": {"of": ["a", "later", 1]}}
    )
    assert newer.read() == example.read()


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_the_cloudevents_sdk_reads_every_golden_record_and_writes_what_we_read(example: Example) -> None:
    message = KafkaMessage(headers=dict(example.record_headers), key=example.key.encode(), value=example.value)
    event = from_binary(message, JSONFormat())
    assert (event.get_id(), event.get_type()) == (example.headers["ce_id"], example.event_type)
    assert (event.get_subject(), event.get_data()) == (example.key, example.body)
    again = to_binary(event, JSONFormat())
    headers = [(name, value) for name, value in again.headers.items()]
    # The trace is a header of the transport, not of the event: the SDK does not carry it on.
    assert Envelope.read(headers, bytes(again.value or b"")) == replace(example.read(), traceparent=None)


def test_the_asyncapi_document_is_what_the_code_says() -> None:
    assert asyncapi.FILE.read_text() == text_of(asyncapi.document()), "renew it with `make documents`"


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi.document()
    references = set(_references({name: part for name, part in document.items() if name != "components"}))
    assert len(references) > 20
    for reference in references:
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found, reference


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_every_golden_record_is_one_of_the_asyncapi_document(example: Example) -> None:
    message = asyncapi.document()["components"]["messages"][example.event_type]
    jsonschema_rs.validate(message["payload"], example.body)
    jsonschema_rs.validate(message["headers"], example.headers)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _references(value)


@pytest.mark.parametrize("event_type", CATALOGUE.by_type)
def test_every_event_has_a_golden_record(event_type: str) -> None:
    assert examples(event_type), f"put a record of {event_type} into {EXAMPLES / event_type}"


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_every_golden_record_is_read_as_what_it_is(example: Example) -> None:
    assert_reads_as_what_it_is(example)


def test_no_two_golden_records_are_one_event() -> None:
    assert max(Counter(example.headers["ce_id"] for example in examples()).values()) == 1


def test_the_declared_topics_are_those_that_events_travel_on() -> None:
    assert {topic.name for topic in load_topics(TOPICS_FILE).topics} == set(CATALOGUE.topics())
