"""The services' handlers as their own `serve` wires them, held still before anything runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI

import analytics.main
import onboarding.main
import portfolio_refresh.main
import symbol_batch.main
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.consumer_loop import ConsumerLoop
from riskstream.messaging.listener import Listener
from riskstream.messaging.settlement import InTransaction
from riskstream.runtime.clock import Clock
from riskstream.runtime.service import HttpPart, Service
from riskstream.runtime.trace_export import TraceExport

SERVICES: dict[str, ModuleType] = {
    "symbol-batch": symbol_batch.main,
    "portfolio-refresh": portfolio_refresh.main,
    "onboarding": onboarding.main,
    "analytics": analytics.main,
}


@dataclass(frozen=True)
class Hearing:
    """One handler of one event: `group` of a consumer, or null and the name of a service that listens without one."""

    service: str
    group: str | None
    model: type[Event]
    handle: Callable[[Envelope[Any]], Awaitable[None]]


@dataclass(frozen=True)
class Wired:
    """All services of a system, none of them running."""

    hearings: list[Hearing]
    apps: dict[str, FastAPI]
    """By service."""

    def of(self, event: Event) -> list[Hearing]:
        return [hearing for hearing in self.hearings if type(event) is hearing.model]


@asynccontextmanager
async def wired(environments: Mapping[str, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wired]:
    """Let every service wire itself in its environment, as far as the moment at which its parts would begin to run."""
    parts: dict[str, dict[str, Any]] = {}
    async with AsyncExitStack() as stack:
        for name, module in SERVICES.items():
            parts[name] = await stack.enter_async_context(_held(name, module, environments[name], monkeypatch))
        hearings = [
            hearing for name, some in parts.items() for part in some.values() for hearing in _hearings(name, part)
        ]
        yield Wired(hearings, {name: some["http"].app for name, some in parts.items()})


@asynccontextmanager
async def _held(
    name: str, module: ModuleType, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, Any]]:
    reached: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    let_go = asyncio.Event()

    class Held(Service):
        async def run(self) -> int:
            reached.set_result(self._parts)
            await let_go.wait()
            for close in reversed(self._closers):
                await close()
            return 0

    with monkeypatch.context() as patch:
        for variable, value in environment.items():
            patch.setenv(variable, value)
        patch.setattr(module, "Service", Held)
        patch.setattr(module, "begin_telemetry", lambda *_: TraceExport())
        serving = asyncio.create_task(_serve(name, module))
        await asyncio.wait({serving, reached}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield reached.result()
    finally:
        let_go.set()
        await asyncio.wait_for(serving, 10)
        for part in reached.result().values():
            if isinstance(part, HttpPart):
                part._socket.close()


async def _serve(name: str, module: ModuleType) -> None:
    await (module.serve() if name == "analytics" else module.serve(Clock()))


def _hearings(service: str, part: Any) -> list[Hearing]:
    if isinstance(part, Listener):
        return [Hearing(service, None, model, handle) for model, handle in part._handlers.items()]
    if not isinstance(part, ConsumerLoop):
        return []
    settlement: Any = part._settlement
    return [
        Hearing(service, part.group, model, _in_transaction(settlement, handle) if _is_inside(settlement) else handle)
        for model, handle in settlement._handlers.items()
    ]


def _is_inside(settlement: Any) -> bool:
    return isinstance(settlement, InTransaction)


def _in_transaction(settlement: Any, handle: Any) -> Callable[[Envelope[Any]], Awaitable[None]]:
    async def in_its_own(envelope: Envelope[Any]) -> None:
        async with settlement._engine.begin() as connection:
            await handle(connection, envelope)

    return in_its_own
