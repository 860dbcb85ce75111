"""A process: its parts run side by side, and end in order when it is told to stop.

SIGTERM: readiness goes off, the parts are stopped in the order they were added (consumers finish their batch and
commit, the relay sends what is there, HTTP answers what it has accepted), then the resources are closed.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
import uvicorn
from fastapi import FastAPI

from riskstream.runtime.event_loop import LoopLag
from riskstream.runtime.garbage import collected_seldom
from riskstream.runtime.health import Health
from riskstream.runtime.http_telemetry import HttpTelemetry
from riskstream.runtime.outages import Outage

log = structlog.get_logger(__name__)


class Part(Protocol):
    """Something that runs until it is stopped. `run` returns after `stop`; ending by itself is a failure."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


class AddressNotFree(OSError):
    """Somebody else listens there, or nobody may."""


class HttpPart:
    """Uvicorn inside the process's own event loop, on a socket that is bound before anything else starts."""

    def __init__(self, app: FastAPI, host: str, port: int, *, drain_seconds: float) -> None:
        self.app = app
        # The protocol is named because asyncio turns Nagle's delay off only for sockets that say they are TCP:
        # without it each answer on a kept connection waits 40 ms for an acknowledgement.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            # Who reads the address in the log and connects at once waits for the loop, and is not refused.
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise AddressNotFree(
                f"cannot listen on {host}:{port} ({error.strerror}); set RISKSTREAM_HTTP_PORT to a free port, such as "
                "8000, or 0"
            ) from error
        config = uvicorn.Config(
            HttpTelemetry(app),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=int(drain_seconds) or 1,
        )
        self._server = _Server(config)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()
        return str(host), int(port)

    async def run(self) -> None:
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        self._server.should_exit = True


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # uvicorn's own signature; the service handles signals
        yield


class Service:
    """Runs named parts until SIGTERM, SIGINT or the failure of one of them."""

    def __init__(self, name: str, health: Health, *, shutdown_seconds: float = 20.0) -> None:
        self.name = name
        self._health = health
        self._shutdown_seconds = shutdown_seconds
        self._parts: dict[str, Part] = {"event loop": LoopLag()}
        self._closers: list[Callable[[], Awaitable[object]]] = []
        self._stop = asyncio.Event()

    def add(self, name: str, part: Part) -> None:
        """Add a part; parts are stopped in the order they were added."""
        self._parts[name] = part

    def closes(self, close: Callable[[], Awaitable[object]]) -> None:
        """Register a resource's close; closed last to first after every part has ended."""
        self._closers.append(close)

    async def run(self) -> int:
        """Run to the end; the exit code is 0 after an orderly stop and 1 when a part failed."""
        with collected_seldom():
            return await self._run()

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        tasks = {name: asyncio.create_task(part.run(), name=name) for name, part in self._parts.items()}
        stopped = asyncio.create_task(self._stop.wait())
        log.info("started", parts=list(tasks))
        try:
            await asyncio.wait([stopped, *tasks.values()], return_when=asyncio.FIRST_COMPLETED)
            self._health.stopping = True
            failed = [name for name, task in tasks.items() if task.done()]
            for name in failed:
                log.error("part ended by itself", part=name, exc_info=tasks[name].exception())
            log.info("stopping")
            clean = await self._stop_parts(tasks)
        finally:
            stopped.cancel()
            for close in reversed(self._closers):
                try:
                    await asyncio.wait_for(close(), self._shutdown_seconds)
                except Exception:
                    log.exception("a resource did not close")
        log.info("stopped", clean=clean and not failed)
        return 0 if clean and not failed else 1

    async def _stop_parts(self, tasks: dict[str, asyncio.Task[None]]) -> bool:
        clean = True
        for name, task in tasks.items():
            self._parts[name].stop()
            _, pending = await asyncio.wait([task], timeout=self._shutdown_seconds)
            if pending:
                log.error("part did not stop in time", part=name, seconds=self._shutdown_seconds)
                task.cancel()
                await asyncio.wait([task], timeout=2)
                clean = False
            elif not task.cancelled() and task.exception() is not None:
                clean = False
        return clean


class Periodic:
    """A part that does one thing every `seconds`; a failure is logged once and the next turn tries again."""

    def __init__(self, name: str, seconds: float, action: Callable[[], Awaitable[object]]) -> None:
        self._seconds = seconds
        self._action = action
        self._outage = Outage(name)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._action()
                self._outage.over()
            except Exception as error:
                self._outage.failed(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._seconds)

    def stop(self) -> None:
        self._stopping.set()
