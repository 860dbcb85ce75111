"""The market behind somebody who doctors its charts: other answers, altered ones, days that nobody traded."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market_simulator.app import create_app
from riskstream.runtime.clock import NEW_YORK

CHART = "/v8/finance/chart/"


@dataclass(frozen=True)
class Answer:
    """Said in the market's place."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass
class Doctor:
    """ASGI middleware before the simulator."""

    market: ASGIApp | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    """By path without its query."""
    alterations: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)
    """By symbol: changes the chart's one result in place."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Whose chart is given for a symbol's."""
    closed: set[date] = field(default_factory=set)
    """Days of which no chart has a bar."""

    def say(self, path: str, body: str | bytes, *, status: int = 200, content_type: str = "application/json") -> None:
        """Answer so to this path."""
        content = body.encode() if isinstance(body, str) else body
        self.answers[path] = Answer(status, content, content_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.market is not None
        path = scope.get("path", "")
        symbol = path.removeprefix(CHART)
        if path in self.answers:
            await _say(send, self.answers[path])
        elif symbol != path and (self.closed or symbol in self.alterations or symbol in self.aliases):
            other = CHART + self.aliases.get(symbol, symbol)
            answer = await _answer_of(self.market, {**scope, "path": other, "raw_path": other.encode()}, receive)
            await _say(send, self._altered(symbol, answer))
        else:
            await self.market(scope, receive, send)

    def _altered(self, symbol: str, answer: Answer) -> Answer:
        alter = self.alterations.get(symbol)
        if answer.status != 200 or not (alter or self.closed):
            return answer
        whole = json.loads(answer.body)
        [chart] = whole["chart"]["result"]
        if self.closed:
            keep_days(chart, lambda day: day not in self.closed)
        if alter is not None:
            alter(chart)
        return Answer(200, json.dumps(whole).encode())


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start = next(message for message in messages if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    return Answer(start["status"], body, dict(start["headers"])[b"content-type"].decode())


async def _say(send: Send, answer: Answer) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def days_of(chart: dict[str, Any]) -> list[date]:
    """The New York dates of a chart's bars."""
    return [datetime.fromtimestamp(second, UTC).astimezone(NEW_YORK).date() for second in chart["timestamp"]]


def keep_days(chart: dict[str, Any], wanted: Callable[[date], bool]) -> None:
    """Take away the other bars."""
    rows = [row for row, day in enumerate(days_of(chart)) if wanted(day)]
    chart["timestamp"] = [chart["timestamp"][row] for row in rows]
    for columns in (chart["indicators"]["quote"][0], chart["indicators"]["adjclose"][0]):
        for name in columns:
            columns[name] = [columns[name][row] for row in rows]


@pytest.fixture
def doctor() -> Doctor:
    return Doctor()


@pytest.fixture
def exchange(exchange: Any, doctor: Doctor) -> Iterator[Any]:
    """The same market, its faults and its ledger, reached through the doctor."""
    doctor.market = create_app(exchange.simulator)
    server = uvicorn.Server(uvicorn.Config(doctor, log_level="error", access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        exchange.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield exchange
        finally:
            server.should_exit = True
            thread.join(timeout=10)
