"""Work that holds a lease while it runs."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from riskstream.messaging.errors import is_transient
from symbol_batch.store.fences import FencedError

T = TypeVar("T")

RENEWALS = 3
"""Renewals within a lease: two may fail before it runs out."""
LAST_WORDS = 2.0
"""Seconds that work may still take after its lease is gone. Its fence keeps it from writing; but when the lease ended
because the work just committed its end, it is about to return."""

log = structlog.get_logger(__name__)


def holder_name() -> str:
    """Who holds a lease, for people: host, process and a part that no restart repeats."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


async def under_lease(work: Coroutine[Any, Any, T], renew: Callable[[], Awaitable[bool]], lease_seconds: float) -> T:
    """Do `work` and renew its lease meanwhile; FencedError, and the work cancelled, where the lease is lost."""
    task = asyncio.create_task(work)
    keeper = asyncio.create_task(_keep(renew, lease_seconds / RENEWALS))
    try:
        await asyncio.wait({task, keeper}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=LAST_WORDS)
        if not task.done():
            keeper.result()
        return await task
    finally:
        for one in (task, keeper):
            one.cancel()
        await asyncio.gather(task, keeper, return_exceptions=True)


async def _keep(renew: Callable[[], Awaitable[bool]], every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            ours = await renew()
        except Exception as error:
            # The work's own transaction may hold the row, or the database be away: the lease itself decides.
            if not is_transient(error):
                raise
            log.warning("the lease was not renewed this time", error=str(error))
            continue
        if not ours:
            raise FencedError("the lease was taken over while the work ran")
