"""Connections to Postgres: few statements, asked very often."""

from typing import Any

import asyncpg

from riskstream.database.tracing import trace_connection
from riskstream.runtime import tracing


async def create_pool(dsn: str, *, application: str, size: int, statement_timeout: float) -> asyncpg.Pool:
    """A pool that connects when it is first used, so that the process starts while Postgres is away.

    Nothing here outlives its transaction in a connection, hence none is reset when it is given back: that would be a
    second round trip for every head. (A transaction left open by a cancelled request is still rolled back.)
    `statement_timeout` in seconds is the client's own, for a server that has stopped answering.
    """
    pool: asyncpg.Pool = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=statement_timeout,
        command_timeout=statement_timeout,
        reset=_nothing,
        init=trace_connection if tracing.on() else None,
        server_settings={"application_name": application, "timezone": "UTC"},
    )
    return pool


async def _nothing(_: Any) -> None:
    """The default would be `RESET ALL` and more."""
