"""What portfolio-refresh shows: its health and its runs. For people and probes; nothing is changed here."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from portfolio_refresh.store import reports
from portfolio_refresh.store.failures import count_failing, failures_of
from riskstream.runtime.access import guard, operations
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.health import Health
from riskstream.runtime.openapi import operation_id
from riskstream.runtime.problems import Problem, install_problem_handlers
from riskstream.runtime.rate_limits import UNLIMITED, RateLimits


def create_app(engine: AsyncEngine, tokens: TokenVerifier, health: Health, limits: RateLimits = UNLIMITED) -> FastAPI:
    """The HTTP application, for tokens with the scope `operator`."""
    app = FastAPI(
        title="Riskstream portfolio-refresh",
        summary="Refresh runs of the portfolio layer.",
        version="1",
        generate_unique_id_function=operation_id,
    )
    guard(app, tokens, operations, limits)
    install_problem_handlers(app)
    app.include_router(health.router())

    @app.get("/runs", tags=["runs"])
    async def list_runs() -> dict[str, Any]:
        """The last fifty runs, newest first, and how many portfolios cannot be valued now."""
        async with engine.connect() as connection:
            return {"runs": await reports.list_runs(connection), "failing": await count_failing(connection)}

    @app.get("/runs/{run_id}", tags=["runs"])
    async def one_run(run_id: UUID) -> dict[str, Any]:
        """A run, its chunks, and the first two hundred portfolios it left out, each with its reason."""
        async with engine.connect() as connection:
            found = await reports.run_of(connection, run_id)
            if found is None:
                raise Problem(HTTPStatus.NOT_FOUND, "no_such_run", f"No run {run_id}; /runs lists the last fifty.")
            chunks = await reports.chunks_of(connection, run_id)
            failures = await failures_of(connection, run_id, limit=200)
        return found | {"chunk_list": chunks, "failures": failures}

    return app
