"""The HTTP side of live updates: a portfolio's stream of events, and tickets to it for browsers."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, Response, Security
from fastapi.security import APIKeyQuery
from pydantic import BaseModel, ConfigDict, Field

from analytics.api import PORTFOLIO
from analytics.freshness import Age
from analytics.heads import UnknownPortfolioError
from analytics.live import LiveUpdates, Standing
from analytics.metrics import LIVE_EVENTS
from analytics.ticket import PARAMETER, Tickets
from analytics.unavailable import or_unavailable
from riskstream.runtime.access import take_tickets
from riskstream.runtime.auth import Caller, current_caller
from riskstream.runtime.described_streams import AsText, DescribedStream, InterruptedEvent
from riskstream.runtime.problems import Problem
from riskstream.runtime.server_sent_events import EventStreams, StreamEvent, interrupted

TICKETS = "/api/v1/analytics/tickets"

LastEventId: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The valuation that you were told last; browsers send it by themselves.",
        examples=["7"],
    ),
]
_BY_TICKET = APIKeyQuery(
    name=PARAMETER,
    scheme_name=PARAMETER,
    description="In the place of a token, which the EventSource of a browser cannot send; `/tickets` sells them.",
    auto_error=False,
)
"""For the document alone: the gate has taken the ticket before the route is found."""


class Refreshed(BaseModel):
    """The event `refreshed`: the portfolio's newest valuation, which is also the event's id."""

    portfolio: UUID
    valuation: int
    portfolio_version: int
    edition: int
    session: date


class Status(BaseModel):
    """The event `status`: whether a change waits for its valuation, and how old the newest one is."""

    portfolio: UUID
    pending: bool
    age: Age | None


class Gone(BaseModel):
    """The event `gone`, the last one: the portfolio was deleted."""

    portfolio: UUID


class RefreshedEvent(BaseModel):
    event: Literal["refreshed"]
    id: str = Field(description="The valuation, for `Last-Event-ID`.")
    data: Annotated[Refreshed, AsText()]


class StatusEvent(BaseModel):
    event: Literal["status"]
    data: Annotated[Status, AsText()]


class GoneEvent(BaseModel):
    event: Literal["gone"]
    data: Annotated[Gone, AsText()]


LiveEvent: TypeAlias = Annotated[
    RefreshedEvent | StatusEvent | GoneEvent | InterruptedEvent, Field(discriminator="event")
]
"""For the document alone, which says by it what a stream consists of."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "model": list[LiveEvent],
        "description": """Events for as long as the client listens and its token is good, here as a list. On the wire:

```
retry: 1000

event: refreshed
data: {"portfolio":"0c1f…","valuation":7,"portfolio_version":3,"edition":12,"session":"2024-12-16"}
id: 7

event: status
data: {"portfolio":"0c1f…","pending":false,"age":{"sessions":0,"level":"fine","last_due_session":"2024-12-16"}}

: still here
```

After 15 seconds of silence comes a comment (`: still here`). Events of other names may come: leave them out.""",
    }
}


class TicketRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    portfolio: UUID


class Ticket(BaseModel):
    """A ticket and where it is taken."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    ticket: str
    expires_in: float
    """Seconds."""
    stream: str
    """The address of the portfolio's events, with the ticket."""


def add_live_updates(app: FastAPI, live: LiveUpdates, streams: EventStreams, tickets: Tickets) -> None:
    """Serve streams and tickets in the guarded `app`; it owns none of them."""
    take_tickets(app, tickets)
    app.include_router(_router(live, streams, tickets))


def _router(live: LiveUpdates, streams: EventStreams, tickets: Tickets) -> APIRouter:
    router = APIRouter(tags=["live updates"])

    @router.get(
        f"{PORTFOLIO}/events",
        response_class=DescribedStream,
        responses=_STREAM | {404: {"description": "No such portfolio of yours."}},
        dependencies=[Security(_BY_TICKET)],
        summary="Live updates of a portfolio",
    )
    async def live_updates(
        portfolio: UUID,
        caller: Annotated[Caller, Depends(current_caller)],
        last_event_id: LastEventId = None,
    ) -> Response:
        """Server-sent events. `refreshed`, whose id is the valuation: at once, unless `Last-Event-ID` names that
        valuation already, and then with every newer one. `status`: at once, and whenever it has changed.

        Whoever was away, or is slow, is told the newest state only, never an older one. `gone` is the last event of a
        portfolio that was deleted. A stream may be `interrupted` (`stopping`, `renew`, `token_expired`): come back.
        """
        standing = await _standing(live, caller, portfolio)
        return streams.begin(caller.owner, _events(live, caller, portfolio, standing, last_event_id))

    @router.post(
        TICKETS,
        status_code=HTTPStatus.CREATED,
        responses={400: {"description": "The body is not text."}, 404: {"description": "No such portfolio of yours."}},
        summary="A ticket to a portfolio's live updates",
    )
    async def sell_ticket(
        asked: TicketRequest, caller: Annotated[Caller, Depends(current_caller)], response: Response
    ) -> Ticket:
        """For the EventSource of a browser, which cannot send a token. It opens one stream, once, within its time."""
        await _standing(live, caller, asked.portfolio)
        ticket = await tickets.sell(caller, asked.portfolio)
        response.headers["Cache-Control"] = "no-store"
        stream = f"{PORTFOLIO.format(portfolio=asked.portfolio)}/events?{PARAMETER}={ticket}"
        return Ticket(ticket=ticket, expires_in=tickets.lives_seconds, stream=stream)

    return router


async def _events(
    live: LiveUpdates, caller: Caller, portfolio: UUID, standing: Standing, told: str | None
) -> AsyncGenerator[StreamEvent, None]:
    """What is to be told to whoever was told the valuation `told` last, beginning with `standing`."""
    for event in _news(portfolio, standing, told, None):
        yield _counted(event)
    async with aclosing(live.follow(caller.owner, portfolio, standing)) as standings:
        while True:
            try:
                async with asyncio.timeout(_good_for(caller)):
                    newer = await anext(standings)
            except TimeoutError:
                yield _counted(_expired())
                return
            if newer is None:
                yield _counted(StreamEvent("gone", Gone(portfolio=portfolio).model_dump_json()))
                return
            for event in _news(portfolio, newer, _id(standing), standing):
                yield _counted(event)
            standing = newer


def _news(portfolio: UUID, standing: Standing, told: str | None, before: Standing | None) -> Iterator[StreamEvent]:
    """What `standing` says beyond the valuation `told` and the status of `before`."""
    head, age = standing.head, standing.age
    if head is not None and _id(standing) != told:
        refreshed = Refreshed(
            portfolio=portfolio,
            valuation=head.valuation,
            portfolio_version=head.portfolio_version,
            edition=head.edition,
            session=head.session,
        )
        yield StreamEvent("refreshed", refreshed.model_dump_json(), id=_id(standing))
    if before is None or (standing.pending, age) != (before.pending, before.age):
        yield StreamEvent("status", Status(portfolio=portfolio, pending=standing.pending, age=age).model_dump_json())


def _id(standing: Standing) -> str | None:
    return str(standing.head.valuation) if standing.head else None


def _good_for(caller: Caller) -> float | None:
    """Seconds."""
    return None if math.isinf(caller.expires) else caller.expires - time.time()


def _expired() -> StreamEvent:
    return interrupted("token_expired", "Come back with a token, or a ticket, that is good.", 1_000)


def _counted(event: StreamEvent) -> StreamEvent:
    LIVE_EVENTS.labels(event.name).inc()
    return event


async def _standing(live: LiveUpdates, caller: Caller, portfolio: UUID) -> Standing:
    try:
        with or_unavailable():
            return await live.standing(caller.owner, portfolio)
    except UnknownPortfolioError as error:
        detail = f"There is no portfolio {portfolio} of yours."
        raise Problem(HTTPStatus.NOT_FOUND, "portfolio_not_found", detail) from error
