"""Streams over a real server: what a client is told, and what is left when it, or the process, goes."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from riskstream.runtime.health import Health
from riskstream.runtime.problems import install_problem_handlers
from riskstream.runtime.server_sent_events import EventStreams, StreamEvent, StreamLimits, interrupted
from riskstream.runtime.service import HttpPart, Service

LIMITS = {"per_owner": 2, "in_process": 3, "heartbeat_seconds": 0.1}


@dataclass
class Talker:
    """Says what a test puts into `said`; None is the end. Counts who still listens."""

    said: asyncio.Queue[StreamEvent | None] = field(default_factory=asyncio.Queue)
    listeners: int = 0

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        self.listeners += 1
        try:
            while (event := await self.said.get()) is not None:
                yield event
        finally:
            await asyncio.sleep(0)  # closing may take a turn of the loop
            self.listeners -= 1


@dataclass
class Server:
    streams: EventStreams
    talker: Talker
    http: HttpPart
    task: asyncio.Task[None]

    def open(self, owner: str = "ada") -> Any:
        return self.client().stream("GET", f"/{owner}")

    def client(self) -> httpx.AsyncClient:
        host, port = self.http.address
        return httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=10, trust_env=False)

    async def stop(self) -> None:
        self.streams.stop()
        self.http.stop()
        await asyncio.wait_for(self.task, 10)


def application(streams: EventStreams, events: Callable[[], AsyncGenerator[StreamEvent, None]]) -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/{owner}")
    async def listen(owner: str) -> Response:
        return streams.begin(owner, events())

    return app


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    servers: list[Server] = []

    async def make(**limits: Any) -> Server:
        talker = Talker()
        streams = EventStreams(StreamLimits(**LIMITS | limits))
        http = HttpPart(application(streams, talker.events), "127.0.0.1", 0, drain_seconds=5)
        servers.append(Server(streams, talker, http, asyncio.create_task(http.run())))
        await listens(*http.address)
        return servers[-1]

    yield make
    for server in servers:
        await server.stop()


def events_of(text: str) -> list[dict[str, str]]:
    """The events of a stream, each by its fields; comments left out."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return [block for block in blocks if "event" in block]


async def listens(host: str, port: int) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                return writer.close()


async def come(true: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # the other side is a socket
            await asyncio.sleep(0.01)


async def test_a_client_is_told_every_event_with_its_id_and_then_the_end(serve):
    server = await serve()
    for number in (1, 2):
        server.talker.said.put_nowait(StreamEvent("status", json.dumps({"n": number}), id=str(number)))
    server.talker.said.put_nowait(None)
    async with server.open() as answer:
        text = (await answer.aread()).decode()
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert text.startswith("retry: 1000\n\n")
    assert events_of(text) == [
        {"event": "status", "data": '{"n": 1}', "id": "1"},
        {"event": "status", "data": '{"n": 2}', "id": "2"},
    ]


async def test_silence_is_filled_with_comments_that_no_client_takes_for_an_event(serve):
    server = await serve(heartbeat_seconds=0.02)
    async with server.open() as answer:
        heard = answer.aiter_text()
        text = ""
        while text.count(": still here\n\n") < 3:
            text += await anext(heard)
        server.talker.said.put_nowait(StreamEvent("status", "{}", id="1"))
        server.talker.said.put_nowait(None)
        async for more in heard:
            text += more
    assert [event["event"] for event in events_of(text.replace(": still here\n\n", ""))] == ["status"]


async def test_a_client_that_goes_leaves_no_task_no_listener_and_no_place_taken(serve):
    server = await serve()
    before = len(asyncio.all_tasks())
    for _ in range(3):
        async with server.client() as client, client.stream("GET", "/ada") as answer:
            assert answer.status_code == 200
            await come(lambda: server.talker.listeners == 1)
            assert server.streams.open == 1
        await come(lambda: server.streams.open == 0)
    await come(lambda: server.talker.listeners == 0)
    await come(lambda: len(asyncio.all_tasks()) <= before)


async def test_an_owner_has_so_many_streams_and_all_owners_so_many_together(serve):
    server = await serve()
    async with server.open("ada"), server.open("ada"), server.client() as client:
        refused = await client.get("/ada")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        assert refused.headers["retry-after"] == "5"
        async with server.open("bob"):
            refused = await client.get("/eve")
            assert (refused.status_code, refused.json()["code"]) == (503, "no_more_streams")
            assert refused.headers["retry-after"] == "5"
    await come(lambda: server.streams.open == 0)
    async with server.open("ada") as again:
        assert again.status_code == 200


async def test_a_stream_that_lasts_too_long_ends_with_a_word_to_come_back(serve):
    server = await serve(longest_seconds=0.15)
    async with server.open() as answer:
        text = (await answer.aread()).decode().replace(": still here\n\n", "")
    [last] = events_of(text)
    assert (last["event"], json.loads(last["data"])["code"]) == ("interrupted", "renew")
    assert "id" not in last


async def test_a_talker_that_fails_ends_its_stream_and_frees_the_place():
    async def fails() -> AsyncGenerator[StreamEvent, None]:
        yield StreamEvent("status", "{}")
        raise RuntimeError("broken")

    streams = EventStreams(StreamLimits(**LIMITS))
    app = application(streams, fails)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        with pytest.raises(RuntimeError, match="broken"):
            await client.get("/ada")
    assert streams.open == 0


async def test_a_client_that_does_not_read_is_let_go(serve):
    server = await serve(send_seconds=0.3)
    reader, writer = await asyncio.open_connection(*server.http.address, limit=1)
    writer.write(b"GET /ada HTTP/1.1\r\nHost: test\r\n\r\n")
    await reader.read(1)
    much = json.dumps("x" * 1_000_000)
    for number in range(50):
        server.talker.said.put_nowait(StreamEvent("status", much, id=str(number)))
    await come(lambda: server.talker.said.qsize() < 50)
    await come(lambda: server.streams.open == 0, seconds=8)
    assert server.talker.listeners == 0
    writer.transport.abort()


async def test_a_process_that_is_told_to_stop_ends_its_streams_and_then_itself():
    talker, streams = Talker(), EventStreams(StreamLimits(**LIMITS))
    http = HttpPart(application(streams, talker.events), "127.0.0.1", 0, drain_seconds=10)
    service = Service("test", Health(), shutdown_seconds=10)
    service.add("streams", streams)
    service.add("http", http)
    host, port = http.address

    async def listen() -> str:
        async with (
            httpx.AsyncClient(timeout=10, trust_env=False) as client,
            client.stream("GET", f"http://{host}:{port}/ada") as answer,
        ):
            return (await answer.aread()).decode()

    running = asyncio.create_task(service.run())
    await listens(host, port)
    listening = [asyncio.create_task(listen()) for _ in range(2)]
    await come(lambda: talker.listeners == 2)
    began = time.monotonic()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, 10) == 0
    assert time.monotonic() - began < 8
    for text in await asyncio.gather(*listening):
        [last] = events_of(text.replace(": still here\n\n", ""))
        assert (last["event"], last["retry"]) == ("interrupted", "1000")
        assert json.loads(last["data"])["code"] == "stopping"
    assert talker.listeners == 0


def test_an_interruption_has_no_id_so_that_the_client_keeps_the_last_one():
    event = interrupted("database_away", "Later.", 5_000).encode()
    assert b"\nretry: 5000\n" in event
    assert b"\nid:" not in event
