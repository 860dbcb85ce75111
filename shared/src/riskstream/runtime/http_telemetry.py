"""What is told of every HTTP request: how many, how long, how they ended, by the template of their route."""

import time
from functools import lru_cache

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskstream.runtime import process_metrics

NO_ROUTE = "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpTelemetry:
    """ASGI middleware around the whole application, its gate included: nothing that is asked goes uncounted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(send)
        began = time.perf_counter()
        process_metrics.HTTP_IN_PROGRESS.inc()
        try:
            await self._app(scope, receive, exchange.send)
        finally:
            process_metrics.HTTP_IN_PROGRESS.dec()
            method, route = _method(scope), route_of(scope)
            _answered(method, route, exchange.status).inc()
            if not exchange.streams:
                _seconds(method, route).observe(time.perf_counter() - began)


class _Exchange:
    """Sees how an answer begins."""

    __slots__ = ("_send", "status", "streams")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 500
        """Of an application that fails before it answers, the server says 500."""
        self.streams = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.streams = any(
                name == b"content-type" and value.startswith(b"text/event-stream") for name, value in message["headers"]
            )
        await self._send(message)


def route_of(scope: Scope) -> str:
    """The template of the route that answered. Never the address itself: it would be a series for each portfolio."""
    route = scope.get("route")
    return NO_ROUTE if route is None else str(route.path)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "OTHER"


# Finding a series by its labels takes longer than adding to it. Routes are bounded, hence so are these.
@lru_cache(maxsize=4_096)
def _answered(method: str, route: str, status: int) -> Counter:
    return process_metrics.HTTP_REQUESTS.labels(method, route, str(status))


@lru_cache(maxsize=1_024)
def _seconds(method: str, route: str) -> Histogram:
    return process_metrics.HTTP_SECONDS.labels(method, route)
