"""Every refusal and failure of this service as an HTTP problem."""

from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from onboarding.api.answers import MOST_FINDINGS
from onboarding.api.preconditions import tag_of
from onboarding.imports.findings import ImportRefused
from onboarding.imports.mends import mend_of
from onboarding.refusals import (
    CreatedAndDeleted,
    FieldRefused,
    FirstSessionRefused,
    FlowsRefused,
    KeyReused,
    LotClosed,
    NoSuchFlow,
    NoSuchLot,
    NoSuchPortfolio,
    NoSuchPrice,
    NotNow,
    PublicPrice,
    Refused,
    TooManyLots,
    TooManyUnknownSymbols,
    VersionConflict,
)
from riskstream.messaging.errors import is_transient
from riskstream.runtime.problems import Problem, problem_response

_STATUSES: dict[type[Refused], HTTPStatus] = {
    NoSuchPortfolio: HTTPStatus.NOT_FOUND,
    KeyReused: HTTPStatus.CONFLICT,
    CreatedAndDeleted: HTTPStatus.CONFLICT,
    FirstSessionRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyUnknownSymbols: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSuchLot: HTTPStatus.NOT_FOUND,
    NoSuchFlow: HTTPStatus.NOT_FOUND,
    NoSuchPrice: HTTPStatus.NOT_FOUND,
    VersionConflict: HTTPStatus.PRECONDITION_FAILED,
    LotClosed: HTTPStatus.CONFLICT,
    PublicPrice: HTTPStatus.CONFLICT,
    TooManyLots: HTTPStatus.UNPROCESSABLE_ENTITY,
    FieldRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    FlowsRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotNow: HTTPStatus.SERVICE_UNAVAILABLE,
}

_OF_THE_DATABASE = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver, used on a connection that dies under it
    OSError,
)
"""What comes of it where it goes away, as it is: by the driver, by what is above it, or by the network."""


def install_refusal_handlers(app: FastAPI, retry_after_seconds: int) -> None:
    """Answer refusals with their status, and a database that is away for now with 503 and Retry-After."""
    later = {"Retry-After": str(retry_after_seconds)}

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refused)
        status = next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
        headers = later if isinstance(error, NotNow) else None
        if isinstance(error, VersionConflict):
            headers = {"ETag": tag_of(error.current)}
        found: list[dict[str, Any]] = [_field(error)] if isinstance(error, FieldRefused) else []
        if isinstance(error, FlowsRefused):
            found = [{"index": index} | _field(each) for index, each in error.found[:MOST_FINDINGS]]
        return problem_response(
            Problem(status, error.code, str(error), errors=found, headers=headers), request.url.path
        )

    async def unreadable(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ImportRefused)
        found = [
            {
                "row": error.line,
                "column": None,
                "code": error.code,
                "message": error.message,
                "value": "",
                "mend": mend_of(error.code),
            }
        ]
        problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, error.message, errors=found)
        return problem_response(problem, request.url.path)

    async def away(request: Request, error: Exception) -> JSONResponse:
        if not is_transient(error):
            raise error
        detail = "The database is away for now. Send the request again; with an Idempotency-Key nothing is doubled."
        problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_away", detail, headers=later)
        return problem_response(problem, request.url.path)

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(ImportRefused, unreadable)
    for kind in _OF_THE_DATABASE:
        app.add_exception_handler(kind, away)


def _field(error: FieldRefused) -> dict[str, str]:
    return {
        "field": error.field,
        "code": error.code,
        "message": str(error),
        "value": error.value,
        "mend": error.mend,
    }
