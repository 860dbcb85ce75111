"""Whether the topics are there and as declared."""

from collections.abc import AsyncIterator

from riskstream.doctor.finding import Finding
from riskstream.doctor.visit import NotChecked, Visit
from riskstream.messaging.topics import create_topics, differences

_CREATE = "python -m riskstream.messaging.topics --file $RISKSTREAM_TOPICS_FILE (or riskstream doctor --mend)"


async def look_at_topics(visit: Visit) -> AsyncIterator[Finding]:
    """Every declared topic exists, dead letter topics included, with its partitions, replicas and settings."""
    wanted = visit.topics().every_topic()
    existing = await (await visit.cluster()).topics(topic.name for topic in wanted)
    wrong = differences(wanted, existing, visit.settings.kafka_replication)
    for topic in wanted:
        about = topic.name
        if about not in existing:
            yield Finding(about, "failed", "it does not exist", _CREATE)
            continue
        told = [one.removeprefix(f"{about} has ") for one in wrong if one.startswith(f"{about} has ")]
        if told:
            yield Finding(about, "failed", "; ".join(told), "docs/runbooks/doctor.md, Topics that differ")
        else:
            yield Finding(about, "ok", f"{topic.partitions} partitions")


async def create_missing_topics(visit: Visit) -> None:
    """Only those that do not exist; what differs is somebody's decision."""
    if visit.settings.kafka is None or visit.settings.topics_file is None:
        raise NotChecked("set RISKSTREAM_KAFKA and RISKSTREAM_TOPICS_FILE")
    brokers = visit.settings.address_of(visit.settings.kafka)
    await create_topics(brokers, visit.settings.topics_file, visit.settings.kafka_replication)
