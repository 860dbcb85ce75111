"""The door: every request of the vendors' endpoints is recorded here and meets its faults."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market_simulator.faults import MASSIVE_ENDPOINTS, Fault, Faults
from market_simulator.ledger import Endpoint, Ledger
from market_simulator.massive.refusals import TOO_MANY
from market_simulator.massive.spelling import listed_symbol
from market_simulator.spoiling import Truncating, send_without_end
from market_simulator.yahoo.refusals import CRUMB_REFUSAL, EDGE_REFUSAL, HTML_PAGE, SERVER_ERROR

CONTROL_PREFIX = "/_simulator"


class Gate:
    """ASGI middleware around the vendors' endpoints; lets the simulator's own endpoints pass untouched."""

    def __init__(self, app: ASGIApp, faults: Faults, ledger: Ledger) -> None:
        self._app = app
        self._faults = faults
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        endpoint, symbols = what_is_asked(Request(scope))
        with self._ledger.request(endpoint, symbols) as record:

            async def recorded(message: Message) -> None:
                if message["type"] == "http.response.start":
                    record.status = message["status"]
                await send(message)

            for fault in self._faults.strikes(endpoint, symbols):
                if fault.kind == "hang":
                    await _hang(receive, fault.milliseconds / 1000)
                else:
                    await asyncio.sleep(fault.milliseconds / 1000)
                refusal = _refusal(fault, endpoint)
                if refusal is not None:
                    await refusal(scope, receive, recorded)
                    return
                if fault.kind == "endless":
                    await send_without_end(receive, recorded)
                    return
                if fault.kind == "truncate":
                    await self._app(scope, receive, Truncating(recorded))
                    return
            await self._app(scope, receive, recorded)


def what_is_asked(request: Request) -> tuple[Endpoint, tuple[str, ...]]:  # noqa: PLR0911  # a table of paths
    """The endpoint and symbols of a request, from its path alone: its host was rewritten on the way."""
    parts = request.url.path.strip("/").split("/")
    match parts:
        case ["v8", "finance", "chart", symbol]:
            return "chart", (unquote(symbol).upper(),)
        case ["v10", "finance", "quoteSummary", symbol]:
            return "quoteSummary", (unquote(symbol).upper(),)
        case ["ws", "fundamentals-timeseries", "v1", "finance", "timeseries", symbol]:
            return "timeseries", (unquote(symbol).upper(),)
        case ["v2", "aggs", "grouped", "locale", "us", "market", "stocks", _]:
            return "grouped", ()
        case ["v2", "aggs", "ticker", ticker, "range", *_]:
            return "aggregates", (listed_symbol(unquote(ticker)),)
        case ["stocks", "v1", "splits" | "dividends" as kind]:
            asked = request.query_params.getlist("ticker")
            return ("splits" if kind == "splits" else "dividends"), tuple(map(listed_symbol, asked))
        case ["v7", "finance", "quote"]:
            return "quote", asked_symbols(request)
        case [_, "test", "getcrumb"]:
            return "crumb", ()
    return "cookie", ()


def asked_symbols(request: Request) -> tuple[str, ...]:
    """The symbols of a quote request."""
    return tuple(filter(None, request.query_params.get("symbols", "").upper().split(",")))


async def _hang(receive: Receive, seconds: float) -> None:
    """Waits, but no longer than the client does: one that gave up is no longer in flight."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def _refusal(fault: Fault, endpoint: Endpoint) -> Response | None:
    match fault.kind:
        case "refuse" | "limit":
            return _too_many(fault, endpoint)
        case "html":
            return Response(HTML_PAGE, media_type="text/html")
        case "error":
            return Response(SERVER_ERROR, status_code=500, media_type="text/html")
        case "hang":
            # Who waited this long gets what a proxy says when its upstream never answered.
            return Response(SERVER_ERROR, status_code=504, media_type="text/html")
    return None


def _too_many(fault: Fault, endpoint: Endpoint) -> Response:
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    if endpoint == "crumb":
        return PlainTextResponse(CRUMB_REFUSAL, status_code=429, headers=headers)
    if endpoint in MASSIVE_ENDPOINTS:
        return Response(TOO_MANY, status_code=429, media_type="application/json", headers=headers)
    return Response(EDGE_REFUSAL, status_code=429, media_type="text/html", headers=headers)
