"""What came of a chunk of symbols, into the database: one transaction, and the point where a killed run resumes."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from symbol_batch.prices.comparison import Taken
from symbol_batch.store import prices as store
from symbol_batch.store import quarantine, runs
from symbol_batch.store.fences import Fence
from symbol_batch.store.price_rows import price_rows


async def store_chunk(
    engine: AsyncEngine,
    chunk: Sequence[Taken],
    now: datetime,
    *,
    fence: Fence | None = None,
    run_id: UUID | None = None,
) -> None:
    """Commit bars, actions, held bars and decisions, and with `run_id` each outcome whose revision is not pending.

    FencedError, and nothing written, where the lease of `fence` is lost.
    """
    new, replaced = await asyncio.to_thread(_rows, chunk, now)
    async with engine.begin() as connection:
        if fence is not None:
            await fence.hold(connection)
        await store.add_prices(connection, new)
        await store.insert_prices(connection, replaced, replace=True)
        for source in {one.source for one in chunk if one.written or one.vanished}:
            own = [one for one in chunk if one.source == source]
            await store.write_actions(
                connection,
                [action for one in own for action in one.written],
                [action for one in own for action in one.vanished],
                source,
                now,
            )
        await quarantine.hold(connection, [bar for one in chunk for bar in one.held])
        await quarantine.decide(connection, [decision for one in chunk for decision in one.decisions], now)
        if run_id is not None:
            settled = [(one.symbol, one.outcome, one.detail) for one in chunk if one.revision is None]
            await runs.record_fetches(connection, run_id, settled, now)


def _rows(chunk: Sequence[Taken], now: datetime) -> tuple[bytes, bytes]:
    new = [price_rows(one.symbol, one.new, one.source, now) for one in chunk]
    replaced = [price_rows(one.symbol, one.replaced, one.source, now) for one in chunk]
    return b"".join(new), b"".join(replaced)
