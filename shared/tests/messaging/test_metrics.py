"""What a consumer and a relay show before anything happens, and which topics they see."""

from typing import Any

from aiokafka import AIOKafkaConsumer
from prometheus_client import REGISTRY

from riskstream.messaging.dead_letters import dead_letter_topic
from riskstream.messaging.topic_watch import TopicWatch


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"riskstream_{name}", labels)


def test_counters_that_alerts_look_at_are_shown_as_zero_before_the_first_event(paper_ledger: Any) -> None:
    group, topic, schema = paper_ledger.group, paper_ledger.topic, paper_ledger.schema
    assert shown("consumer_dead_letters_total", group=group, topic=topic) is None
    paper_ledger.consumer()
    paper_ledger.relay()
    assert shown("consumer_dead_letters_total", group=group, topic=topic) == 0
    assert shown("consumer_retries_total", group=group, topic=topic) == 0
    assert shown("consumer_sessions_lost_total", group=group) == 0
    assert shown("relay_failures_total", schema=schema) == 0


async def test_a_consumer_shows_its_partitions_and_those_of_the_topics_it_needs(
    ledger: Any, running: Any, eventually: Any
) -> None:
    graves = dead_letter_topic(ledger.topic, ledger.group)
    async with running(ledger.consumer()):

        async def are_shown() -> bool:
            assigned = shown("consumer_assigned_partitions", group=ledger.group)
            partitions = [shown("kafka_topic_partitions", topic=topic) for topic in (ledger.topic, graves)]
            return [assigned, *partitions] == [3, 3, 1]

        await eventually(are_shown)
    assert shown("consumer_assigned_partitions", group=ledger.group) == 0


async def test_a_topic_that_is_not_there_has_no_partitions_and_is_named(ledger: Any) -> None:
    missing = f"{ledger.topic}.nowhere"
    async with AIOKafkaConsumer(bootstrap_servers=ledger.bootstrap, group_id=None) as kafka:
        watch = TopicWatch(kafka, [ledger.topic, missing])
        assert await watch.look() == [missing]
        assert missing not in await kafka.topics(), "looking makes none"
    assert shown("kafka_topic_partitions", topic=missing) == 0
