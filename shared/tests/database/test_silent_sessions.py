"""Clients that fall silent inside a statement: what they hold is taken from them, and from nobody else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from local_stack.database import Database
from riskstream.database.engine import create_engine
from riskstream.database.silent_sessions import end_silent_sessions

ALLOWED = 0.3
"""Seconds that the role may be silent in these tests."""

Silence = Callable[[asyncpg.Connection], Awaitable[None]]


async def after_prepare(connection: asyncpg.Connection) -> None:
    """As a process that is frozen between the two halves of a statement."""
    await connection.prepare("SELECT 1")


async def after_copy(connection: asyncpg.Connection) -> None:
    """As a process that is frozen before it has sent the rows."""

    async def nothing() -> AsyncIterator[bytes]:
        sent.set()
        await asyncio.sleep(60)
        yield b""

    sent = asyncio.Event()
    await connection.execute("CREATE TEMPORARY TABLE rows (n integer)")
    copying = asyncio.create_task(connection.copy_to_table("rows", source=nothing()))
    copying.add_done_callback(lambda task: task.exception())
    await sent.wait()


async def within_an_answer(connection: asyncpg.Connection) -> None:
    """As a process that is frozen before it has read all rows."""
    connection._transport.pause_reading()
    reading = asyncio.create_task(connection.fetch("SELECT repeat('x', 1000) FROM generate_series(1, 50000)"))
    reading.add_done_callback(lambda task: task.exception())
    await asyncio.sleep(0.1)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    superuser = await asyncpg.connect(database.superuser_dsn)
    name = database.superuser_dsn.rpartition("/")[2]
    setting = f'idle_in_transaction_session_timeout = "{ALLOWED * 1000:.0f}ms"'
    await superuser.execute(f'ALTER ROLE portfolio_refresh IN DATABASE "{name}" SET {setting}')
    await superuser.close()
    made = create_engine(database.dsns["portfolio_refresh"], application="tests")
    yield made
    await made.dispose()


@pytest.fixture
async def silent(database: Database, engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """Holds a lane of the outbox in an open transaction."""
    connection = await asyncpg.connect(database.dsns["portfolio_refresh"])
    await connection.execute("BEGIN")
    await connection.fetch("SELECT * FROM valuations.outbox_lane WHERE lane = 3 FOR UPDATE")
    yield connection
    connection.terminate()


async def lane_is_free(database: Database) -> bool:
    connection = await asyncpg.connect(database.dsns["portfolio_refresh"])
    try:
        free = "SELECT lane FROM valuations.outbox_lane WHERE lane = 3 FOR UPDATE SKIP LOCKED"
        return bool(await connection.fetch(free))
    finally:
        await connection.close()


@pytest.mark.parametrize("falls_silent", [after_prepare, after_copy, within_an_answer])
async def test_what_a_silent_client_holds_is_free_again(
    database: Database, engine: AsyncEngine, silent: asyncpg.Connection, falls_silent: Silence
) -> None:
    await falls_silent(silent)
    await asyncio.sleep(3 * ALLOWED)
    assert not await lane_is_free(database), "Postgres ends it by itself: then all of this is needless"
    assert await end_silent_sessions(engine) == 1
    # Told to end, a session takes a moment to do so.
    await asyncio.sleep(0.5)
    assert await lane_is_free(database)


async def test_a_client_is_silent_only_after_its_time(
    database: Database, engine: AsyncEngine, silent: asyncpg.Connection
) -> None:
    await after_prepare(silent)
    assert await end_silent_sessions(engine) == 0
    assert not await lane_is_free(database)


async def test_who_waits_for_postgres_is_not_silent(
    database: Database, engine: AsyncEngine, silent: asyncpg.Connection
) -> None:
    long = asyncio.create_task(silent.fetchval("SELECT pg_sleep(1.5)"))
    await asyncio.sleep(3 * ALLOWED)
    assert await end_silent_sessions(engine) == 0
    await long


async def test_other_roles_sessions_are_left_alone(database: Database, engine: AsyncEngine) -> None:
    other = await asyncpg.connect(database.dsns["symbol_batch"])
    try:
        await other.execute("BEGIN")
        await after_prepare(other)
        await asyncio.sleep(3 * ALLOWED)
        assert await end_silent_sessions(engine) == 0
        assert await other.fetchval("SELECT 1") == 1
    finally:
        other.terminate()
