"""Connections to Postgres: few statements, asked very often."""

from typing import Any

import asyncpg

from analytics.lineage import Lineage
from riskstream.database.tracing import trace_connection
from riskstream.runtime import tracing


async def create_pool(
    dsn: str, *, application: str, size: int, statement_timeout: float, lineage: Lineage
) -> asyncpg.Pool:
    """A pool that connects when it is first used, so that the process starts while Postgres is away.

    Nothing here outlives its transaction in a connection, hence none is reset when it is given back: that would be a
    second round trip for every head. (A transaction left open by a cancelled request is still rolled back.)
    A database that is not the one of `lineage` is refused with DatabaseReplacedError, whoever asks for a connection.
    `statement_timeout` in seconds is the client's own, for a server that has stopped answering.
    """

    async def begin(connection: Any) -> None:
        await lineage.meet(connection)
        if tracing.on():
            await trace_connection(connection)

    pool: asyncpg.Pool = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=statement_timeout,
        command_timeout=statement_timeout,
        reset=_nothing,
        init=begin,
        server_settings={"application_name": application, "timezone": "UTC"},
    )
    return pool


async def answers_as_before(pool: asyncpg.Pool, lineage: Lineage) -> None:
    """Raises what keeps Postgres from answering, and DatabaseReplacedError where it is not the database it was."""
    async with pool.acquire() as connection:
        await lineage.meet(connection)


async def _nothing(_: Any) -> None:
    """The default would be `RESET ALL` and more."""
