import asyncio
import contextlib
import gc
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from riskstream.runtime.health import Health, State
from riskstream.runtime.service import HttpPart, Periodic, Service


class Recorder:
    """A part that writes down when it starts, is told to stop, and ends."""

    def __init__(self, name: str, journal: list[str], *, lingers: float = 0.0) -> None:
        self._name = name
        self._journal = journal
        self._lingers = lingers
        self._stop = asyncio.Event()

    async def run(self) -> None:
        self._journal.append(f"{self._name} runs")
        await self._stop.wait()
        await asyncio.sleep(self._lingers)
        self._journal.append(f"{self._name} ended")

    def stop(self) -> None:
        self._journal.append(f"{self._name} told")
        self._stop.set()


class Failing:
    async def run(self) -> None:
        await asyncio.sleep(0.01)
        raise RuntimeError("broken")

    def stop(self) -> None: ...


def terminate_soon(number: signal.Signals = signal.SIGTERM) -> None:
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_parts_one_after_the_other_and_then_closes_resources(number: signal.Signals) -> None:
    journal: list[str] = []
    health = Health()
    service = Service("test", health)
    service.add("consumer", Recorder("consumer", journal, lingers=0.05))
    service.add("relay", Recorder("relay", journal))

    async def close(name: str) -> None:
        journal.append(f"{name} closed")

    service.closes(lambda: close("pool"))
    service.closes(lambda: close("cache"))
    terminate_soon(number)
    assert await service.run() == 0
    assert journal == [
        "consumer runs",
        "relay runs",
        "consumer told",
        "consumer ended",
        "relay told",
        "relay ended",
        "cache closed",
        "pool closed",
    ]
    assert health.stopping


async def test_garbage_is_looked_for_seldom_while_the_parts_run_and_as_before_afterwards() -> None:
    class Looking(Recorder):
        async def run(self) -> None:
            seen.append((gc.get_threshold()[0], gc.get_freeze_count() > 0))
            await super().run()

    seen: list[tuple[int, bool]] = []
    before = gc.get_threshold()
    service = Service("test", Health())
    service.add("looking", Looking("looking", []))
    terminate_soon()
    assert await service.run() == 0
    assert seen == [(100_000, True)]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


async def test_a_part_that_fails_takes_the_process_down_with_code_1() -> None:
    journal: list[str] = []
    service = Service("test", Health())
    service.add("good", Recorder("good", journal))
    service.add("bad", Failing())
    assert await service.run() == 1
    assert journal[-1] == "good ended"


async def test_a_part_that_does_not_stop_in_time_is_cut_off_and_told_of() -> None:
    service = Service("test", Health(), shutdown_seconds=0.1)
    service.add("slow", Recorder("slow", [], lingers=60))
    terminate_soon()
    assert await service.run() == 1


async def test_periodic_work_goes_on_after_a_failure() -> None:
    turns: list[int] = []

    async def work() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise ConnectionError("away")
        if len(turns) == 3:
            part.stop()

    part = Periodic("work", 0.01, work)
    await asyncio.wait_for(part.run(), 5)
    assert turns == [0, 1, 2]


async def test_http_answers_on_the_port_it_bound_and_ends_when_told() -> None:
    health = Health()
    state = State()
    health.add("pool", lambda: state)
    app = FastAPI()
    app.include_router(health.router())
    part = HttpPart(app, "127.0.0.1", 0, drain_seconds=1)
    host, port = part.address
    running = asyncio.create_task(part.run())
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        assert (await client.get("/health/ready")).status_code == 200
        state = State(ready=False, detail={"error": "no connection"})
        unready = await client.get("/health/ready")
        assert unready.status_code == 503
        assert unready.json()["parts"]["pool"] == {"live": True, "ready": False, "error": "no connection"}
        assert (await client.get("/health/live")).status_code == 200
        state = State(live=False)
        assert (await client.get("/health/live")).status_code == 503
        state = State()
        health.stopping = True
        assert (await client.get("/health/ready")).status_code == 503
        assert "python_info" in (await client.get("/metrics")).text
    part.stop()
    await asyncio.wait_for(running, 5)


def test_who_connects_before_the_loop_runs_is_not_refused() -> None:
    http = HttpPart(FastAPI(), "127.0.0.1", 0, drain_seconds=1)
    socket.create_connection(http.address, timeout=1).close()
    http._socket.close()


def test_a_taken_port_is_named_with_the_setting_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}.*RISKSTREAM_HTTP_PORT"):
            HttpPart(FastAPI(), "127.0.0.1", port, drain_seconds=1)


def test_two_parts_cannot_report_under_one_name() -> None:
    health = Health()
    health.add("relay", State)
    with pytest.raises(ValueError, match="'relay'"):
        health.add("relay", State)


def no_delay_of(here: tuple[str, int], there: tuple[str, int]) -> list[int]:
    """TCP_NODELAY of the server's side of a connection, found among this process's sockets by its two addresses."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as other:
            if other.getsockname() == here and other.getpeername() == there:
                found.append(other.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    return found


async def test_answers_on_a_kept_connection_do_not_wait_for_acknowledgements() -> None:
    app = FastAPI()
    delays: list[int] = []

    @app.get("/")
    async def look(request: Request) -> None:
        delays.extend(no_delay_of(tuple(request.scope["server"]), tuple(request.scope["client"])))

    part = HttpPart(app, "127.0.0.1", 0, drain_seconds=1)
    host, port = part.address
    running = asyncio.create_task(part.run())
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        await client.get("/")
    part.stop()
    await asyncio.wait_for(running, 5)
    assert delays == [1]
