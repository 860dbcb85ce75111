"""Onboarding's application behind a real server, and clients that hold its streams open."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from onboarding.api import create_app
from onboarding.portfolios import Portfolios
from onboarding.progress import Progress
from onboarding.settings import OnboardingSettings
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.health import Health
from riskstream.runtime.server_sent_events import EventStreams, StreamLimits
from riskstream.runtime.service import HttpPart

POLL_SECONDS = 0.02


async def come(true: Callable[[], Any], what: str, seconds: float = 10) -> None:
    """Wait until `true()`, or fail saying that `what` did not come."""
    try:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110  # the other side is a socket
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"{what} did not come within {seconds:.0f} s", pytrace=False)


@dataclass
class Told:
    """What came over one stream."""

    status_code: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    events: list[dict[str, str]] = field(default_factory=list)
    over: bool = False

    async def comes(self, events: int, seconds: float = 10) -> None:
        """Wait until so many events have come."""
        await come(lambda: len(self.events) >= events, f"event {events} (after {self.names()})", seconds)

    async def ends(self, seconds: float = 10) -> None:
        """Wait for the end of the stream."""
        await come(lambda: self.over, f"the end (after {self.names()})", seconds)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(event["data"]) for event in self.events]

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]


@dataclass
class Served:
    """One process's HTTP server and what stands behind its streams."""

    progress: Progress
    streams: EventStreams
    http: HttpPart
    issuer: Any
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(part.run()) for part in (self.progress, self.http)]

    async def listens(self) -> None:
        """Wait until the socket, which is bound already, takes connections."""
        while True:
            try:
                _, writer = await asyncio.open_connection(*self.http.address)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                return writer.close()

    def client(self, owner: str = "ada") -> httpx.AsyncClient:
        host, port = self.http.address
        headers = {"Authorization": f"Bearer {self.issuer.token(owner)}"}
        return httpx.AsyncClient(base_url=f"http://{host}:{port}", headers=headers, timeout=10, trust_env=False)

    @contextlib.asynccontextmanager
    async def follow(self, portfolio: str, owner: str = "ada", **headers: str) -> AsyncIterator[Told]:
        """Listen to the portfolio's progress in the background until the block is left or the stream ends."""
        told, opened = Told(), asyncio.Event()
        listening = asyncio.create_task(self._listen(portfolio, owner, headers, told, opened))
        try:
            await asyncio.wait({listening, asyncio.ensure_future(opened.wait())}, return_when=asyncio.FIRST_COMPLETED)
            yield told
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def _listen(
        self, portfolio: str, owner: str, headers: dict[str, str], told: Told, opened: asyncio.Event
    ) -> None:
        path = f"/portfolios/{portfolio}/progress"
        async with self.client(owner) as client, client.stream("GET", path, headers=headers) as answer:
            told.status_code, told.headers = answer.status_code, answer.headers
            opened.set()
            event: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif not line and event:
                    if "event" in event:
                        told.events.append(event)
                    event = {}
            told.over = True

    async def gone(self, tasks: int | None = None) -> None:
        """Wait until nobody holds a stream and nothing, of so many `tasks`, is left of those that did."""
        await come(lambda: self.streams.open == 0 and self.progress.followers == 0, "the end of all streams")
        if tasks is not None:
            await come(lambda: len(asyncio.all_tasks()) <= tasks, f"the end of all but {tasks} tasks")

    async def get(self, path: str, owner: str = "ada", **headers: str) -> httpx.Response:
        async with self.client(owner) as client:
            return await client.get(path, headers=headers)

    async def stop(self) -> None:
        for part in (self.progress, self.streams, self.http):
            part.stop()
        await asyncio.wait_for(asyncio.gather(*self._tasks), 10)


@pytest.fixture
async def serve(engine, tokens, issuer, clock) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Starts a process's server, with the limits of streams that a test names; a second one is a replica."""
    running: list[Served] = []

    async def make(*, engine: Any = engine, **limits: Any) -> Served:
        settings = OnboardingSettings(
            postgres_dsn="postgresql://role@nowhere/unused", kafka="nowhere:9092", valuation_wait_ms=0
        )
        portfolios = Portfolios(engine, Outbox("portfolios", "/services/onboarding", clock=clock), clock, settings)
        progress = Progress(engine, poll_seconds=POLL_SECONDS)
        streams = EventStreams(StreamLimits(**{"per_owner": 3, "in_process": 5} | limits))
        app = create_app(portfolios, tokens, clock, settings, Health(), progress=progress, streams=streams)
        served = Served(progress, streams, HttpPart(app, "127.0.0.1", 0, drain_seconds=5), issuer)
        served.start()
        running.append(served)
        await served.listens()
        return served

    yield make
    for served in running:
        await served.stop()
