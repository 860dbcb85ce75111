"""A database that was restored to an earlier point uses its numbers again; what was kept under them is not found."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from analytics.lineage import DatabaseReplacedError, Lineage
from local_stack.database import Database, copy_database, drop_database

MONDAY = date(2024, 12, 16)


@pytest.fixture
async def copies(database: Database) -> AsyncIterator[Callable[[], Awaitable[Database]]]:
    """Backups of the database, as it is when one is asked for; nobody may be connected to it."""
    made: list[Database] = []
    password = str(make_url(database.dsns["analytics"]).password)

    async def copy() -> Database:
        made.append(await copy_database(database, f"restored_{secrets.token_hex(4)}", password))
        return made[-1]

    yield copy
    for one in made:
        await drop_database(one)


async def overview(replica: Any, portfolio: UUID) -> tuple[int, str, float]:
    body = (await replica.get(portfolio, "overview")).json()
    return body["valuation"], body["cache"], body["data"]["nav"]


async def lineage_of(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        lineage = Lineage()
        await lineage.meet(connection)
        return lineage.name
    finally:
        await connection.close()


async def fold(database: Database, portfolio: UUID, cash: float) -> None:
    """As the fold does: the next number, other figures."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE valuations.valuation_heads SET valuation = valuation + 1")
            await connection.execute("UPDATE valuations.portfolio_snapshots SET nav = $1, cash = $1", cash)
    finally:
        await connection.close()


async def test_an_answer_of_the_lost_history_is_not_served_under_a_number_that_is_used_again(
    world: Any, database: Database, make_replica: Any, copies: Any
) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    await world.connection.close()
    backup = await copies()
    await fold(database, portfolio, 6.0)
    before = await make_replica()
    assert await overview(before, portfolio) == (2, "miss", 6.0)
    assert await overview(await make_replica(), portfolio) == (2, "redis", 6.0), "Redis has the answer"
    tag = (await before.get(portfolio, "overview")).headers["etag"]

    await fold(backup, portfolio, 7.0)
    after = await make_replica(on=backup)
    assert await overview(after, portfolio) == (2, "miss", 7.0)
    again = await after.get(portfolio, "overview", headers={"If-None-Match": tag})
    assert again.status_code == 200, "a browser's copy of the lost history counts as unchanged"


async def test_a_process_whose_database_was_replaced_answers_nothing_more_and_ends(
    world: Any, database: Database, make_replica: Any, copies: Any
) -> None:
    await world.edition(1, MONDAY)
    portfolio = await world.portfolio("ana")
    await world.fold(portfolio, 1, MONDAY, cash=5.0)
    await world.connection.close()
    backup = await copies()
    replica = await make_replica()
    assert (await replica.get(portfolio, "overview")).status_code == 200
    life = asyncio.create_task(replica.lineage.run())
    name, lost = (str(make_url(one.superuser_dsn).database) for one in (database, backup))
    connection = await asyncpg.connect(
        str(make_url(database.superuser_dsn).set(database="postgres").render_as_string(hide_password=False))
    )
    try:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{name}_was"')
        await connection.execute(f'ALTER DATABASE "{lost}" RENAME TO "{name}"')
        async with asyncio.timeout(30):
            # On a busy machine the first request may give up before it has another connection.
            while not life.done():
                assert (await replica.get(portfolio, "overview")).status_code == 503
                await asyncio.sleep(0.05)
        with pytest.raises(DatabaseReplacedError):
            await life
    finally:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{lost}"')
        await connection.execute(f'ALTER DATABASE "{name}_was" RENAME TO "{name}"')
        await connection.close()


async def test_a_dump_restored_over_the_tables_is_another_history(world: Any, database: Database) -> None:
    before = await lineage_of(database.dsns["analytics"])
    assert await lineage_of(database.dsns["analytics"]) == before
    await world.connection.execute(
        "CREATE TABLE valuations.restored (LIKE valuations.valuation_heads INCLUDING ALL); "
        "ALTER TABLE valuations.valuation_heads RENAME TO lost; "
        "ALTER TABLE valuations.restored RENAME TO valuation_heads"
    )
    assert await lineage_of(database.dsns["analytics"]) != before


async def test_nothing_is_kept_under_a_history_that_nobody_has_looked_at() -> None:
    with pytest.raises(RuntimeError, match="no connection"):
        _ = Lineage().name
