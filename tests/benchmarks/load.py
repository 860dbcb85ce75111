"""A small HTTP client that asks over kept connections and measures. Run as a process: a plan as JSON in, numbers out.

Bounded in requests and time, and on the loopback interface only. Two ways of asking: `closed`, each connection asks
again as soon as it is answered (how many requests a second), and `open`, at instants fixed beforehand whatever the
answers do (how long an answer takes, waiting for a connection included).
"""

import asyncio
import contextlib
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

with contextlib.suppress(ImportError):
    import uvloop

LOOPBACK = "127.0.0.1"
MOST_SECONDS = 60.0
MOST_CONNECTIONS = 64


@dataclass
class Stream:
    """Requests asked one after the other, and again from the first one when `repeat`."""

    name: str
    requests: list[str]
    """Whole HTTP/1.1 requests."""
    rate: float | None = None
    """A second, at random instants; null: as fast as answers come."""
    repeat: bool = True


@dataclass
class Plan:
    port: int
    seconds: float
    streams: list[Stream]
    connections: int = 16
    seed: int = 1


@dataclass
class Measured:
    """What became of one stream."""

    name: str
    answered: int = 0
    refused: int = 0
    """Answers with another status than 200."""
    example: str = ""
    """The beginning of the first refused answer."""
    latencies: list[float] = field(default_factory=list)
    """Seconds, of every answer."""


class Connection(asyncio.Protocol):
    """One kept connection with one request under way at most. Answers must have a Content-Length."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._whole = 0
        self._answered: Callable[[bytes], None] | None = None
        self.lost: Callable[[], None] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self, request: bytes, answered: Callable[[bytes], None]) -> None:
        """Send; `answered` is called with the answer's head."""
        assert self._transport is not None
        self._answered = answered
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._whole:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._received[:end]).lower()
            place = head.index(b"content-length:") + 15
            self._whole = end + 4 + int(head[place:].split(b"\r\n", 1)[0])
        if len(self._received) < self._whole:
            return
        head = bytes(self._received[:400])
        self._received.clear()
        self._whole = 0
        answered, self._answered = self._answered, None
        assert answered is not None, "an answer that nobody asked for"
        answered(head)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and self.lost is not None:
            self.lost()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Load:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        if plan.seconds > MOST_SECONDS or plan.connections > MOST_CONNECTIONS:
            raise ValueError(f"at most {MOST_SECONDS:.0f} s and {MOST_CONNECTIONS} connections: the load is bounded")
        self._plan = plan
        self._free: deque[Connection] = deque()
        self._all: list[Connection] = []
        self._waiting: deque[tuple[Measured, bytes, float]] = deque()
        self._broken = asyncio.Event()

    async def run(self) -> list[Measured]:
        """All streams at the same time. ConnectionError where the server closes a connection on a request."""
        for _ in range(self._plan.connections):
            await self._connect()
        results = [Measured(stream.name) for stream in self._plan.streams]
        runs = [
            self._open(stream, measured) if stream.rate else self._closed(stream, measured)
            for stream, measured in zip(self._plan.streams, results, strict=True)
        ]
        asking = asyncio.create_task(_all(runs))
        broken = asyncio.create_task(_until(self._broken))
        await asyncio.wait({asking, broken}, return_when=asyncio.FIRST_COMPLETED)
        broken.cancel()
        for connection in self._all:
            connection.close()
        if not asking.done():
            asking.cancel()
            raise ConnectionError("the server closed a connection while a request was under way")
        await asking
        return results

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, LOOPBACK, self._plan.port)
        connection.lost = self._broken.set
        self._all.append(connection)
        self._free.append(connection)

    async def _closed(self, stream: Stream, measured: Measured) -> None:
        requests = [request.encode() for request in stream.requests]
        done = asyncio.Event()
        until = time.perf_counter() + self._plan.seconds
        under_way = 0
        sent = 0

        def ask(connection: Connection) -> None:
            nonlocal under_way, sent
            if time.perf_counter() >= until or (not stream.repeat and sent == len(requests)):
                if under_way == 0:
                    done.set()
                return
            under_way += 1
            began = time.perf_counter()
            connection.ask(requests[sent % len(requests)], lambda head: answered(connection, began, head))
            sent += 1

        def answered(connection: Connection, began: float, head: bytes) -> None:
            nonlocal under_way
            under_way -= 1
            _note(measured, began, head)
            ask(connection)

        for connection in self._all:
            ask(connection)
        await done.wait()

    async def _open(self, stream: Stream, measured: Measured) -> None:
        assert stream.rate is not None
        requests = [request.encode() for request in stream.requests]
        random = np.random.default_rng(self._plan.seed)
        gaps = random.exponential(1 / stream.rate, int(stream.rate * self._plan.seconds))
        if not stream.repeat and len(gaps) > len(requests):
            raise ValueError(f"{len(gaps)} requests are wanted of {stream.name} and there are {len(requests)}")
        began = time.perf_counter()
        for number, due in enumerate(np.cumsum(gaps).tolist()):
            wait = began + due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            self._ask_when_free(measured, requests[number % len(requests)], began + due)
        while measured.answered + measured.refused < len(gaps):  # noqa: ASYNC110  # an event would cost each answer
            await asyncio.sleep(0.01)

    def _ask_when_free(self, measured: Measured, request: bytes, due: float) -> None:
        if not self._free:
            self._waiting.append((measured, request, due))
            return
        connection = self._free.popleft()
        connection.ask(request, lambda head: self._answered(connection, measured, due, head))

    def _answered(self, connection: Connection, measured: Measured, due: float, head: bytes) -> None:
        _note(measured, due, head)
        self._free.append(connection)
        if self._waiting:
            self._ask_when_free(*self._waiting.popleft())


async def _all(runs: Sequence[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*runs)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _note(measured: Measured, began: float, head: bytes) -> None:
    if head.startswith(b"HTTP/1.1 200"):
        measured.answered += 1
        measured.latencies.append(time.perf_counter() - began)
    else:
        measured.refused += 1
        measured.example = measured.example or head.decode(errors="replace")


def request(path: str, token: str | None = None, body: str | None = None) -> str:
    """A GET over a kept connection, or with a JSON body (ASCII) a POST."""
    authorization = "" if token is None else f"Authorization: Bearer {token}\r\n"
    method, sent = "GET", ""
    if body is not None:
        method, sent = "POST", f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n{authorization}{sent}Accept: application/json\r\n\r\n"
    return head + (body or "")


def main() -> None:
    given = json.load(sys.stdin)
    plan = Plan(**(given | {"streams": [Stream(**stream) for stream in given["streams"]]}))
    factory = uvloop.new_event_loop if "uvloop" in globals() else None
    with asyncio.Runner(loop_factory=factory) as runner:
        began, worked = time.perf_counter(), time.process_time()
        results = runner.run(_run(plan))
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
    print(json.dumps({"seconds": seconds, "busy": worked / seconds, "streams": [asdict(one) for one in results]}))


async def _run(plan: Plan) -> list[Measured]:
    return await Load(plan).run()


if __name__ == "__main__":
    main()
