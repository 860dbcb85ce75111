"""How far a portfolio is: asked for again and again, or told over a stream until nothing is on its way any more."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field

from onboarding.api import documentation
from onboarding.api.answers import PortfolioStatus
from onboarding.api.authors import Owner
from onboarding.api.preconditions import Known, fingerprint
from onboarding.portfolios import Portfolios
from onboarding.progress import Progress, ProgressUnknown
from onboarding.status import is_over
from onboarding.store import PortfolioRecord
from riskstream.runtime.conditional import tagged
from riskstream.runtime.described_streams import AsText, DescribedStream, InterruptedEvent
from riskstream.runtime.server_sent_events import EventStreams, StreamEvent, interrupted

DATABASE_AWAY_RETRY_MS = 5_000

PROBLEMS = {
    "s404": "You have no such portfolio. Another owner's is answered the same way.",
}

STREAM_PROBLEMS = {
    "s429": "You have as many streams open as you may; see Retry-After.",
    "s503": "No more streams can be opened here for now, or the database is away; see Retry-After.",
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As it was under the ETag that was sent."}}


class Deleted(BaseModel):
    """The event `deleted`, the last one: the portfolio is gone."""

    portfolio_id: UUID


class StatusEvent(BaseModel):
    event: Literal["status", "end"] = Field(description="`end` where nothing is on its way any more.")
    id: str = Field(description="For `Last-Event-ID`: the same as long as the status is the same.")
    data: Annotated[PortfolioStatus, AsText()]


class DeletedEvent(BaseModel):
    event: Literal["deleted"]
    data: Annotated[Deleted, AsText()]


ProgressEvent: TypeAlias = Annotated[StatusEvent | DeletedEvent | InterruptedEvent, Field(discriminator="event")]
"""For the document alone, which says by it what a stream consists of."""

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "model": list[ProgressEvent],
        "description": """Events until nothing is on its way any more, here as a list. On the wire:

```
retry: 1000

event: status
data: {"portfolio_id":"0c1f…","status":"pending","version":1,"pending_symbols":["SNDK"],…}
id: 5d41402abc4b2a76b9719d91

: still here

event: end
data: {"portfolio_id":"0c1f…","status":"ready","version":1,"pending_symbols":[],…}
id: 7d793037a0760186574b0282
```

After 15 seconds of silence comes a comment (`: still here`). Events of other names may come: leave them out.""",
    },
    204: {"description": "You were told the end already, by the event that `Last-Event-ID` names."},
}


def progress_router(portfolios: Portfolios, progress: Progress, streams: EventStreams) -> APIRouter:
    """Status and stream of a portfolio."""
    router = APIRouter(prefix="/portfolios", tags=["progress"])

    @router.get(
        "/{portfolio_id}/status",
        response_model=PortfolioStatus,
        responses=documentation.problems(**PROBLEMS) | NOT_MODIFIED,
        summary="How far a portfolio is",
    )
    async def read_status(portfolio_id: UUID, owner: Owner, known: Known = None) -> Response:
        """Derived at this moment from the portfolio, its valuation and the symbol layer; never stored.

        `poll_after_ms` says when asking again is worth while. With `If-None-Match`, 304 while nothing has changed.
        """
        body = PortfolioStatus.of(await portfolios.find(owner, portfolio_id)).model_dump_json()
        return tagged(known, body, f'"{fingerprint(body)}"')

    @router.get(
        "/{portfolio_id}/progress",
        response_class=DescribedStream,
        responses=STREAM | documentation.problems(**PROBLEMS, **STREAM_PROBLEMS),
        summary="How far a portfolio is, told until it is ready",
    )
    async def follow_progress(
        portfolio_id: UUID, owner: Owner, last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None
    ) -> Response:
        """Server-sent events, each with the body of `/status`: one at once, then one whenever it has changed.

        They are named `status`; the last one, when nothing is on its way any more, `end`, with the status `ready` or
        `error`. A stream may be `interrupted` (its `code` says by what) and says when to come back: with the
        `Last-Event-ID` that browsers send by themselves, nothing is told twice and nothing left out. Who has been told
        the end is answered 204, after which browsers do not come back.
        """
        record = await portfolios.find(owner, portfolio_id)
        if _event(record).id == last_event_id and _ends(record):
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return streams.begin(owner, _events(progress, owner, record, last_event_id))

    return router


async def _events(
    progress: Progress, owner: str, record: PortfolioRecord, told: str | None
) -> AsyncGenerator[StreamEvent, None]:
    """What is to be told to whoever was told the event `told` last, beginning with `record`."""
    event = _event(record)
    if event.id != told:
        yield event
    if _ends(record):
        return
    told = event.id
    async with aclosing(progress.follow(owner, record.portfolio_id)) as readings:
        try:
            async for reading in readings:
                if reading is None:
                    yield _deleted(record.portfolio_id)
                    return
                event = _event(reading)
                if event.id != told:
                    yield event
                    told = event.id
                if _ends(reading):
                    return
        except ProgressUnknown:
            detail = "The database is away for now: how far the portfolio is, is not known."
            yield interrupted("database_away", detail, DATABASE_AWAY_RETRY_MS)


def _ends(record: PortfolioRecord) -> bool:
    return is_over(
        record.unknown, record.version, record.valued_version, valuation_failed=record.valuation_failed is not None
    )


def _event(record: PortfolioRecord) -> StreamEvent:
    body = PortfolioStatus.of(record).model_dump_json()
    return StreamEvent("end" if _ends(record) else "status", body, id=fingerprint(body))


def _deleted(portfolio: UUID) -> StreamEvent:
    return StreamEvent("deleted", Deleted(portfolio_id=portfolio).model_dump_json())
