"""A frozen server keeps its connections and answers none of them."""

import asyncio

import asyncpg
import pytest

from chaos_story.freezing import frozen
from local_stack.postgres import PostgresServer
from local_stack.testing import servers_for_tests


async def _stands_still(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        with frozen(postgres):
            asking = asyncio.create_task(connection.fetchval("SELECT 1"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asking), 0.5)
        assert await asyncio.wait_for(asking, 5) == 1
    finally:
        await connection.close()


def test_a_frozen_postgres_answers_nobody_who_is_connected_and_goes_on_afterwards() -> None:
    postgres, _, _ = servers_for_tests()
    with postgres:
        asyncio.run(_stands_still(postgres))
