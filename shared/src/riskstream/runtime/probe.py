"""Whether a server that this process stands on can be reached, for readiness."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from riskstream.runtime.health import State
from riskstream.runtime.logs import conceal

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
"""Between two looks, unless somebody wants to know sooner."""


class NotLetIn(Exception):
    """The server is there, and turns away who comes with these settings."""


class Probe:
    """Asks a server again and again; its absence is told once in the log, and so is its return.

    Without a `patience` the process cannot do its work without the server, and is unready while it is away. With one
    it can, only slower: a process that starts waits that many seconds for the server, unready, and then does without.
    One that was never let in is configured wrongly, and stays unready.
    """

    def __init__(
        self,
        server: str,
        ask: Callable[[], Awaitable[object]],
        *,
        patience: float | None = None,
        timeout: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._ask = ask
        self._patience = patience
        self._timeout = timeout
        self._monotonic = monotonic
        self._began = monotonic()
        self._reached_once = False
        self._away: str | None = "not asked yet"
        self._turned_away = False

    async def look(self) -> None:
        """Ask once. Whatever goes wrong is the reason why the server is away; nothing is raised."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._ask()
        except Exception as error:
            reason = conceal(repr(error))
            if self._away in {None, "not asked yet"}:
                log.warning("server_away", server=self._server, reason=reason)
            self._away, self._turned_away = reason, isinstance(error, NotLetIn)
        else:
            if self._away is not None:
                log.info("server_reached", server=self._server)
            self._away, self._reached_once = None, True

    def state(self) -> State:
        """Ready with the server, or where the process can do without it and has waited for it long enough."""
        if self._away is None:
            return State(detail={"reachable": True})
        return State(ready=self._does_without(), detail={"reachable": False, "reason": self._away})

    def _does_without(self) -> bool:
        if self._patience is None or (self._turned_away and not self._reached_once):
            return False
        return self._reached_once or self._monotonic() - self._began >= self._patience
