"""Threads for blocking clients: each piece of work within a deadline, and an end that does not wait for ever."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from symbol_batch.providers.http_session import BoundedSession, Deadline

SHUTDOWN_SECONDS = 5.0
_GRACE = 0.5

Result = TypeVar("Result")
Late = TypeVar("Late")


class WorkerPool:
    """At most `size` pieces of work at once, all sending through one session."""

    def __init__(self, name: str, size: int, session: BoundedSession) -> None:
        self._session = session
        self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix=name)
        self._working: set[asyncio.Future[Any]] = set()

    async def run(self, deadline: Deadline, work: Callable[[], Result], too_late: Late) -> Result | Late:
        """What `work` returns; `too_late` soon after the deadline, even if its thread still waits for something.

        It runs in the context of who asked. The deadline runs from when a thread takes the work up, which the work says
        by the session's `begin`.
        """
        working = asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, work)
        self._working.add(working)
        working.add_done_callback(self._working.discard)
        while deadline.left > 0:
            await asyncio.wait({working}, timeout=max(deadline.left, 0) + _GRACE)
            if working.done():
                return working.result()
        return too_late

    async def aclose(self) -> None:
        """Send nothing more, and wait a little for what is in flight: a request that hangs ends by its own time-out."""
        self._session.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._working:
            _, hanging = await asyncio.wait(self._working, timeout=SHUTDOWN_SECONDS)
            if hanging:
                return
        self._session.close()
