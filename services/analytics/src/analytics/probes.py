"""How the process feels: whether Postgres can be reached, and how late the event loop runs."""

import asyncio
import contextlib

import asyncpg
import structlog

from analytics.metrics import LOOP_LAG
from riskstream.messaging.errors import is_transient
from riskstream.runtime.health import State

log = structlog.get_logger(__name__)


class PostgresProbe:
    """Without Postgres no head can be read, and without a head nothing is answered."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._reachable = False

    async def look(self) -> None:
        try:
            await self._pool.fetchval("SELECT 1")
        except Exception as error:
            if not is_transient(error):
                raise
            if self._reachable:
                log.warning("Postgres cannot be reached", error=repr(error))
            self._reachable = False
        else:
            self._reachable = True

    def state(self) -> State:
        return State(ready=self._reachable, detail={"reachable": self._reachable})


class LoopLag:
    """A part that sleeps and measures by how much it overslept."""

    def __init__(self, interval: float = 0.25) -> None:
        self._interval = interval
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            due = loop.time() + self._interval
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval)
            LOOP_LAG.observe(max(0.0, loop.time() - due))

    def stop(self) -> None:
        self._stopping.set()
