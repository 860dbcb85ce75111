"""The relay on a real broker and a real database."""

import asyncio
import random
import time
from collections import defaultdict
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from riskstream.events.envelope import Envelope
from riskstream.messaging.outbox import lane_of
from riskstream.messaging.timing import RelayTiming


async def test_a_published_record_is_the_envelope_that_was_said(ledger: Any, read_topic: Any) -> None:
    await ledger.say(ledger.deposit(account="a", n=4), root="run:1")
    assert await ledger.relay().drain() == 1
    (record,) = await read_topic(ledger.topic)
    envelope: Envelope[Any] = Envelope.read(record.headers, record.value, ledger.catalogue)
    assert record.key == b"a"
    assert envelope.event == ledger.deposit(account="a", n=4)
    assert (envelope.subject, envelope.correlation_id) == ("a", "run:1")
    assert dict(record.headers)["content-type"] == b"application/json"
    assert await ledger.count("outbox") == 0


async def test_two_relays_keep_the_order_of_every_key_under_concurrent_writers(
    ledger: Any, running: Any, eventually: Any, read_topic: Any
) -> None:
    """Writers lock the account's row first, which is what makes commit order the order of `seq`."""
    async with ledger.engine.begin() as connection:
        await connection.execute(text(f"CREATE TABLE {ledger.schema}.account (name text PRIMARY KEY, n int)"))
        await connection.execute(
            text(f"INSERT INTO {ledger.schema}.account SELECT 'a' || g, -1 FROM generate_series(0, 19) g")
        )
    raise_n = text(f"UPDATE {ledger.schema}.account SET n = n + 1 WHERE name = :name RETURNING n")
    source = random.Random(7)

    async def write(times: int) -> None:
        for _ in range(times):
            account = f"a{source.randrange(20)}"
            async with ledger.engine.begin() as connection:
                n = (await connection.execute(raise_n, {"name": account})).scalar_one()
                await ledger.outbox.publish(connection, [ledger.deposit(account=account, n=n)])
                await asyncio.sleep(source.random() * 0.004)

    async with running(ledger.relay()), running(ledger.relay()):
        await asyncio.gather(*(write(100) for _ in range(6)))

        async def empty() -> bool:
            return await ledger.count("outbox") == 0

        await eventually(empty)
    published: dict[bytes, list[int]] = defaultdict(list)
    for record in await read_topic(ledger.topic):
        published[record.key].append(orjson.loads(record.value)["n"])
    assert sum(map(len, published.values())) == 600
    assert all(numbers == list(range(len(numbers))) for numbers in published.values())


async def test_a_topic_that_is_missing_holds_up_its_lane_and_no_other(
    ledger: Any, running: Any, eventually: Any, read_topic: Any
) -> None:
    lost = type(ledger.deposit)("Lost", (ledger.deposit,), {"topic": f"{ledger.schema}.nowhere", "__annotations__": {}})
    other = next(f"b{n}" for n in range(100) if lane_of(f"b{n}") != lane_of("a"))
    await ledger.say(lost(account="a", n=0), ledger.deposit(account="a", n=0))
    timing = ledger.relay()._timing.model_copy(update={"send_timeout": 0.7})
    async with running(ledger.relay(timing=timing)):
        for n in range(5):
            await ledger.say(ledger.deposit(account=other, n=n))

        async def the_other_is_there() -> bool:
            return len(await read_topic(ledger.topic)) == 5

        async def only_the_lane_is_left() -> bool:
            return await ledger.count("outbox") == 2

        await eventually(the_other_is_there)
        await eventually(only_the_lane_is_left)


async def test_a_relay_that_stands_still_with_a_lane_in_its_hands_loses_it_to_the_others(
    ledger: Any, running: Any, eventually: Any, another_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen it keeps no time-out of its own; its role's is far away."""
    timing = ledger.relay()._timing.model_copy(
        update={"send_timeout": 60, "transaction_timeout": 60, "lane_timeout": 1}
    )
    frozen = ledger.relay(engine=another_engine(), timing=timing)
    holds = asyncio.Event()

    async def stand_still(_: Any) -> None:
        holds.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(frozen._producer, "send", stand_still)
    await ledger.say(ledger.deposit(account="a", n=0))
    standing = asyncio.create_task(frozen.run())
    await asyncio.wait_for(holds.wait(), 10)
    async with running(ledger.relay()):
        began = time.monotonic()

        async def empty() -> bool:
            return await ledger.count("outbox") == 0

        await eventually(empty, within=10)
    print(f"the lane was free after {time.monotonic() - began:.1f} s")
    standing.cancel()
    await asyncio.wait({standing})


@pytest.mark.parametrize(
    ("role_allows", "while_it_holds"), [("0", "7s"), ("30s", "7s"), ("2500ms", "2500ms")], ids=["all", "more", "less"]
)
async def test_a_lane_is_held_no_longer_than_role_and_timing_allow(
    ledger: Any, monkeypatch: pytest.MonkeyPatch, role_allows: str, while_it_holds: str
) -> None:
    found = []
    show = text("SHOW idle_in_transaction_session_timeout")
    allowed = {"server_settings": {"idle_in_transaction_session_timeout": role_allows}}
    engine = create_async_engine(ledger.engine.url, connect_args=allowed)
    timing = ledger.relay()._timing.model_copy(update={"lane_timeout": 7.0})
    relay = ledger.relay(engine=engine, timing=timing)

    async def look(connection: Any, lane: int) -> int:
        found.append((await connection.execute(show)).scalar_one())
        return 0

    monkeypatch.setattr(relay, "_drain_lane", look)
    await ledger.say(ledger.deposit(account="a", n=0))
    assert await relay._tick() == 0
    async with engine.connect() as connection:
        found.append((await connection.execute(show)).scalar_one())
    await engine.dispose()
    assert found == [while_it_holds, role_allows], "and the pool's connection is as it was"


def test_a_relay_that_would_lose_its_lane_while_it_waits_for_kafka_is_refused() -> None:
    with pytest.raises(ValueError, match="lower send_timeout and start_timeout below lane_timeout"):
        RelayTiming(send_timeout=12, lane_timeout=12)


async def test_a_notification_brings_an_event_out_long_before_the_next_poll(
    ledger: Any, running: Any, eventually: Any
) -> None:
    timing = ledger.relay()._timing.model_copy(update={"poll_interval": 30.0})
    async with running(ledger.relay(timing=timing)):

        async def empty() -> bool:
            return await ledger.count("outbox") == 0

        await ledger.say(ledger.deposit(account="a", n=0))
        await eventually(empty, within=10)
        await asyncio.sleep(0.3)
        took = []
        for n in range(1, 6):
            began = time.monotonic()
            await ledger.say(ledger.deposit(account="a", n=n))
            await eventually(empty, within=10)
            took.append(time.monotonic() - began)
    print(f"from commit to an empty outbox: {[round(seconds, 3) for seconds in took]} s")
    assert max(took) < 5


async def test_relay_and_consumer_live_through_a_restart_of_the_broker_and_lost_connections(
    ledger: Any, running: Any, eventually: Any, kafka_server: Any, another_engine: Any
) -> None:
    """Relay and consumer have a pool each, full of connections that are dead when they next want one."""
    relay, consumer = ledger.relay(engine=another_engine()), ledger.consumer(engine=another_engine())
    async with running(relay), running(consumer):
        await ledger.say(*(ledger.deposit(account=f"a{n}", n=0) for n in range(10)))

        async def entered(expected: int) -> bool:
            return len(await ledger.entries()) == expected

        await eventually(lambda: entered(10))
        await asyncio.to_thread(kafka_server.kill)
        await ledger.say(*(ledger.deposit(account=f"a{n}", n=1) for n in range(10)))
        await asyncio.sleep(1)
        assert await ledger.count("outbox") == 10
        await asyncio.to_thread(kafka_server.start)
        await eventually(lambda: entered(20), within=40)
        async with ledger.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        await ledger.engine.dispose()  # the test's own next statement must not fail
        await ledger.say(*(ledger.deposit(account=f"a{n}", n=2) for n in range(10)))
        await eventually(lambda: entered(30), within=20)
    entries = await ledger.entries()
    for account in {entry.account for entry in entries}:
        assert [entry.n for entry in entries if entry.account == account] == [0, 1, 2]
    assert all(isinstance(entry.event_id, UUID) for entry in entries)


async def test_a_relay_without_wake_ups_still_publishes(
    ledger: Any, running: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise asyncpg.InternalClientError("the connection died while it was told to listen")

    relay = ledger.relay()
    monkeypatch.setattr(relay, "_listening", broken)
    async with running(relay):

        async def empty() -> bool:
            return await ledger.count("outbox") == 0

        await ledger.say(ledger.deposit(account="a", n=0))
        await eventually(empty)
