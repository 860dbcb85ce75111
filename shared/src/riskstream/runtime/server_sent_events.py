"""Server-sent events: streams that are counted, kept alive, and ended together when the process stops.

FastAPI writes the format (https://html.spec.whatwg.org/multipage/server-sent-events.html); the response is ours,
because neither FastAPI's nor sse-starlette's learns that this process stops: the one does not look, the other looks at
signal handlers of uvicorn that a `Service` has replaced. Their streams would hold a stopping process to the last.

Who talks over a stream gives each event an id from which it can go on: a stream may end at any moment, and its client
comes back with the header `Last-Event-ID`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from fastapi.responses import Response
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from riskstream.runtime.problems import Problem
from riskstream.runtime.process_metrics import EVENT_STREAMS

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = format_sse_event(comment="still here")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event: its name, its JSON, and the id by which a client says how far it has come."""

    name: str
    data: str
    id: str | None = None
    retry_ms: int | None = None
    """How long the client shall wait before it comes back, from now on."""

    def encode(self) -> bytes:
        return format_sse_event(event=self.name, data_str=self.data, id=self.id, retry=self.retry_ms)


class Interrupted(BaseModel):
    """The event `interrupted`: the stream has not come to its end; come back with the id that you were told last."""

    code: str = Field(description="The stable word to test for: what is in the way.")
    detail: str


def interrupted(code: str, detail: str, retry_ms: int) -> StreamEvent:
    """The last event of a stream that has not come to its end: what is in the way, and when to come back.

    It has no id, so that the client comes back with that of the last event that told it something.
    """
    return StreamEvent("interrupted", Interrupted(code=code, detail=detail).model_dump_json(), retry_ms=retry_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How many streams there may be, and how long one may take for what."""

    per_owner: int
    in_process: int
    heartbeat_seconds: float = 15.0
    """A comment after so much silence: proxies keep the connection, and a client that has gone is noticed."""
    longest_seconds: float = 900.0
    """Then the client is asked to come back, and to show a token that is still good."""
    send_seconds: float = 10.0
    """A client that takes longer to read what it was sent has gone."""
    retry_ms: int = 1_000


class EventStreams:
    """The open streams of a process. A part of it: stop it before HTTP, and HTTP has nothing to wait for."""

    def __init__(self, limits: StreamLimits) -> None:
        self.limits = limits
        self.stopping = asyncio.Event()
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open.total()

    async def run(self) -> None:
        """Until `stop`; streams end then by themselves."""
        await self.stopping.wait()

    def stop(self) -> None:
        """End all streams with `interrupted`, and begin none any more."""
        self.stopping.set()

    def begin(self, owner: str, events: AsyncGenerator[StreamEvent, None]) -> Response:
        """A response that says `events` to their end; they are closed with it, whichever way it ends.

        Raises Problem: 429 where the owner has too many streams, 503 where all have, or the process stops.
        """
        limits = self.limits
        if self._open[owner] >= limits.per_owner:
            raise _refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too_many_streams",
                f"You have {limits.per_owner} streams open, and may not have more; close one, or ask without a stream.",
            )
        if self.stopping.is_set() or self.open >= limits.in_process:
            raise _refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "no_more_streams",
                "No further stream can be opened here for now; come back later, or ask without a stream.",
            )
        self._open[owner] += 1
        EVENT_STREAMS.inc()
        return _StreamResponse(self, owner, events)

    def ended(self, owner: str) -> None:
        """The owner has one stream less."""
        self._open[owner] -= 1
        if not self._open[owner]:
            del self._open[owner]
        EVENT_STREAMS.dec()


class _StreamResponse(Response):
    media_type = MEDIA_TYPE

    def __init__(self, streams: EventStreams, owner: str, events: AsyncGenerator[StreamEvent, None]) -> None:
        # Nothing may keep a copy, and no proxy may wait for more before it passes on what there is.
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._owner = owner
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Talk until the events end, the client goes, or the process stops."""
        talk = asyncio.create_task(self._talk(send), name=f"stream {scope['path']}")
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({talk, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            gone.cancel()
            await asyncio.wait({talk, gone})
            await self._events.aclose()
            self._streams.ended(self._owner)
        if not talk.cancelled():
            _tell_end(talk.exception(), scope["path"])

    async def _talk(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                async with asyncio.timeout(self._streams.limits.send_seconds):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        """The events as bytes, with heartbeats between them, to their end, the process's, or the longest time."""
        limits, stopping = self._streams.limits, self._streams.stopping
        yield format_sse_event(retry=limits.retry_ms)
        until = time.monotonic() + limits.longest_seconds
        stop = asyncio.create_task(stopping.wait())
        following = asyncio.create_task(_next(self._events))
        try:
            while not stopping.is_set() and (left := until - time.monotonic()) > 0:
                wait = min(left, limits.heartbeat_seconds)
                await asyncio.wait({following, stop}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    yield HEARTBEAT
                    continue
                event = following.result()
                if event is None:
                    return
                yield event.encode()
                following = asyncio.create_task(_next(self._events))
        finally:
            stop.cancel()
            following.cancel()
            await asyncio.wait({stop, following})
        code = "stopping" if stopping.is_set() else "renew"
        yield interrupted(code, "Come back, with Last-Event-ID: nothing is lost.", limits.retry_ms).encode()


def _tell_end(error: BaseException | None, path: str) -> None:
    if isinstance(error, TimeoutError):
        log.info("a client of a stream does not read; let go", path=path)
    elif error is not None:
        raise error


async def _next(events: AsyncIterator[StreamEvent]) -> StreamEvent | None:
    return await anext(events, None)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _refusal(status: HTTPStatus, code: str, detail: str) -> Problem:
    return Problem(status, code, detail, headers={"Retry-After": "5"})
