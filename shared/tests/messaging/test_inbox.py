"""The inbox on a real database."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from riskstream.messaging.inbox import Inbox, forget_old


async def test_an_event_is_fresh_once_per_consumer(paper_ledger: Any) -> None:
    one, other = Inbox(paper_ledger.schema, "one"), Inbox(paper_ledger.schema, "other")
    known, new = uuid4(), uuid4()
    async with paper_ledger.engine.begin() as connection:
        assert await one.claim(connection, [known, known]) == {known}
    async with paper_ledger.engine.begin() as connection:
        assert await one.claim(connection, [known, new]) == {new}
        assert await other.claim(connection, [known]) == {known}
        assert await one.known(connection, [known, new, uuid4()]) == {known, new}
        assert await other.known(connection, [known, new]) == {known}
        assert await other.known(connection, []) == set()


async def test_a_claim_that_is_rolled_back_leaves_the_event_fresh(paper_ledger: Any) -> None:
    inbox, event = Inbox(paper_ledger.schema, "one"), uuid4()
    async with paper_ledger.engine.connect() as connection:
        await inbox.claim(connection, [event])
        await connection.rollback()
    async with paper_ledger.engine.begin() as connection:
        assert await inbox.claim(connection, [event]) == {event}


async def test_of_two_that_claim_at_once_the_second_waits_and_gets_nothing(paper_ledger: Any) -> None:
    inbox = Inbox(paper_ledger.schema, "one")
    events = [uuid4() for _ in range(50)]
    gains = []

    async def claim(order: int) -> None:
        async with paper_ledger.engine.begin() as connection:
            fresh = await inbox.claim(connection, events[::order])
            await asyncio.sleep(0.1)
            gains.append(len(fresh))

    await asyncio.gather(*(claim(order) for order in (1, -1, 1, -1)))
    assert sorted(gains) == [0, 0, 0, 50]


async def test_old_rows_are_forgotten_in_slices_and_young_ones_kept(paper_ledger: Any) -> None:
    inbox = Inbox(paper_ledger.schema, "one")
    old, young = [uuid4() for _ in range(25)], uuid4()
    async with paper_ledger.engine.begin() as connection:
        await inbox.claim(connection, old)
        await connection.execute(
            text(f"UPDATE {paper_ledger.schema}.inbox SET received_at = now() - interval '46 days'")
        )
        await inbox.claim(connection, [young])
    assert await forget_old(paper_ledger.engine, paper_ledger.schema, slice_size=10) == 25
    assert await forget_old(paper_ledger.engine, paper_ledger.schema, kept=timedelta(days=1)) == 0
    assert await paper_ledger.count("inbox") == 1
