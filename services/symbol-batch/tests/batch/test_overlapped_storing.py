"""A chunk is stored while the next one is asked for and judged."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import asyncpg
import pytest

from symbol_batch.calendar import calendar_at
from symbol_batch.store import runs
from symbol_batch.store.fences import FencedError, NightFence

MONDAY = date(2025, 7, 7)
CHUNK = 8

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Series.values returning")


@pytest.fixture
async def fence(batch) -> NightFence:
    """The right to write for a night that nobody else works on."""
    batch.clock.move_to_night_of(MONDAY)
    run_id, now = uuid4(), batch.clock.now()
    async with batch.engine.begin() as connection:
        claimed = await runs.claim(
            connection, run_id, MONDAY, holder="test", lease_seconds=60, now=now, code_version="test"
        )
    assert claimed is not None
    return NightFence(run_id, claimed[0])


@pytest.fixture
async def blocker(database) -> AsyncIterator[asyncpg.Connection]:
    """Holds the night's row, so that no chunk can be stored until its transaction ends."""
    connection = await asyncpg.connect(database.superuser_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def taking(replica, exchange, fence):
    """Begins to take the prices of every symbol for the night."""
    batch = replica(chunk_symbols=CHUNK)

    def begin() -> asyncio.Task[list[object]]:
        calendar = calendar_at(MONDAY)
        return asyncio.create_task(
            batch.intake.take(exchange.symbols, MONDAY, calendar, fence=fence, run_id=fence.run_id)
        )

    return begin


async def settled(exchange) -> int:
    """How many symbols were asked for, once that grows no more."""
    before, count = -1, 0
    while count == 0 or count > before:
        await asyncio.sleep(0.5)
        before, count = count, len(exchange.asked_for())
    return count


async def test_while_a_chunk_cannot_be_stored_only_the_next_one_is_asked_for(batch, exchange, blocker, taking) -> None:
    held = blocker.transaction()
    await held.start()
    await blocker.execute("SELECT FROM symbols.batch_runs FOR UPDATE")
    working = taking()
    assert await settled(exchange) == 2 * CHUNK
    await held.rollback()
    assert len(await working) == len(exchange.symbols)
    assert await batch.value("SELECT count(*) FROM symbols.run_fetches") == len(exchange.symbols)


async def test_a_lease_lost_while_a_chunk_waits_to_be_stored_ends_the_taking(batch, exchange, blocker, taking) -> None:
    held = blocker.transaction()
    await held.start()
    await blocker.execute("UPDATE symbols.batch_runs SET fence = fence + 1")
    working = taking()
    await settled(exchange)
    await held.commit()
    with pytest.raises(FencedError):
        await working
    assert await batch.value("SELECT count(*) FROM symbols.market_data_cache") == 0
    assert len(exchange.asked_for()) <= 2 * CHUNK


async def test_taking_that_is_given_up_leaves_no_chunk_behind_that_is_stored_later(
    batch, exchange, blocker, taking
) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    async def becomes(count: int) -> None:
        async with asyncio.timeout(10):
            while await batch.value(waiting) != count:  # noqa: ASYNC110  # another session's wait
                await asyncio.sleep(0.02)

    exchange.fault(kind="latency", milliseconds=1500)  # the second chunk is still being asked for
    held = blocker.transaction()
    await held.start()
    await blocker.execute("SELECT FROM symbols.batch_runs FOR UPDATE")
    working = taking()
    await becomes(1)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await becomes(0)
    await held.rollback()
    assert await batch.value("SELECT count(*) FROM symbols.market_data_cache") == 0
