"""What symbol-batch shows: its health, its runs and its requests. For people and probes; nothing is changed here."""

from datetime import date
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.runtime.access import guard, operations
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.health import Health
from riskstream.runtime.openapi import operation_id
from riskstream.runtime.problems import Problem, install_problem_handlers
from riskstream.runtime.rate_limits import UNLIMITED, RateLimits
from symbol_batch.store import requests, runs


def create_app(engine: AsyncEngine, tokens: TokenVerifier, health: Health, limits: RateLimits = UNLIMITED) -> FastAPI:
    """The HTTP application, for tokens with the scope `operator`."""
    app = FastAPI(
        title="Riskstream symbol-batch",
        summary="Runs and requests of the symbol layer.",
        version="1",
        generate_unique_id_function=operation_id,
    )
    guard(app, tokens, operations, limits)
    install_problem_handlers(app)
    app.include_router(health.router())

    @app.get("/runs", tags=["runs"])
    async def list_runs() -> dict[str, Any]:
        """The last fifty sessions' runs, newest first."""
        async with engine.connect() as connection:
            return {"runs": await runs.list_runs(connection)}

    @app.get("/runs/{session}", tags=["runs"])
    async def one_run(session: date) -> dict[str, Any]:
        """A session's run: its steps with their durations, and every symbol whose fetch did not bring a price."""
        async with engine.connect() as connection:
            found = await runs.run_of(connection, session)
        if found is None:
            raise Problem(
                HTTPStatus.NOT_FOUND, "no_such_run", f"No run of {session}; /runs lists the sessions there are."
            )
        return found

    @app.get("/requests", tags=["requests"])
    async def list_requests() -> dict[str, Any]:
        """The last two hundred requested symbols, newest first: state, attempt, step, next try, last outcome."""
        async with engine.connect() as connection:
            return {"requests": await requests.list_requests(connection)}

    return app
