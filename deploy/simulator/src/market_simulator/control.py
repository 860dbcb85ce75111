"""/_simulator: what tests and the demo ask of the simulator itself."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import APIRouter, HTTPException

from market_simulator.faults import Fault
from market_simulator.gate import CONTROL_PREFIX
from market_simulator.market import Series
from market_simulator.simulator import Simulator
from market_simulator.truth import planted_betas

Json = dict[str, Any]


def control_endpoints(simulator: Simulator) -> APIRouter:
    """Health, symbols, truth, faults and the ledger of requests."""
    router = APIRouter(prefix=CONTROL_PREFIX)

    @router.get("/health")
    async def _health() -> Json:
        last = simulator.last_session()
        return {
            "status": "ok",
            "now": simulator.now().isoformat(),
            "last_session": None if last < 0 else simulator.market.sessions.day(last).isoformat(),
            "symbols": len(simulator.market.series),
        }

    @router.get("/symbols")
    async def _symbols() -> list[Json]:
        return [_described(simulator, series) for series in simulator.market.series.values()]

    @router.get("/truth")
    async def _truth(session: date | None = None) -> Json:
        sessions = simulator.market.sessions
        if simulator.market.planted is None:
            raise HTTPException(404, "recorded prices have no planted betas; start the simulator with --synthetic")
        last = simulator.last_session() if session is None else sessions.first_from(session)
        if not 0 <= last < len(sessions) or (session is not None and sessions.day(last) != session):
            raise HTTPException(422, f"{session} is no session of this market")
        return {"session": sessions.day(last).isoformat(), "betas": planted_betas(simulator.market, last)}

    @router.get("/truth/returns")
    async def _truth_of_returns() -> Json:
        planted = simulator.market.planted
        if planted is None:
            raise HTTPException(404, "recorded prices have no planted returns; start the simulator with --synthetic")
        return {
            "benchmarks": planted.benchmarks,
            "covariance": planted.covariance.tolist(),
            "loadings": {symbol: loadings.tolist() for symbol, loadings in planted.loadings.items()},
            "specific": planted.specific,
        }

    @router.get("/faults")
    async def _faults() -> dict[int, Fault]:
        return simulator.faults.rules()

    @router.post("/faults", status_code=201)
    async def _add_fault(fault: Fault) -> Json:
        return {"number": simulator.faults.add(fault)}

    @router.delete("/faults", status_code=204)
    async def _clear_faults() -> None:
        simulator.faults.clear()

    @router.get("/requests")
    async def _requests() -> Json:
        return simulator.ledger.report()

    @router.delete("/requests", status_code=204)
    async def _forget_requests() -> None:
        simulator.ledger.reset()

    return router


def _described(simulator: Simulator, series: Series) -> Json:
    sessions, listing = simulator.market.sessions, series.listing
    last = simulator.last_session()
    return {
        "symbol": listing.symbol,
        "name": listing.name,
        "type": listing.kind,
        "sector": listing.sector,
        "industry": listing.industry,
        "first_session": sessions.day(int(series.session[0])).isoformat(),
        "delisted": None if series.delisted is None else sessions.day(series.delisted).isoformat(),
        "listed": bool(series.session[0] <= last) and (series.delisted is None or last < series.delisted),
    }
