"""The paths of Massive's API: grouped days, aggregates, splits and dividends. There must be a key; any is good."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from market_simulator.massive.actions import dividends, splits
from market_simulator.massive.bars import aggregates, grouped_day
from market_simulator.massive.spelling import listed_symbol
from market_simulator.simulator import Simulator

Json = dict[str, Any]
_DEFAULT_LIMIT = 100
_LARGEST_LIMIT = 5000


class MassiveError(Exception):
    """A request that Massive answers with an error status and a JSON body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"status": "ERROR", "request_id": "simulated", "error": message}


def massive_endpoints(simulator: Simulator) -> APIRouter:
    """Everything under /v2/aggs and /stocks/v1."""
    router = APIRouter(include_in_schema=False)
    sessions = simulator.market.sessions

    @router.get("/v2/aggs/grouped/locale/us/market/stocks/{day}")
    async def _grouped(day: str, request: Request) -> Response:
        _check(request)
        asked = _date("date", day)
        index = sessions.first_from(asked)
        return _json(grouped_day(simulator, index if index < len(sessions) and sessions.day(index) == asked else None))

    @router.get("/v2/aggs/ticker/{ticker}/range/1/day/{begin}/{end}")
    async def _aggregates(ticker: str, begin: str, end: str, request: Request) -> Response:
        _check(request)
        first, last = sessions.first_from(_date("from", begin)), _last(simulator, _date("to", end))
        return _json(aggregates(simulator, listed_symbol(ticker), first, last))

    @router.get("/stocks/v1/splits")
    async def _splits(request: Request) -> Response:
        _check(request)
        first, last = _range(simulator, request, "execution_date")
        return _json(_page(request, splits(simulator, _ticker(request), first, last)))

    @router.get("/stocks/v1/dividends")
    async def _dividends(request: Request) -> Response:
        _check(request)
        first, last = _range(simulator, request, "ex_dividend_date")
        return _json(_page(request, dividends(simulator, _ticker(request), first, last)))

    return router


async def answer_massive_error(_: Request, error: Exception) -> Response:
    """The exception handler for MassiveError."""
    assert isinstance(error, MassiveError)
    return _json(error.body, status=error.status)


def _check(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key:
        raise MassiveError(401, "API Key was not provided")
    if request.query_params.get("adjusted", "false") != "false":
        raise MassiveError(400, "this market is served as traded: ask with adjusted=false")


def _ticker(request: Request) -> str | None:
    ticker = request.query_params.get("ticker")
    return None if ticker is None else listed_symbol(ticker)


def _range(simulator: Simulator, request: Request, field: str) -> tuple[int, int]:
    query = request.query_params
    begin = query.get(f"{field}.gte")
    end = query.get(f"{field}.lte")
    first = 0 if begin is None else simulator.market.sessions.first_from(_date(f"{field}.gte", begin))
    last = simulator.last_session() if end is None else _last(simulator, _date(f"{field}.lte", end))
    return first, min(last, simulator.last_session())


def _last(simulator: Simulator, day: date) -> int:
    """The last session on or before a day."""
    sessions = simulator.market.sessions
    index = sessions.first_from(day)
    return index if index < len(sessions) and sessions.day(index) == day else index - 1


def _page(request: Request, rows: list[Json]) -> Json:
    """The asked part of the rows, and where the rest is: an address that repeats the question with a cursor."""
    limit = min(_number(request, "limit", _DEFAULT_LIMIT), _LARGEST_LIMIT)
    begin = _number(request, "cursor", 0)
    page: Json = {"status": "OK", "request_id": "simulated", "results": rows[begin : begin + limit]}
    if begin + limit < len(rows):
        page["next_url"] = str(request.url.include_query_params(cursor=begin + limit))
    return page


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or (name == "limit" and text == "0"):
        raise MassiveError(400, f"{name}={text} is not a number")
    return int(text)


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise MassiveError(400, f"{name}={text} is no date as in 2026-01-05") from None


def _json(content: Json, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")
