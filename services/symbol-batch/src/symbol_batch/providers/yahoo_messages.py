"""What a process that asks Yahoo (`yahoo_child`) and its parent (`yahoo_conversation`) say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from symbol_batch.providers.http_session import Closed, NotSent
from symbol_batch.providers.provider import Answer, Offer


@dataclass(frozen=True, slots=True)
class SetUp:
    """The first message to the child: what `YahooProvider` takes, and how to log."""

    base: str | None
    concurrency: int
    deadline: float
    log_service: str
    log_format: Literal["json", "console"]
    log_level: str
    silence: float = 30.0
    """Seconds without any message after which the child stands still; starting it takes some of them."""

    @property
    def heartbeat(self) -> float:
        """Seconds between two signs of life."""
        return self.silence / 6


@dataclass(frozen=True, slots=True)
class Alive:
    """From the child, at every heartbeat: its event loop runs, whatever its requests wait for."""


@dataclass(frozen=True, slots=True)
class Question:
    """To the child: call the method of this offer, about one symbol."""

    number: int
    offer: Offer
    arguments: tuple[Any, ...]
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """From the child: what the question of this number came to."""

    number: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class TurnWanted:
    """From the child: a request of it waits to be sent."""

    number: int
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class TurnGiven:
    """To the child: that request may go now, or is not to be sent, and why."""

    number: int
    refused: NotSent | Closed | None = None


@dataclass(frozen=True, slots=True)
class Responded:
    """From the child: what came of a request that went, as `RequestHook.after_response` is told."""

    number: int
    status: int | None
    headers: Mapping[str, str | None]
