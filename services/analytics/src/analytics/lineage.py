"""Which history the database has. Numbers of valuations and editions name something within one history only.

A database that was restored to an earlier point, or a standby that was promoted before it had everything, counts on
from there: the same numbers come again and mean something else. What was kept under them, in Redis, in a browser or in
this process, must not be found again.
"""

import asyncio
from hashlib import sha256
from typing import Any

from riskstream.messaging.errors import TransientError

# The cluster, its timeline (which every recovery to a point and every promotion raises), the database in it, and the
# table whose numbers are meant: it is another one where a dump was restored over what was there.
_HISTORY = """
SELECT concat_ws(':',
    (SELECT system_identifier FROM pg_control_system()),
    CASE WHEN pg_is_in_recovery() THEN (SELECT to_hex(timeline_id) FROM pg_control_checkpoint())
        ELSE ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0') END,
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'valuations.valuation_heads'::regclass::oid)
"""


class DatabaseReplacedError(TransientError):
    """The database has another history than the one this process began with."""


class Lineage:
    """The one history that a process lives in. Its first connection decides; another one is refused, and ends it."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._replaced = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def name(self) -> str:
        """Part of whatever is kept under a number. Known once anything was read."""
        if self._name is None:
            raise RuntimeError("no connection was made yet, so nothing can have been read")
        return self._name

    async def meet(self, connection: Any) -> None:
        """Look at a new connection's history; DatabaseReplacedError where it is not this process's."""
        history: str = await connection.fetchval(_HISTORY)
        name = sha256(history.encode()).hexdigest()[:12]
        if self._name is None:
            self._name = name
        elif name != self._name:
            self._replaced.set()
            raise DatabaseReplacedError("the database was restored or replaced: this process ends, and starts anew")

    async def run(self) -> None:
        """A part of the process: returns after `stop`, raises DatabaseReplacedError when the database is another."""
        ends = {asyncio.create_task(self._replaced.wait()), asyncio.create_task(self._stopping.wait())}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        if self._replaced.is_set():
            raise DatabaseReplacedError("the database was restored or replaced since this process started")

    def stop(self) -> None:
        self._stopping.set()
