"""The producer that is thrown away when it fails, on a real broker."""

import asyncio
import shutil
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from riskstream.messaging.producer import DisposableProducer, KafkaRecord
from riskstream.messaging.timing import RelayTiming

TIMING = RelayTiming(send_timeout=0.7, start_timeout=10, close_timeout=3)


def record(topic: str, value: bytes) -> KafkaRecord:
    return KafkaRecord(topic, b"key", value, [])


def is_gone(kafka: Any) -> bool:
    return kafka._sender.sender_task.done() and not any(
        connection.connected() for connection in kafka.client._conns.values()
    )


async def test_a_producer_that_failed_is_gone_and_the_next_batch_gets_another(ledger: Any, read_topic: Any) -> None:
    producer = DisposableProducer(ledger.bootstrap, "test", TIMING)
    await producer.send([record(ledger.topic, b"first")])
    failed = await producer._started()
    with pytest.raises(TimeoutError):
        await producer.send([record(f"{ledger.schema}.nowhere", b"lost")])
    assert is_gone(failed)
    await producer.send([record(ledger.topic, b"second")])
    assert await producer._started() is not failed
    await producer.close()
    assert [found.value for found in await read_topic(ledger.topic)] == [b"first", b"second"]


async def test_a_producer_whose_send_is_cancelled_is_gone(ledger: Any) -> None:
    producer = DisposableProducer(ledger.bootstrap, "test", TIMING)
    kafka = await producer._started()
    sending = asyncio.create_task(producer.send([record(f"{ledger.schema}.nowhere", b"lost")]))
    await asyncio.sleep(0.1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert is_gone(kafka)


async def test_closing_ends_in_bounded_time_where_the_broker_takes_nothing_and_leaves_nothing_running(
    ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = DisposableProducer(ledger.bootstrap, "test", TIMING.model_copy(update={"close_timeout": 0.5}))
    await producer.send([record(ledger.topic, b"first")])
    kafka = await producer._started()
    monkeypatch.setattr(kafka, "stop", asyncio.Event().wait)
    async with asyncio.timeout(5):
        await producer.close()
    assert is_gone(kafka)


async def test_closing_what_never_sent_anything_does_nothing() -> None:
    await DisposableProducer("127.0.0.1:1", "test", TIMING).close()


async def test_no_record_is_taken_for_a_repeated_one_by_a_broker_that_came_back_empty(
    own_kafka: Any, make_topics: Any
) -> None:
    """An emptied broker numbers producers anew: the one that survived and a new one would have the same number."""
    timing = RelayTiming()
    survivor, newcomer = (DisposableProducer(own_kafka.address, name, timing) for name in ("survivor", "newcomer"))
    await make_topics(own_kafka.address, {"before": 1, "after": 1})
    await survivor.send([record("before", b"0")])

    def empty() -> None:
        own_kafka.stop()
        shutil.rmtree(own_kafka.folder / "data")
        own_kafka.start()

    await asyncio.to_thread(empty)
    await make_topics(own_kafka.address, {"before": 1, "after": 1})
    await survivor.send([record("after", b"1")])
    await newcomer.send([record("after", b"2")])
    await survivor.send([record("after", b"3")])
    async with AIOKafkaConsumer(bootstrap_servers=own_kafka.address, group_id=None) as kafka:
        place = TopicPartition("after", 0)
        kafka.assign([place])
        assert (await kafka.end_offsets([place]))[place] == 3
    await asyncio.gather(survivor.close(), newcomer.close())
