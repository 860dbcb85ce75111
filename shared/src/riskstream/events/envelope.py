"""What surrounds an event on its way: who said it, when, about what, and because of what.

On the wire this is a CloudEvent 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the event as JSON body, the
aggregate's id as key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Self, TypeVar
from uuid import UUID

from pydantic import ValidationError

from riskstream.events.catalogue import CATALOGUE, Catalogue, UnknownEventTypeError
from riskstream.events.event import Event

E_co = TypeVar("E_co", bound=Event, covariant=True)

CONTENT_TYPE = "application/json"


class UndecodableError(ValueError):
    """A record that is no event this code can read. It will be none at the next attempt either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope(Generic[E_co]):
    """An event and its context. `event` is of the model that `type` names."""

    id: UUID
    source: str
    """The service that said it: `/services/symbol-batch`."""
    type: str
    time: datetime
    """When it was said, aware, by the one clock."""
    subject: str
    """The aggregate's id, which is also the Kafka key."""
    event: E_co
    correlation_id: str
    """Shared by everything that follows from one root: its run and edition, or the root event's id."""
    causation_id: UUID | None = None
    """The event whose handling said this one; null for a root."""
    aggregate_version: int | None = None
    """The version of the aggregate that the event belongs to, for handlers that must drop older ones."""
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        """The Kafka headers, by name. Absent attributes have no header."""
        headers = {
            "content-type": CONTENT_TYPE,
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_source": self.source,
            "ce_type": self.type,
            "ce_time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "ce_subject": self.subject,
            "ce_dataschema": f"urn:riskstream:{self.type}",
            "ce_partitionkey": self.subject,
            "ce_correlationid": self.correlation_id,
        }
        if self.causation_id is not None:
            headers["ce_causationid"] = str(self.causation_id)
        if self.aggregate_version is not None:
            headers["ce_aggregateversion"] = str(self.aggregate_version)
        if self.traceparent is not None:
            headers["traceparent"] = self.traceparent
        return headers

    @classmethod
    def read(
        cls,
        headers: Iterable[tuple[str, bytes]],
        body: bytes | None,
        catalogue: Catalogue = CATALOGUE,
    ) -> Self:
        """Parse a record as a tolerant reader: unknown headers and unknown fields are ignored.

        Raises UndecodableError, which says what is wrong, where an attribute is missing or malformed, the type is
        not in the catalogue, or the body is not that type's.
        """
        attributes = _as_text(headers)
        model = _model(_required(attributes, "ce_type"), catalogue)
        if body is None:
            raise UndecodableError(f"a {model.type} without a body; nothing here writes tombstones")
        try:
            return cls(
                id=UUID(_required(attributes, "ce_id")),
                source=_required(attributes, "ce_source"),
                type=model.type,
                time=_instant(_required(attributes, "ce_time")),
                subject=_required(attributes, "ce_subject"),
                event=model.read(body),  # type: ignore[arg-type]  # the catalogue decides E_co at run time
                correlation_id=attributes.get("ce_correlationid") or attributes["ce_id"],
                causation_id=_optional_id(attributes.get("ce_causationid")),
                aggregate_version=_optional_int(attributes.get("ce_aggregateversion")),
                traceparent=attributes.get("traceparent"),
            )
        except ValidationError as error:
            raise UndecodableError(f"the body is no {model.type}: {error}") from error
        except UndecodableError:
            raise
        except ValueError as error:
            raise UndecodableError(f"a {model.type} with a malformed attribute: {error}") from error


def event_id(headers: Iterable[tuple[str, bytes]]) -> UUID | None:
    """The id that a record claims to have, however unreadable the rest is; null where it has none."""
    for name, value in headers:
        if name == "ce_id":
            try:
                return UUID(value.decode())
            except ValueError:
                return None
    return None


def _as_text(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in headers if name.startswith("ce_") or name == "traceparent"}
    except (UnicodeDecodeError, AttributeError) as error:
        raise UndecodableError(f"a header is not UTF-8 text: {error}") from error


def _model(event_type: str, catalogue: Catalogue) -> type[Event]:
    try:
        return catalogue.model(event_type)
    except UnknownEventTypeError as error:
        raise UndecodableError(str(error)) from error


def _required(attributes: Mapping[str, str], name: str) -> str:
    value = attributes.get(name)
    if not value:
        raise UndecodableError(f"the record has no {name} header; only CloudEvents in binary mode belong here")
    return value


def _instant(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise UndecodableError(f"ce_time {text!r} has no time zone")
    return time


def _optional_id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _optional_int(text: str | None) -> int | None:
    return None if text is None else int(text)
