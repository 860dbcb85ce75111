"""What is told of every HTTP request: how many, how long and how they ended, by route; and a span."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskstream.runtime import process_metrics, tracing

NO_ROUTE = "none"
NOT_TRACED = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TRACE_HEADERS = frozenset({b"traceparent", b"tracestate"})


class HttpTelemetry:
    """ASGI middleware around the whole application, its gate included: nothing that is asked goes uncounted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # A number of our own, read at a scrape: a gauge takes a lock each way, which every answer would pay for.
        self._in_progress = 0
        process_metrics.HTTP_IN_PROGRESS.set_function(lambda: self._in_progress)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(scope, send)
        self._in_progress += 1
        try:
            if tracing.on() and scope["path"] not in NOT_TRACED:
                with _span_of(exchange):
                    await self._app(scope, receive, exchange.send)
            else:
                await self._app(scope, receive, exchange.send)
        finally:
            self._in_progress -= 1
            exchange.count()


class _Exchange:
    """A request, and how it is answered."""

    __slots__ = ("_began", "_send", "scope", "status", "streams")

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status = 500
        """Of an application that fails before it answers, the server says 500."""
        self.streams = False
        self._send = send
        self._began = time.perf_counter()

    @property
    def method(self) -> str:
        method: str = self.scope["method"]
        return method if method in _METHODS else "OTHER"

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.streams = _is_stream(message["headers"])
        await self._send(message)

    def count(self) -> None:
        method, route = self.method, route_of(self.scope)
        _answered(method, route, self.status).inc()
        if not self.streams:
            _seconds(method, route).observe(time.perf_counter() - self._began)


def route_of(scope: Scope) -> str:
    """The template of the route that answered. Never the address itself: it would be a series for each portfolio."""
    route = scope.get("route")
    return NO_ROUTE if route is None else str(route.path)


@contextmanager
def _span_of(exchange: _Exchange) -> Iterator[None]:
    """A server's span, under the caller's where its headers name one. The query is not told: it may hold a ticket."""
    scope = exchange.scope
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _TRACE_HEADERS}
    attributes = {
        "http.request.method": exchange.method,
        "url.path": scope["path"],
        "url.scheme": scope["scheme"],
        "network.protocol.version": scope["http_version"],
    }
    parent = tracing.context_of(headers)
    with tracing.span(exchange.method, kind=SpanKind.SERVER, parent=parent, attributes=attributes) as span:
        try:
            yield
        finally:
            route = route_of(scope)
            if route != NO_ROUTE:
                span.update_name(f"{exchange.method} {route}")
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", exchange.status)
            if exchange.status >= 500:
                tracing.failed(span, str(exchange.status))


def _is_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)


# Finding a series by its labels takes longer than adding to it. Routes are bounded, hence so are these.
@lru_cache(maxsize=4_096)
def _answered(method: str, route: str, status: int) -> Counter:
    return process_metrics.HTTP_REQUESTS.labels(method, route, str(status))


@lru_cache(maxsize=1_024)
def _seconds(method: str, route: str) -> Histogram:
    return process_metrics.HTTP_SECONDS.labels(method, route)
