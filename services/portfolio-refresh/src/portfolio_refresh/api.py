"""What portfolio-refresh shows: its health and its runs. For people and probes; nothing is changed here."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from portfolio_refresh.store import runs
from riskstream.runtime.health import Health
from riskstream.runtime.problems import Problem, install_problem_handlers


def create_app(engine: AsyncEngine, health: Health) -> FastAPI:
    """The HTTP application."""
    app = FastAPI(title="portfolio-refresh", summary="Refresh runs of the portfolio layer.")
    install_problem_handlers(app)
    app.include_router(health.router())

    @app.get("/runs", tags=["runs"])
    async def list_runs() -> dict[str, Any]:
        """The last fifty runs, newest first."""
        async with engine.connect() as connection:
            return {"runs": await runs.list_runs(connection)}

    @app.get("/runs/{run_id}", tags=["runs"])
    async def one_run(run_id: UUID) -> dict[str, Any]:
        """A run, its chunks, and the first two hundred portfolios it left out, each with its reason."""
        async with engine.connect() as connection:
            found = await runs.list_runs(connection, run_id)
            if not found:
                raise Problem(HTTPStatus.NOT_FOUND, "no_such_run", f"No run {run_id}; /runs lists the last fifty.")
            chunks, failures = await runs.chunks_and_failures(connection, run_id)
        return found[0] | {"chunk_list": chunks, "failures": failures}

    return app
