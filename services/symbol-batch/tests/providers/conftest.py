"""A server that says one thing, or nothing, or never ends."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yfinance.data


@dataclass
class Said:
    """An answer: its status and body, and how it misbehaves."""

    body: bytes = b""
    status: int = 200
    manner: str = "whole"
    """whole, cut (fewer bytes than announced), reset, hang, drip (a byte at a time), endless."""
    content_type: str = "application/json"


@dataclass
class Canned:
    """Answers by the part of the path that they are for; everything else is a crumb."""

    url: str
    said: dict[str, Said] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def say(self, body: str | bytes = b"", *, path: str = "/finance/chart/", **how: object) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.said[path] = Said(content, **how)  # type: ignore[arg-type]  # tests name its fields

    def answer(self, path: str) -> Said:
        return next((said for part, said in self.said.items() if part in path), Said(b"crumb"))


def _handler(canned: Canned, closing: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            canned.asked.append((self.path, dict(self.headers)))
            said = canned.answer(self.path)
            if said.manner == "hang":
                closing.wait(30)
                return
            if said.manner == "reset":
                self.connection.close()
                return
            self.send_response(said.status)
            self.send_header("content-type", said.content_type)
            if said.manner in {"whole", "cut"}:
                self.send_header("content-length", str(len(said.body) + (100 if said.manner == "cut" else 0)))
            self.end_headers()
            self._send(said)

        def _send(self, said: Said) -> None:
            if said.manner == "endless":
                while not closing.is_set():
                    self.wfile.write(b" " * 1_048_576)
            elif said.manner == "drip":
                for byte in said.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)
            else:
                self.wfile.write(said.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients that go away are what these tests are about."""


@pytest.fixture
def deadline(request: pytest.FixtureRequest) -> float:
    """Seconds for a question: few where the server is told not to answer in order, else more than a machine pauses."""
    case = getattr(request.node, "callspec", None)
    said = {} if case is None else {**case.params.get("how", {}), **case.params.get("said", {})}
    return 1.2 if "manner" in said else 20.0


@pytest.fixture
def canned() -> Iterator[Canned]:
    yfinance.data.SingletonMeta._instances.clear()
    server, closing = QuietServer(("127.0.0.1", 0), BaseHTTPRequestHandler), threading.Event()
    made = Canned(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = _handler(made, closing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    closing.set()
    server.shutdown()
    server.server_close()
    thread.join()
