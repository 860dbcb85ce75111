"""Topics that are not as declared: told by a service's readiness and log, changed by nobody."""

from pathlib import Path

import yaml

from local_stack.kafka import KafkaServer
from riskstream.messaging.topic_settings import LOOK_SECONDS, UNANSWERED_SECONDS, TopicSettings
from riskstream.messaging.topics import create_topics, load_topics
from riskstream.runtime.settings import ServiceSettings


def settings(kafka: str, file: Path | None) -> ServiceSettings:
    return ServiceSettings(postgres_dsn="postgresql://a:b@127.0.0.1:1/c", kafka=kafka, topics_file=file)


async def looked_again(topics: TopicSettings) -> None:
    for _ in range(round(LOOK_SECONDS / UNANSWERED_SECONDS) + 1):
        await topics.look()


def declare(file: Path, **other: object) -> None:
    content = yaml.safe_load(file.read_text())
    content["topics"][0] |= other
    file.write_text(yaml.safe_dump(content))


async def test_wrong_settings_are_told_until_they_are_right_and_never_a_reason_to_be_unready(
    kafka_server: KafkaServer, topics_file: Path
) -> None:
    topics = TopicSettings(settings(kafka_server.address, topics_file))
    topic, dead = load_topics(topics_file).every_topic()
    await topics.look()
    assert topics.state().detail["wrong"] == [f"{topic.name} does not exist", f"{dead.name} does not exist"]
    await create_topics(kafka_server.address, topics_file, 1)
    declare(topics_file, retention_days=5)
    await looked_again(topics)
    told = topics.state()
    assert told.ready
    assert told.detail["wrong"] == [f"{topic.name} has retention.ms {3 * 86_400_000}, declared is {5 * 86_400_000}"]
    declare(topics_file, retention_days=3)
    await looked_again(topics)
    assert topics.state().detail == {"checked": True}


async def test_a_kafka_that_is_away_and_a_declaration_that_is_not_given_are_no_fault_of_topics(
    topics_file: Path,
) -> None:
    away = TopicSettings(settings("127.0.0.1:1", topics_file))
    await away.look()
    assert (away.state().ready, away.state().detail) == (True, {"checked": False})
    blind = TopicSettings(settings("127.0.0.1:1", None))
    await blind.look()
    assert "RISKSTREAM_TOPICS_FILE" in blind.state().detail["reason"]
