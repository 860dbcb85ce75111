"""One version after the other takes over while people write: relays and consumers of two versions side by side."""

import asyncio
import random
from collections import defaultdict
from typing import Any

from sqlalchemy import text


async def test_relays_and_consumers_that_are_replaced_one_by_one_keep_order_and_effects(
    ledger: Any, running: Any, eventually: Any, another_engine: Any
) -> None:
    """The old ones stop in the middle of the writing, after the new ones have begun."""
    async with ledger.engine.begin() as connection:
        await connection.execute(text(f"CREATE TABLE {ledger.schema}.account (name text PRIMARY KEY, n int)"))
        await connection.execute(
            text(f"INSERT INTO {ledger.schema}.account SELECT 'a' || g, -1 FROM generate_series(0, 9) g")
        )
    raise_n = text(f"UPDATE {ledger.schema}.account SET n = n + 1 WHERE name = :name RETURNING n")
    source = random.Random(11)
    done = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        while not done.is_set():
            account = f"a{source.randrange(10)}"
            async with ledger.engine.begin() as connection:
                n = (await connection.execute(raise_n, {"name": account})).scalar_one()
                await ledger.outbox.publish(connection, [ledger.deposit(account=account, n=n)])
            written += 1
            await asyncio.sleep(source.random() * 0.01)

    async def everything_entered() -> bool:
        return len(await ledger.entries()) == written

    writing = [asyncio.create_task(write()) for _ in range(3)]
    async with running(ledger.relay(engine=another_engine())), running(ledger.consumer(engine=another_engine())):
        for _ in range(2):
            old_relay, old_consumer = ledger.relay(engine=another_engine()), ledger.consumer(engine=another_engine())
            async with running(old_relay), running(old_consumer):
                await asyncio.sleep(0.7)
        done.set()
        await asyncio.gather(*writing)
        await eventually(everything_entered)

    numbers: dict[str, list[int]] = defaultdict(list)
    for entry in await ledger.entries():
        numbers[entry.account].append(entry.n)
    assert written > 30
    assert all(entered == list(range(len(entered))) for entered in numbers.values()), numbers
