"""Replicas behind real servers, and clients that hold their streams open."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from riskstream.runtime.service import HttpPart

MONDAY = date(2024, 12, 16)


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
    refusal: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)
    comments: int = 0
    over: bool = False

    async def comes(self, *names: str) -> None:
        """Wait until these events, and no others, have come since the beginning."""
        await come(lambda: len(self.names()) >= len(names), f"{names} (after {self.names()})")
        assert self.names() == list(names)

    async def ends(self) -> None:
        await come(lambda: self.over, f"the end (after {self.names()})")

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(event["data"]) for event in self.events if event["event"] == name]

    def valuations(self) -> list[int]:
        return [body["valuation"] for body in self.bodies("refreshed")]


async def listen(
    client: httpx.AsyncClient, path: str, headers: Mapping[str, str], told: Told, opened: asyncio.Event
) -> None:
    """Write down what comes over the stream at `path`, to its end."""
    async with client.stream("GET", path, headers=headers) as answer:
        told.status_code, told.headers = answer.status_code, answer.headers
        if answer.status_code != 200:
            told.refusal = json.loads(await answer.aread())
            opened.set()
            return
        opened.set()
        event: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                told.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                event[name] = value
            else:
                if "event" in event:
                    told.events.append(event)
                event = {}
        told.over = True


@contextlib.asynccontextmanager
async def listening(base_url: str, path: str, headers: Mapping[str, str]) -> AsyncIterator[Told]:
    """Listen in the background until the block is left or the stream ends."""
    told, opened = Told(), asyncio.Event()
    async with httpx.AsyncClient(base_url=base_url, timeout=10, trust_env=False) as client:
        task = asyncio.create_task(listen(client, path, headers, told, opened))
        open_now = asyncio.create_task(opened.wait())
        try:
            await asyncio.wait({task, open_now}, return_when=asyncio.FIRST_COMPLETED)
            if not opened.is_set():
                await task
            yield told
        finally:
            for one in (task, open_now):
                one.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await one


@dataclass
class Served:
    """A replica, its server and what reads for its streams."""

    replica: Any
    http: HttpPart
    tasks: list[asyncio.Task[None]]

    @property
    def base_url(self) -> str:
        host, port = self.http.address
        return f"http://{host}:{port}"

    def follow(self, portfolio: UUID, owner: str = "ana", last: int | str | None = None) -> Any:
        headers = self.replica.bearer(owner)
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        return self.open(f"/api/v1/analytics/portfolio/{portfolio}/events", headers)

    def open(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        return listening(self.base_url, path, headers or {})

    async def buys(self, portfolio: UUID | str, owner: str = "ana") -> httpx.Response:
        return await self.replica.client.post(
            "/api/v1/analytics/tickets", json={"portfolio": str(portfolio)}, headers=self.replica.bearer(owner)
        )

    async def nobody(self) -> None:
        """Wait until nothing is left of those who listened."""
        await come(lambda: self.replica.streams.open == 0 and self.replica.live.followers == 0, "the end of all")

    async def stop(self) -> None:
        for part in (self.replica.live, self.replica.streams, self.http):
            part.stop()
        await asyncio.wait_for(asyncio.gather(*self.tasks), 10)


@pytest.fixture
async def serve(make_replica: Any) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Start a replica's server; what is named goes to `make_replica`."""
    running: list[Served] = []

    async def make(**settings: Any) -> Served:
        replica = await make_replica(**settings)
        http = HttpPart(replica.app, "127.0.0.1", 0, drain_seconds=5)
        tasks = [asyncio.create_task(part.run()) for part in (replica.live, http)]
        running.append(Served(replica, http, tasks))
        return running[-1]

    yield make
    for served in running:
        await served.stop()


@pytest.fixture
async def served(serve: Any) -> Served:
    made: Served = await serve()
    return made


@pytest.fixture
async def valued(world: Any) -> UUID:
    """Ana's portfolio, valued once."""
    await world.edition(1, MONDAY)
    portfolio: UUID = await world.portfolio()
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    return portfolio
