"""Streams of server-sent events, read as what they tell."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from httpx_sse import ServerSentEvent
from pydantic import BaseModel, Field

from riskstream_client import analytics_models

Update = TypeVar("Update", bound=BaseModel)


class Interrupted(analytics_models.Interrupted):
    """The service, whichever it is, ends the stream for now. Come back with what you were told last."""

    retry_seconds: float | None = Field(default=None, description="How long to wait before; None: no matter.")


def updates(events: Iterator[ServerSentEvent], kinds: Mapping[str, type[Update]]) -> Iterator[Update]:
    """What the events tell, each read as the kind of its name; left out where a newer service says more."""
    for event in events:
        kind = kinds.get(event.event)
        if kind is None:
            continue
        update = kind.model_validate_json(event.data)
        if isinstance(update, Interrupted) and event.retry is not None:
            update.retry_seconds = event.retry / 1000
        yield update
