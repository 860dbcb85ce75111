"""The paths a Yahoo client asks, whatever host it thinks it asks."""

from __future__ import annotations

import time
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from market_simulator.gate import asked_symbols
from market_simulator.simulator import Simulator
from market_simulator.yahoo.chart import chart
from market_simulator.yahoo.quote import quote, quote_response
from market_simulator.yahoo.refusals import (
    YahooError,
    bad_cookie,
    bad_crumb,
    missing_parameter,
    no_chart,
    no_fundamentals,
)
from market_simulator.yahoo.statements import timeseries
from market_simulator.yahoo.summary import quote_summary

_COOKIE = "A3"
_COOKIE_LIFE_SECONDS = 365 * 86400
_CONSENT_FORM = (
    '<html><body><form action="/v2/collectConsent" method="post"><input name="csrfToken" type="hidden" value="sim">'
    '<input name="sessionId" type="hidden" value="sim"></form></body></html>'
)


def yahoo_endpoints(simulator: Simulator) -> APIRouter:
    """chart, quote, quoteSummary, the crumb, the consent page, and a cookie from every other path."""
    router = APIRouter(include_in_schema=False)

    @router.get("/v8/finance/chart/{symbol}")
    async def _chart(symbol: str, request: Request) -> Response:
        history = simulator.history(symbol.upper())
        if history is None:
            raise no_chart()
        return _json(chart(history, simulator.market.sessions, request.query_params, simulator.now()))

    @router.get("/v7/finance/quote")
    async def _quote(request: Request) -> Response:
        _check_crumb(simulator, request)
        if "symbols" not in request.query_params:
            raise missing_parameter("symbols")
        known = filter(None, map(simulator.history, asked_symbols(request)))
        sessions, now = simulator.market.sessions, simulator.now()
        quotes = [quote(history, simulator.fundamentals(history), sessions, now) for history in known]
        return _json(quote_response(quotes))

    @router.get("/v10/finance/quoteSummary/{symbol}")
    async def _summary(symbol: str, request: Request) -> Response:
        _check_crumb(simulator, request)
        modules = request.query_params.get("modules")
        if modules is None:
            raise missing_parameter("modules")
        history = simulator.history(symbol.upper())
        if history is None:
            raise no_fundamentals(modules)
        figures = simulator.fundamentals(history)
        return _json(quote_summary(history, figures, simulator.market.sessions, modules, simulator.now()))

    @router.get("/ws/fundamentals-timeseries/v1/finance/timeseries/{symbol}")
    async def _timeseries(symbol: str, request: Request) -> Response:
        history = simulator.history(symbol.upper())
        types = ",".join(request.query_params.getlist("type"))
        if history is None:
            raise no_fundamentals(types)
        figures = simulator.fundamentals(history)
        return _json(timeseries(history.listing, figures, types.split(",")))

    @router.get("/v1/test/getcrumb")
    async def _crumb(request: Request) -> Response:
        if _COOKIE not in request.cookies:
            raise bad_cookie()
        return PlainTextResponse(simulator.crumb)

    @router.get("/consent")
    async def _consent() -> Response:
        return HTMLResponse(_CONSENT_FORM)

    @router.api_route("/{path:path}", methods=["GET", "POST"])
    async def _anything_else(path: str) -> Response:
        # The root of the cookie host answers 404 and sets the cookie all the same.
        answer = PlainTextResponse(f"no page /{path}", status_code=200 if path.endswith("Consent") else 404)
        expires = _COOKIE_LIFE_SECONDS
        answer.set_cookie(_COOKIE, f"d={simulator.crumb}&t={int(time.time())}", max_age=expires, expires=expires)
        return answer

    return router


async def answer_yahoo_error(_: Request, error: Exception) -> Response:
    """The exception handler for YahooError."""
    assert isinstance(error, YahooError)
    return _json(error.body, status=error.status)


def _check_crumb(simulator: Simulator, request: Request) -> None:
    if _COOKIE not in request.cookies or request.query_params.get("crumb") != simulator.crumb:
        raise bad_crumb()


def _json(content: dict[str, Any], status: int = 200) -> Response:
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status_code=status, media_type="application/json;charset=utf-8")
