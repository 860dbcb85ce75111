"""The HTTP application, wired."""

from __future__ import annotations

from fastapi import FastAPI

from market_simulator.control import control_endpoints
from market_simulator.gate import Gate
from market_simulator.massive.endpoints import MassiveError, answer_massive_error, massive_endpoints
from market_simulator.simulator import Simulator
from market_simulator.yahoo.endpoints import answer_yahoo_error, yahoo_endpoints
from market_simulator.yahoo.refusals import YahooError


def create_app(simulator: Simulator) -> FastAPI:
    """Yahoo's and Massive's endpoints behind the gate, and the simulator's own under /_simulator."""
    app = FastAPI(title="Market simulator", docs_url=None, redoc_url=None, openapi_url="/_simulator/openapi.json")
    app.include_router(control_endpoints(simulator))
    app.include_router(massive_endpoints(simulator))
    app.include_router(yahoo_endpoints(simulator))  # last: it answers every other path with a cookie
    app.add_exception_handler(MassiveError, answer_massive_error)
    app.add_exception_handler(YahooError, answer_yahoo_error)
    app.add_middleware(Gate, faults=simulator.faults, ledger=simulator.ledger)
    return app
