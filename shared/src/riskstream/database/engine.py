"""How a service connects to Postgres."""

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from riskstream.database.tracing import trace_engine
from riskstream.runtime import tracing


def create_engine(dsn: str, *, application: str, pool_size: int = 10) -> AsyncEngine:
    """An engine on asyncpg for `postgresql://role:password@host:port/database`.

    Time-outs are the role's own (see `deploy/postgres/roles.sql`), so that they hold for every client of the role.
    Connections are checked before use: a restarted Postgres costs one reconnect, not an error.
    """
    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=30,
        connect_args={"server_settings": {"application_name": application, "timezone": "UTC"}, "timeout": 10},
    )
    if tracing.on():
        trace_engine(engine)
    return engine


async def answers(engine: AsyncEngine) -> None:
    """Raises what keeps Postgres from answering."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def driver(connection: AsyncConnection) -> asyncpg.Connection:
    """The asyncpg connection under a SQLAlchemy one, inside the same transaction: for COPY and array decoding."""
    raw = await connection.get_raw_connection()
    inner = raw.driver_connection
    assert inner is not None
    return inner
