"""The base of every event: strict when written, tolerant when read."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """A fact that happened, as the body of one Kafka record.

    Writers build the model itself, which refuses unknown fields. Readers call `read`, which ignores them, so that
    a newer writer may add optional fields. Anything else than a new optional field is a new `type`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    type: ClassVar[str]
    """The CloudEvents type, ending in its major version: `symbol.factors.updated.v1`."""
    topic: ClassVar[str]
    aggregate: ClassVar[str]
    """What the key names: `symbol`, `session`, `portfolio`, `chunk` or `run`."""

    @property
    def key(self) -> str:
        """The aggregate's id: the Kafka key, and what ordering is promised for."""
        raise NotImplementedError

    @property
    def aggregate_version(self) -> int | None:
        """Which state of the aggregate this belongs to; null where the aggregate has no versions."""
        return None

    @classmethod
    def read(cls, body: bytes | str) -> Self:
        """Parse a body as a tolerant reader; raises pydantic's ValidationError where it cannot be understood."""
        return cls.model_validate_json(body, extra="ignore")

    def body(self) -> dict[str, Any]:
        """The event as JSON-ready values, for the outbox's payload."""
        return self.model_dump(mode="json")
