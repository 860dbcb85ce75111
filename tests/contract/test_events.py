"""What events look like on the wire: changes show as a diff, and what was ever published stays readable."""

import difflib
from collections import Counter

import pytest

from contract.golden import EXAMPLES, SCHEMAS, Example, assert_reads_as_what_it_is, examples, schema_text
from local_stack.system import TOPICS_FILE
from riskstream.events.catalogue import CATALOGUE
from riskstream.events.event import Event
from riskstream.messaging.topics import load_topics


@pytest.mark.parametrize("model", CATALOGUE.by_type.values(), ids=lambda model: model.type)
def test_the_schema_is_the_one_that_was_agreed_on(model: type[Event]) -> None:
    file = SCHEMAS / f"{model.type}.json"
    agreed = file.read_text() if file.exists() else ""
    difference = "".join(
        difflib.unified_diff(
            agreed.splitlines(keepends=True), schema_text(model).splitlines(keepends=True), "agreed", "model"
        )
    )
    assert not difference, (
        f"{model.type} has changed. A new optional field: renew the file with `PYTHONPATH=tests python -m"
        f" contract.golden`. Anything else is a new type, {model.type[:-1]}{int(model.type[-1]) + 1}.\n{difference}"
    )


def test_there_is_no_schema_or_example_of_an_event_that_is_not_in_the_catalogue() -> None:
    described = {file.stem for file in SCHEMAS.glob("*.json")} | {folder.name for folder in EXAMPLES.iterdir()}
    assert described == set(CATALOGUE.by_type)


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
