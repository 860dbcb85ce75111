"""The consumer on a real broker and a real database."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from sqlalchemy import text

from riskstream.events.envelope import Envelope
from riskstream.messaging import metrics
from riskstream.messaging.breaker import DeadLetterLimit
from riskstream.messaging.dead_letters import dead_letter_topic
from riskstream.messaging.errors import TransientError
from riskstream.runtime.clock import Clock


def record_of(ledger: Any, deposit: Any, partition: int, **attributes: Any) -> tuple[Any, ...]:
    """A record as the relay would make it, with some headers changed."""
    identity = uuid4()
    envelope = Envelope(
        id=identity,
        source="/tests",
        type=deposit.type,
        time=Clock().now(),
        subject=deposit.key,
        event=deposit,
        correlation_id=str(identity),
    )
    headers = envelope.headers() | attributes
    return (
        deposit.key.encode(),
        orjson.dumps(deposit.body()),
        [(name, value.encode()) for name, value in headers.items()],
        partition,
    )


def per_account(entries: Any) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        found[entry.account].append(entry.n)
    return dict(found)


async def test_what_is_published_has_its_effect_once_and_in_order(
    ledger: Any, running: Any, eventually: Any, committed: Any
) -> None:
    async with running(ledger.relay()), running(ledger.consumer()):
        for n in range(20):
            await ledger.say(*(ledger.deposit(account=f"a{account}", n=n) for account in range(10)))

        async def all_there() -> bool:
            return len(await ledger.entries()) == 200

        await eventually(all_there)
    assert per_account(await ledger.entries()) == {f"a{account}": list(range(20)) for account in range(10)}
    assert await ledger.count("outbox") == 0
    assert await committed(ledger.group, ledger.topic) == 200


async def test_the_same_event_delivered_twice_has_its_effect_once(
    ledger: Any, running: Any, eventually: Any, produce: Any, committed: Any
) -> None:
    first, second = (record_of(ledger, ledger.deposit(account="a", n=n), 0) for n in (0, 1))
    await produce(ledger.topic, [first, first, second, first, second])
    async with running(ledger.consumer()):

        async def all_consumed() -> bool:
            return await committed(ledger.group, ledger.topic) == 5

        await eventually(all_consumed)
    assert per_account(await ledger.entries()) == {"a": [0, 1]}


async def test_poison_becomes_a_dead_letter_with_its_reason_while_the_partition_flows(
    ledger: Any, running: Any, eventually: Any, produce: Any, read_topic: Any
) -> None:
    good = [record_of(ledger, ledger.deposit(account="a", n=n), 0) for n in range(5)]
    refused = record_of(ledger, ledger.deposit(account="a", n=9, amount=-1), 0)
    headerless = (None, b"hello", [], 0)
    key, _, headers, _ = record_of(ledger, ledger.deposit(account="a", n=8), 0)
    unreadable = (key, b"\xff\x00 no json", headers, 0)
    newer = record_of(ledger, ledger.deposit(account="a", n=7), 0, ce_type="ledger.deposit.v2")
    await produce(ledger.topic, [good[0], refused, good[1], unreadable, good[2], headerless, good[3], newer, good[4]])
    dead_letters = dead_letter_topic(ledger.topic, ledger.group)
    async with running(ledger.relay()), running(ledger.consumer()) as consuming:

        async def all_dead() -> bool:
            return len(await read_topic(dead_letters)) == 4

        await eventually(all_dead)
        assert not consuming.done()
    assert per_account(await ledger.entries()) == {"a": [0, 1, 2, 3, 4]}
    letters = {}
    for record in await read_topic(dead_letters):
        headers = {name: value.decode() for name, value in record.headers}
        letters[int(headers["x-dlq-offset"])] = (headers, orjson.loads(record.value))
    assert set(letters) == {1, 3, 5, 7}
    headers, letter = letters[1]
    assert headers["x-dlq-error"] == "DomainError: account a cannot be charged -1"
    assert headers["x-dlq-topic"] == ledger.topic
    assert headers["x-dlq-group"] == ledger.group
    assert headers["x-dlq-partition"] == "0"
    assert len(headers["x-dlq-stack-hash"]) == 12
    assert headers["ce_causationid"] == dict(refused[2])["ce_id"].decode()
    assert orjson.loads(letter["value"])["amount"] == -1
    assert letters[3][1]["encoding"] == "base64"
    assert "ce_type" in letters[5][1]["detail"]
    assert "ledger.deposit.v2" in letters[7][1]["detail"]


async def test_a_newer_writers_fields_and_headers_are_ignored(
    ledger: Any, running: Any, eventually: Any, produce: Any
) -> None:
    key, body, headers, partition = record_of(ledger, ledger.deposit(account="a", n=0), 0, ce_mood="new")
    await produce(ledger.topic, [(key, orjson.dumps(orjson.loads(body) | {"currency": "EUR"}), headers, partition)])
    async with running(ledger.consumer()):
        await eventually(ledger.entries)
    assert per_account(await ledger.entries()) == {"a": [0]}


async def test_what_is_away_makes_its_partition_wait_in_order_while_the_others_flow(
    ledger: Any, running: Any, eventually: Any, produce: Any, read_topic: Any
) -> None:
    back = asyncio.Event()

    async def depends_on_a_provider(connection: Any, envelope: Envelope[Any]) -> None:
        await ledger.enter(connection, envelope)
        if envelope.event.account == "waits" and envelope.event.n >= 3 and not back.is_set():
            raise TransientError("the provider is away")

    waits = [record_of(ledger, ledger.deposit(account="waits", n=n), 0) for n in range(10)]
    flows = [record_of(ledger, ledger.deposit(account="flows", n=n), 1) for n in range(10)]
    await produce(ledger.topic, waits + flows)
    consumer = ledger.consumer(depends_on_a_provider)
    async with running(consumer):

        async def the_other_flows() -> bool:
            return per_account(await ledger.entries()).get("flows") == list(range(10))

        async def it_waits() -> bool:
            return bool(consumer.health().waiting)

        await eventually(the_other_flows)
        await eventually(it_waits)
        assert per_account(await ledger.entries()).get("waits", []) in ([], [0], [0, 1], [0, 1, 2])
        later = [record_of(ledger, ledger.deposit(account="flows", n=n), 1) for n in range(10, 12)]
        await produce(ledger.topic, later)

        async def the_other_still_flows() -> bool:
            return per_account(await ledger.entries()).get("flows") == list(range(12))

        await eventually(the_other_still_flows)
        assert consumer.health().live
        back.set()

        async def all_there() -> bool:
            return len(await ledger.entries()) == 22

        await eventually(all_there)
    assert per_account(await ledger.entries())["waits"] == list(range(10))
    assert await read_topic(dead_letter_topic(ledger.topic, ledger.group)) == []
    assert await ledger.count("outbox") == 0


async def test_a_database_that_is_not_migrated_yet_is_waited_for(
    ledger: Any, running: Any, eventually: Any, produce: Any
) -> None:
    async with ledger.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {ledger.schema}.entry RENAME TO entry_later"))
    await produce(ledger.topic, [record_of(ledger, ledger.deposit(account="a", n=0), 0)])
    consumer = ledger.consumer()
    async with running(consumer):

        async def it_waits() -> bool:
            return bool(consumer.health().waiting)

        await eventually(it_waits)
        async with ledger.engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE {ledger.schema}.entry_later RENAME TO entry"))
        await eventually(ledger.entries)


async def test_a_failed_statement_of_one_record_costs_the_others_nothing(
    ledger: Any, running: Any, eventually: Any, produce: Any
) -> None:
    async with ledger.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {ledger.schema}.entry ADD CHECK (n <> 2)"))
    await produce(ledger.topic, [record_of(ledger, ledger.deposit(account="a", n=n), 0) for n in range(5)])
    async with running(ledger.consumer()):

        async def the_rest_is_there() -> bool:
            return len(await ledger.entries()) == 4

        await eventually(the_rest_is_there)
    assert per_account(await ledger.entries()) == {"a": [0, 1, 3, 4]}
    assert await ledger.count("outbox") == 1


@pytest.mark.parametrize("kind", ["consumer", "idempotent_consumer"])
async def test_too_many_dead_letters_in_a_row_stop_the_partition_and_no_other(
    ledger: Any, running: Any, eventually: Any, produce: Any, committed: Any, kind: str
) -> None:
    bad = [record_of(ledger, ledger.deposit(account="bad", n=n, amount=-1), 0) for n in range(12)]
    good = [record_of(ledger, ledger.deposit(account="good", n=n), 1) for n in range(3)]
    await produce(ledger.topic, bad + good)
    consumer = getattr(ledger, kind)(limit=DeadLetterLimit(consecutive=5))
    async with running(consumer):

        async def halted() -> bool:
            return consumer.health().halted == (f"{ledger.topic}/0",)

        async def good_ones_there() -> bool:
            return len(await ledger.entries()) == 3

        await eventually(halted)
        await eventually(good_ones_there)
        await produce(ledger.topic, [record_of(ledger, ledger.deposit(account="bad", n=12), 0)])
        await asyncio.sleep(1)
        assert await ledger.count("outbox") == 5
        assert await committed(ledger.group, ledger.topic) == 5 + 3
    assert await ledger.count("outbox") == 5


async def test_the_order_to_stop_lets_the_batch_in_hand_end_and_commits_it(
    ledger: Any, produce: Any, committed: Any
) -> None:
    begun = asyncio.Event()

    async def slowly(connection: Any, envelope: Envelope[Any]) -> None:
        begun.set()
        await asyncio.sleep(0.2)
        await ledger.enter(connection, envelope)

    await produce(ledger.topic, [record_of(ledger, ledger.deposit(account="a", n=n), 0) for n in range(5)])
    consumer = ledger.consumer(slowly)
    run = asyncio.create_task(consumer.run())
    async with asyncio.timeout(20):
        await begun.wait()
        consumer.stop()
        await run
    entered = len(await ledger.entries())
    assert entered > 0
    assert await committed(ledger.group, ledger.topic) == entered


async def test_the_order_to_stop_ends_in_bounded_time_where_a_handler_hangs(
    ledger: Any, produce: Any, committed: Any
) -> None:
    begun = asyncio.Event()

    async def forever(connection: Any, envelope: Envelope[Any]) -> None:
        await ledger.enter(connection, envelope)
        begun.set()
        await asyncio.Event().wait()

    await produce(ledger.topic, [record_of(ledger, ledger.deposit(account="a", n=0), 0)])
    timing = ledger.consumer()._timing.model_copy(update={"drain_timeout": 1.0})
    consumer = ledger.consumer(forever, timing=timing)
    run = asyncio.create_task(consumer.run())
    async with asyncio.timeout(20):
        await begun.wait()
        consumer.stop()
        await run
    assert await ledger.entries() == []
    assert await committed(ledger.group, ledger.topic) == 0


async def test_a_second_member_takes_over_without_a_record_lost_or_doubled(
    ledger: Any, running: Any, eventually: Any
) -> None:
    async def all_there() -> bool:
        return len(await ledger.entries()) == 400

    async def both_have_partitions() -> bool:
        return first.health().assigned > 0 and second.health().assigned > 0

    first, second = ledger.consumer(), ledger.consumer()
    async with running(ledger.relay()), running(first):
        for n in range(20):
            await ledger.say(*(ledger.deposit(account=f"a{account}", n=n) for account in range(10)))
        async with running(second):
            await eventually(both_have_partitions)
            for n in range(20, 40):
                await ledger.say(*(ledger.deposit(account=f"a{account}", n=n) for account in range(10)))
        await eventually(all_there)
    assert per_account(await ledger.entries()) == {f"a{account}": list(range(40)) for account in range(10)}


async def test_a_rebalance_waits_for_the_batch_in_hand_so_that_its_offset_is_committed(
    ledger: Any, running: Any, eventually: Any, produce: Any, committed: Any
) -> None:
    begun = asyncio.Event()
    partitions_held = set()

    async def slowly(connection: Any, envelope: Envelope[Any]) -> None:
        begun.set()
        await asyncio.sleep(0.1)
        partitions_held.add(first.health().assigned)
        await ledger.enter(connection, envelope)

    await produce(ledger.topic, [record_of(ledger, ledger.deposit(account="a", n=n), 0) for n in range(40)])
    first, second = ledger.consumer(slowly), ledger.consumer(slowly)
    async with running(first):
        async with asyncio.timeout(20):
            await begun.wait()
        async with running(second):

            async def shared() -> bool:
                return first.health().assigned > 0 and second.health().assigned > 0

            async def all_consumed() -> bool:
                return await committed(ledger.group, ledger.topic) == 40

            await eventually(shared)
            await eventually(all_consumed)
    assert partitions_held == {3}, "the batch was still in hand when its partition was taken back"
    assert metrics.COMMIT_FAILURES.labels(ledger.group)._value.get() == 0
    assert per_account(await ledger.entries()) == {"a": list(range(40))}


async def test_a_consumer_that_stops_while_its_group_waits_for_another_leaves_nothing_running(
    ledger: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NeverReady(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
        async def on_partitions_revoked(self, revoked: set[Any]) -> None:
            if revoked:
                waiting.set()
                await released.wait()

        async def on_partitions_assigned(self, assigned: set[Any]) -> None:
            pass

    released, waiting = asyncio.Event(), asyncio.Event()
    other = AIOKafkaConsumer(bootstrap_servers=ledger.bootstrap, group_id=ledger.group, metadata_max_age_ms=1000)
    other.subscribe([ledger.topic], listener=NeverReady())
    await other.start()
    consumer = ledger.consumer(timing=ledger.consumer()._timing.model_copy(update={"close_timeout": 0.5}))
    clients = []
    monkeypatch.setattr(
        consumer, "_new_client", lambda make=consumer._new_client: clients.append(make()) or clients[-1]
    )
    run = asyncio.create_task(consumer.run())

    async def joining() -> bool:
        return bool(clients) and clients[0]._coordinator is not None and bool(waiting.is_set())

    try:
        await eventually(joining)
        consumer.stop()
        async with asyncio.timeout(10):
            await run
        assert clients[0]._fetcher._fetch_task.done()
        assert clients[0]._coordinator._coordination_task.done()
        assert not any(connection.connected() for connection in clients[0]._client._conns.values())
    finally:
        released.set()
        await other.stop()


async def test_an_idempotent_consumer_passes_over_what_its_inbox_knows(
    ledger: Any, running: Any, eventually: Any, produce: Any, committed: Any
) -> None:
    calls: list[int] = []

    async def enter(envelope: Envelope[Any]) -> None:
        calls.append(envelope.event.n)
        await ledger.enter_alone(envelope)

    first, second = (record_of(ledger, ledger.deposit(account="a", n=n), 0) for n in (0, 1))
    bad = record_of(ledger, ledger.deposit(account="a", n=5, amount=-5), 0)
    await produce(ledger.topic, [first, first, bad, second, first])
    async with running(ledger.idempotent_consumer(enter)):

        async def all_consumed() -> bool:
            return await committed(ledger.group, ledger.topic) == 5

        await eventually(all_consumed)
    assert calls == [0, 5, 1]
    assert per_account(await ledger.entries()) == {"a": [0, 1]}
    assert await ledger.count("outbox") == 1
