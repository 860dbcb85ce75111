"""What is told of HTTP requests: counts and times by route, and a span that continues the caller's trace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode
from prometheus_client import REGISTRY

from rehearsal.spans import Kept
from riskstream.runtime.health import Health
from riskstream.runtime.http_telemetry import HttpTelemetry

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def application() -> FastAPI:
    app = FastAPI()
    app.include_router(Health().router())

    @app.get("/books/{book}")
    async def show(book: int) -> int:
        return book

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is 1234")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            yield "data: 1\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(HttpTelemetry(application()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as made:
        yield made


def counted(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("riskstream_http_requests_total", labels) or 0.0


def timed(method: str, route: str) -> float:
    labels = {"method": method, "route": route}
    return REGISTRY.get_sample_value("riskstream_http_request_seconds_count", labels) or 0.0


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/books/7", "/books/{book}", 200),
        ("GET", "/books/x", "/books/{book}", 422),
        ("POST", "/books/7", "/books/{book}", 405),
        ("GET", "/nowhere/7", "none", 404),
        ("GET", "/broken", "/broken", 500),
        ("GET", "/health/live", "/health/live", 200),
        ("GET", "/metrics", "/metrics", 200),
    ],
)
async def test_requests_are_counted_and_timed_by_the_template_of_their_route(
    method: str, path: str, route: str, status: int
) -> None:
    before = counted(method, route, status), timed(method, route)
    async with client() as http:
        assert (await http.request(method, path)).status_code == status
    assert (counted(method, route, status), timed(method, route)) == (before[0] + 1, before[1] + 1)


async def test_a_method_that_nobody_knows_is_no_series_of_its_own() -> None:
    before = counted("OTHER", "none", 404)
    async with client() as http:
        await http.request("BREW", "/nowhere")
    assert counted("OTHER", "none", 404) == before + 1


async def test_a_stream_is_counted_and_its_length_is_no_response_time() -> None:
    before = counted("GET", "/stream", 200), timed("GET", "/stream")
    async with client() as http:
        await http.get("/stream")
    assert (counted("GET", "/stream", 200), timed("GET", "/stream")) == (before[0] + 1, before[1])


async def test_no_request_stays_in_progress() -> None:
    async with client() as http:
        for path in ("/books/7", "/broken", "/nowhere"):
            await http.get(path)
    assert REGISTRY.get_sample_value("riskstream_http_requests_in_progress") == 0


async def test_a_request_is_a_servers_span_under_the_callers(spans: Kept) -> None:
    async with client() as http:
        await http.get("/books/7?ticket=secret", headers={"traceparent": CALLER})
    span = spans.only("GET /books/{book}")
    assert span.kind is SpanKind.SERVER
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == tuple(CALLER.split("-")[1:3])
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "url.path": "/books/7",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.route": "/books/{book}",
        "http.response.status_code": 200,
    }
    assert "secret" not in span.to_json()


@pytest.mark.parametrize("sent", [b"nonsense", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01", b"ff" * 40, b"\xe9\x00"])
async def test_a_request_that_names_no_trace_begins_one(spans: Kept, sent: bytes) -> None:
    async with client() as http:
        answer = await http.get("/books/7", headers=[(b"traceparent", sent)])
    assert answer.status_code == 200
    assert spans.only("GET /books/{book}").parent is None


async def test_a_failure_of_ours_is_a_failed_span_and_a_callers_mistake_is_not(spans: Kept) -> None:
    async with client() as http:
        await http.get("/broken")
        await http.get("/books/x")
        await http.get("/nowhere")
    failed = spans.only("GET /broken")
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "RuntimeError"
    assert "1234" not in failed.to_json()
    assert spans.only("GET /books/{book}").status.status_code is StatusCode.UNSET
    assert spans.only("GET").status.status_code is StatusCode.UNSET, "a name without the address"


async def test_what_machines_ask_every_few_seconds_is_not_told(spans: Kept) -> None:
    async with client() as http:
        for path in ("/health/live", "/health/ready", "/metrics"):
            await http.get(path)
    assert spans.all() == []
