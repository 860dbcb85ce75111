"""Listeners: every one hears everything from now on."""

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from prometheus_client import REGISTRY
from sqlalchemy import text

from riskstream.events.envelope import Envelope
from riskstream.events.portfolio import PortfolioRefreshed
from riskstream.messaging import metrics
from riskstream.messaging.listener import Listener


async def test_every_listener_hears_what_is_said_from_now_on_and_passes_over_what_it_cannot_use(
    ledger: Any, running: Any, eventually: Any, produce: Any
) -> None:
    heard: dict[str, list[int]] = {"one": [], "other": []}

    def handler(name: str) -> Any:
        async def hear(envelope: Envelope[Any]) -> None:
            if envelope.event.n == 2:
                raise RuntimeError("cannot use this")
            heard[name].append(envelope.event.n)

        return hear

    def listener(name: str) -> Listener:
        return Listener(ledger.bootstrap, {ledger.deposit: handler(name)}, client_id=name, catalogue=ledger.catalogue)

    await ledger.say(ledger.deposit(account="a", n=99))
    relay = ledger.relay()
    await relay.drain()
    one, other = listener("one"), listener("other")
    async with running(one), running(other):
        await one.listening.wait()
        await other.listening.wait()
        await produce(ledger.topic, [(b"a", b"garbage", [], 0)])
        for n in range(5):
            await ledger.say(ledger.deposit(account="a", n=n))
        await relay.drain()

        async def both_heard_all() -> bool:
            return all(numbers == [0, 1, 3, 4] for numbers in heard.values())

        await eventually(both_heard_all)
    skipped = metrics.LISTENER_SKIPPED.labels(ledger.topic)._value.get()
    assert skipped == 4, "garbage and the unusable one, by each of two"


async def test_a_listener_shows_that_nothing_was_skipped_before_anything_is() -> None:
    async def hear(envelope: Envelope[Any]) -> None:
        raise AssertionError("it does not run")

    Listener("127.0.0.1:1", {PortfolioRefreshed: hear}, client_id="l")
    shown = REGISTRY.get_sample_value("riskstream_listener_skipped_total", {"topic": "portfolio.refreshed"})
    assert shown == 0


async def test_a_listener_hears_partitions_that_are_added_later(
    ledger: Any, running: Any, eventually: Any, produce: Any
) -> None:
    heard = []

    async def hear(envelope: Envelope[Any]) -> None:
        heard.append(envelope.event.n)

    timing = ledger.consumer()._timing
    listener = Listener(
        ledger.bootstrap, {ledger.deposit: hear}, client_id="l", catalogue=ledger.catalogue, timing=timing
    )

    async with running(listener):
        await listener.listening.wait()
        admin = AIOKafkaAdminClient(bootstrap_servers=ledger.bootstrap)
        await admin.start()
        await admin.create_partitions({ledger.topic: NewPartitions(total_count=4)})
        await admin.close()

        async def say_on_the_new_one() -> bool:
            await ledger.say(ledger.deposit(account="a", n=1))
            async with ledger.engine.begin() as connection:
                (row,) = await connection.execute(
                    text(f"DELETE FROM {ledger.schema}.outbox RETURNING headers, payload::text AS payload")
                )
            headers = [(name, value.encode()) for name, value in row.headers.items()]
            await produce(ledger.topic, [(b"a", row.payload.encode(), headers, 3)])
            return bool(heard)

        await eventually(say_on_the_new_one)
