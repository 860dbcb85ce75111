"""Whatever it is that a database raises as it goes away, who asked is told to come again, and a fault stays one."""

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from onboarding.api.refusals import install_refusal_handlers
from riskstream.runtime.problems import install_problem_handlers


async def asked(error: Exception) -> httpx.Response:
    """The answer of an operation that fails so."""
    app = FastAPI()
    install_problem_handlers(app)
    install_refusal_handlers(app, retry_after_seconds=7)

    @app.get("/")
    async def fails() -> None:
        raise error

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://onboarding") as client:
        return await client.get("/")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        PoolTimeoutError(),
        PendingRollbackError(),
        DBAPIError("SELECT 1", None, ConnectionError(), connection_invalidated=True),
        asyncpg.AdminShutdownError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.QueryCanceledError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_will_pass_is_answered_with_when_to_come_again(error: Exception) -> None:
    answer = await asked(error)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (503, "7", "database_away")


@pytest.mark.parametrize(
    "error", [ValueError("no"), asyncpg.UniqueViolationError(), asyncpg.DataError("out of range")], ids=repr
)
async def test_what_will_not_pass_is_a_fault_of_ours(error: Exception) -> None:
    answer = await asked(error)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
