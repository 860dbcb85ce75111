"""The one shape of an HTTP error: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import isfinite
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
LONGEST_SHOWN = 200
"""Characters of a value that is refused."""


class Problem(Exception):
    """An answer that is an error: what is wrong, where, and how to mend it.

    `code` is the stable word a program tests for; `detail` is the sentence a person reads; `errors` lists the
    single findings (rows, fields) where there are several.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


def problem_response(problem: Problem, instance: str) -> JSONResponse:
    """The problem as `application/problem+json`."""
    body: dict[str, Any] = {
        "type": f"urn:riskstream:problem:{problem.code}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "code": problem.code,
        "detail": problem.detail,
        "instance": instance,
    }
    if problem.errors:
        body["errors"] = jsonable_encoder(problem.errors)
    return JSONResponse(body, status_code=problem.status.value, media_type=MEDIA_TYPE, headers=problem.headers)


def _shown(value: Any) -> Any:
    """What was sent, as JSON can say it: NaN and Infinity as words, and nothing that is longer than a glance."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, str | int | float | None):
        return value if len(str(value)) <= LONGEST_SHOWN else f"{str(value)[:LONGEST_SHOWN]}…"
    # An object is where something is missing, or one thing too many: the finding says what.
    return None


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the application leave in this shape, the framework's own included."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem_response(error, request.url.path)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = [
            {
                "where": ".".join(str(part) for part in item["loc"]),
                "code": item["type"],
                "message": item["msg"],
                "value": _shown(item.get("input")),
            }
            for item in error.errors()
        ]
        where = ", ".join(item["where"] for item in found)
        problem = Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid_request",
            f"The request cannot be understood: {where}.",
            errors=found,
        )
        return problem_response(problem, request.url.path)

    async def framework(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        problem = Problem(status, status.name.lower(), str(error.detail), headers=error.headers)
        return problem_response(problem, request.url.path)

    async def unforeseen(request: Request, _: Exception) -> JSONResponse:
        # Logged with its traceback by the server that called us; the answer must not carry our insides.
        detail = "This failed in a way that nobody foresaw; the service's log tells how. Trying again may help."
        return problem_response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail), request.url.path)

    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(Exception, unforeseen)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)
