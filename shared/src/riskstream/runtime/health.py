"""Liveness and readiness: every part of a process says how it is; the endpoints add it up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from riskstream.runtime.process_metrics import READY


@dataclass(frozen=True)
class State:
    """How a part is. Not `live`: restart the process. Not `ready`: send it no requests for now."""

    live: bool = True
    ready: bool = True
    detail: dict[str, Any] = field(default_factory=dict)


class Health:
    """The states of a process's parts by name."""

    def __init__(self) -> None:
        self._checks: dict[str, Callable[[], State]] = {}
        self.stopping = False

    def add(self, name: str, check: Callable[[], State]) -> None:
        if name in self._checks:
            raise ValueError(f"two parts report health as {name!r}")
        self._checks[name] = check

    def states(self) -> dict[str, State]:
        return {name: check() for name, check in self._checks.items()}

    def router(self) -> APIRouter:
        """`/health/live`, `/health/ready` and `/metrics`."""
        router = APIRouter(tags=["operations"])

        @router.get("/health/live")
        async def live(response: Response) -> dict[str, Any]:
            states = self.states()
            return _report(response, all(state.live for state in states.values()), states)

        @router.get("/health/ready")
        async def ready(response: Response) -> dict[str, Any]:
            states = self.states()
            return _report(response, self._ready(states), states)

        @router.get("/metrics")
        async def metrics() -> Response:
            READY.set(self._ready(self.states()))
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return router

    def _ready(self, states: Mapping[str, State]) -> bool:
        return not self.stopping and all(state.ready for state in states.values())


def _report(response: Response, good: bool, states: dict[str, State]) -> dict[str, Any]:
    if not good:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    parts = {name: {"live": state.live, "ready": state.ready, **state.detail} for name, state in states.items()}
    return {"status": "ok" if good else "unavailable", "parts": parts}
