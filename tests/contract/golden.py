"""The golden records of every event type, and its schemas as published: `python -m contract.golden` adds a new one."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.compatibility import differences
from riskstream.events.catalogue import CATALOGUE
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event

EXAMPLES = Path(__file__).with_name("examples")
SCHEMAS = Path(__file__).with_name("schemas")


@dataclass(frozen=True)
class Example:
    """A record as it was once published. Files are only ever added: old records stay in topics for weeks."""

    path: Path
    event_type: str
    key: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.event_type}/{self.path.stem}"

    @property
    def record_headers(self) -> list[tuple[str, bytes]]:
        return [(name, value.encode()) for name, value in self.headers.items()]

    @property
    def value(self) -> bytes:
        return json.dumps(self.body).encode()

    def read(self) -> Envelope[Event]:
        return Envelope.read(self.record_headers, self.value)


def examples(event_type: str | None = None) -> list[Example]:
    """All golden records, or those of one type, by type and name."""
    paths = sorted(EXAMPLES.glob(f"{event_type or '*'}/*.json"))
    return [Example(path, path.parent.name, **json.loads(path.read_text())) for path in paths]


def assert_reads_as_what_it_is(example: Example) -> None:
    """AssertionError where the record is no event, or one that says something else than the record."""
    envelope = example.read()
    assert envelope.type == example.event_type
    assert envelope.subject == envelope.event.key == example.key
    assert envelope.aggregate_version == envelope.event.aggregate_version
    assert envelope.headers() == example.headers
    body = envelope.event.body()
    assert {name: body[name] for name in example.body} == example.body


def schema_text(model: type[Event]) -> str:
    """The model's JSON schema as its file has it."""
    return json.dumps(model.model_json_schema(), indent=2, sort_keys=True) + "\n"


def snapshots(event_type: str) -> list[Path]:
    """The schemas that the type has had, oldest first: `1.json`, `2.json`, … Files are only ever added."""
    return sorted((SCHEMAS / event_type).glob("*.json"), key=lambda path: int(path.stem))


def main() -> None:
    """Add the schema of every model that has changed; refuses a change that is a new type."""
    for event_type, model in CATALOGUE.by_type.items():
        known, text = snapshots(event_type), schema_text(model)
        if known and known[-1].read_text() == text:
            continue
        if known and (found := differences(json.loads(known[-1].read_text()), json.loads(text))):
            sys.exit(f"{event_type} needs a new type, because {'; '.join(found)}")
        (SCHEMAS / event_type).mkdir(exist_ok=True)
        (SCHEMAS / event_type / f"{len(known) + 1}.json").write_text(text)


if __name__ == "__main__":
    main()
