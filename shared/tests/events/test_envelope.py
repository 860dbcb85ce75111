"""Envelopes on the wire: CloudEvents 1.0 in Kafka's binary mode."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from riskstream.events.catalogue import CATALOGUE, Catalogue, UnknownEventTypeError, topics
from riskstream.events.envelope import Envelope, UndecodableError, event_id
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioChanged
from riskstream.events.symbol import SymbolReady

EVENT = SymbolReady(symbol="AAPL", edition=7, session=date(2024, 12, 13))
ENVELOPE = Envelope(
    id=UUID(int=1),
    source="/services/symbol-batch",
    type=EVENT.type,
    time=datetime(2024, 12, 14, 2, 3, 4, 567000, tzinfo=UTC),
    subject="AAPL",
    event=EVENT,
    correlation_id="run:7",
    causation_id=UUID(int=2),
    aggregate_version=7,
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
BODY = orjson.dumps(EVENT.body())


def wire(**changes: str | None) -> list[tuple[str, bytes]]:
    headers: dict[str, Any] = ENVELOPE.headers() | changes
    return [(name, value.encode()) for name, value in headers.items() if value is not None]


def test_an_envelope_is_read_as_it_was_written() -> None:
    assert Envelope.read(wire(), BODY) == ENVELOPE


def test_an_envelope_without_the_optional_attributes_has_no_headers_for_them() -> None:
    bare = Envelope(
        id=UUID(int=1),
        source="/tests",
        type=EVENT.type,
        time=ENVELOPE.time,
        subject="AAPL",
        event=EVENT,
        correlation_id="c",
    )
    names = set(bare.headers())
    assert names.isdisjoint({"ce_causationid", "ce_aggregateversion", "traceparent"})
    assert Envelope.read([(name, value.encode()) for name, value in bare.headers().items()], BODY) == bare


def test_the_cloudevents_sdk_reads_the_same_from_our_headers() -> None:
    message = KafkaMessage(headers=dict(wire()), key=b"AAPL", value=BODY)
    event = from_binary(message, JSONFormat())
    assert event.get_id() == str(ENVELOPE.id)
    assert event.get_source() == ENVELOPE.source
    assert event.get_type() == ENVELOPE.type
    assert event.get_subject() == "AAPL"
    assert event.get_time() == ENVELOPE.time
    assert event.get_specversion() == "1.0"
    assert event.get_datacontenttype() == "application/json"
    assert event.get_dataschema() == "urn:riskstream:symbol.ready.v1"
    assert event.get_extension("partitionkey") == "AAPL"
    assert event.get_extension("correlationid") == "run:7"
    assert event.get_extension("causationid") == str(UUID(int=2))
    assert event.get_extension("aggregateversion") == "7"
    assert event.get_data() == EVENT.body()


def test_fields_and_headers_of_a_newer_writer_are_ignored() -> None:
    body = orjson.dumps(EVENT.body() | {"mood": "new"})
    assert Envelope.read([*wire(), ("ce_mood", b"new")], body) == ENVELOPE


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_time", "ce_subject"])
def test_a_missing_attribute_is_named(name: str) -> None:
    with pytest.raises(UndecodableError, match=name):
        Envelope.read(wire(**{name: None}), BODY)


@pytest.mark.parametrize(
    "changes",
    [
        {"ce_id": "one"},
        {"ce_time": "yesterday"},
        {"ce_time": "2024-12-14T02:03:04"},
        {"ce_causationid": "two"},
        {"ce_aggregateversion": "seven"},
        {"ce_type": "symbol.ready.v2"},
        {"ce_type": "weather.changed.v1"},
    ],
)
def test_a_malformed_attribute_or_unknown_type_is_undecodable(changes: dict[str, str]) -> None:
    with pytest.raises(UndecodableError):
        Envelope.read(wire(**changes), BODY)


@pytest.mark.parametrize("body", [None, b"", b"{", b"[]", b"\xff", b'{"symbol": "AAPL"}'])
def test_a_body_that_is_not_the_types_is_undecodable(body: bytes | None) -> None:
    with pytest.raises(UndecodableError, match=r"symbol\.ready\.v1"):
        Envelope.read(wire(), body)


def test_a_header_that_is_not_text_is_undecodable() -> None:
    with pytest.raises(UndecodableError, match="UTF-8"):
        Envelope.read([*wire(), ("ce_mood", b"\xff")], BODY)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("ce_id", str(UUID(int=5)).encode())], UUID(int=5)),
        ([("ce_id", b"\xff")], None),
        ([("ce_id", b"five")], None),
        ([], None),
    ],
)
def test_the_id_is_found_in_headers_that_are_otherwise_unreadable(headers: Any, expected: UUID | None) -> None:
    assert event_id(headers) == expected


def test_the_catalogue_knows_every_event_class() -> None:
    def subclasses(model: type[Event]) -> set[type[Event]]:
        return {model}.union(*(subclasses(child) for child in model.__subclasses__()))

    ours = {
        model
        for model in subclasses(Event) - {Event}
        if model.__module__ in ("riskstream.events.symbol", "riskstream.events.portfolio")
    }
    assert set(CATALOGUE.by_type.values()) == ours
    assert all(model.type.endswith(".v1") for model in ours)


def test_the_catalogue_gives_models_by_topic() -> None:
    assert CATALOGUE.by_topic["portfolio.changed"] == (PortfolioChanged,)
    assert len(topics()) == 9


def test_two_models_of_one_type_are_refused() -> None:
    with pytest.raises(ValueError, match=r"symbol\.ready\.v1"):
        Catalogue([SymbolReady, SymbolReady])


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnknownEventTypeError, match=r"weather\.changed\.v1"):
        CATALOGUE.model("weather.changed.v1")
