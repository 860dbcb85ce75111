"""Live updates of a portfolio, as the stream tells them."""

from collections.abc import Iterator
from datetime import date
from typing import TypeAlias
from uuid import UUID

from pydantic import BaseModel, Field

from riskstream_client.analytics_models import Age, Ticket, TicketRequest
from riskstream_client.connection import Connection, Id, path_part


class Refreshed(BaseModel):
    """There is a newer valuation: answers asked for now are of it, or of one after it."""

    portfolio: UUID
    valuation: int
    portfolio_version: int
    edition: int
    session: date


class Status(BaseModel):
    """Whether a change waits for its valuation, and how old the newest one is."""

    portfolio: UUID
    pending: bool
    age: Age | None


class Gone(BaseModel):
    """The portfolio was deleted; nothing comes after it."""

    portfolio: UUID


class Interrupted(BaseModel):
    """The service ends the stream for now; `code` says why. Come back with the last valuation that you were told."""

    code: str
    detail: str
    retry_seconds: float | None = Field(default=None, description="How long to wait before; None: no matter.")


Update: TypeAlias = Refreshed | Status | Gone | Interrupted

_EVENTS: dict[str, type[Update]] = {
    "refreshed": Refreshed,
    "status": Status,
    "gone": Gone,
    "interrupted": Interrupted,
}


class LiveUpdates(Connection):
    """The stream of a portfolio's updates, and tickets to it for browsers."""

    def live_updates(self, portfolio: Id, *, told: int | None = None) -> Iterator[Update]:
        """Updates as they come, until the service ends the stream; `told` is the valuation that was heard of last.

        The newest state comes at once. Raises ProblemReceived where the stream is refused, and httpx.TransportError
        where it is lost: ask again with the last valuation told.
        """
        path = f"/api/v1/analytics/portfolio/{path_part(portfolio)}/events"
        with self._listen(path, told=None if told is None else str(told)) as events:
            for event in events:
                kind = _EVENTS.get(event.event)
                if kind is None:  # a newer service says more
                    continue
                update = kind.model_validate_json(event.data)
                if isinstance(update, Interrupted) and event.retry is not None:
                    update.retry_seconds = event.retry / 1000
                yield update

    def sell_ticket(self, asked: TicketRequest) -> Ticket:
        """A ticket with which a browser opens the stream, once, within its time."""
        return self._ask("POST", "/api/v1/analytics/tickets", Ticket, body=asked)
