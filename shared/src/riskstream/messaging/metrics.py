"""Every number that messaging shows to Prometheus."""

from collections.abc import Iterable

from riskstream.runtime.metrics import SLOW, Catalogue

_GROUP = {"group": "the service's consumer groups"}
_TOPIC = {"topic": "declared topics"}
_SCHEMA = {"schema": "the service's own schema"}

CONSUMERS = Catalogue("services with a consumer group")
CONSUMER_LAG = CONSUMERS.gauge(
    "riskstream_consumer_lag_records",
    "Records of an assigned partition that are not dealt with yet; no sample where it is not known",
    _GROUP | _TOPIC | {"partition": "the topic's partitions"},
)
ASSIGNED_PARTITIONS = CONSUMERS.gauge(
    "riskstream_consumer_assigned_partitions", "Partitions that the group has given to this process", _GROUP
)
BATCH_SECONDS = CONSUMERS.histogram(
    "riskstream_consumer_batch_seconds", "From the first statement of a batch to its commit", SLOW, _GROUP
)
INBOX_DUPLICATES = CONSUMERS.counter(
    "riskstream_consumer_duplicates_total", "Records that were dealt with before", _GROUP
)
TRANSIENT_RETRIES = CONSUMERS.counter(
    "riskstream_consumer_retries_total", "Batches rewound because something was away", _GROUP | _TOPIC
)
DEAD_LETTERS = CONSUMERS.counter(
    "riskstream_consumer_dead_letters_total", "Records that became dead letters", _GROUP | _TOPIC
)
PARTITIONS_HALTED = CONSUMERS.gauge(
    "riskstream_consumer_halted_partitions", "Partitions stopped by their dead letter limit", _GROUP
)
REBALANCES = CONSUMERS.counter("riskstream_consumer_rebalances_total", "Assignments taken back by the group", _GROUP)
COMMIT_FAILURES = CONSUMERS.counter(
    "riskstream_consumer_commit_failures_total", "Offset commits that did not succeed", _GROUP
)
SESSIONS_LOST = CONSUMERS.counter(
    "riskstream_consumer_sessions_lost_total", "Kafka consumers thrown away and built anew", _GROUP
)
TOPIC_PARTITIONS = CONSUMERS.gauge(
    "riskstream_kafka_topic_partitions",
    "Partitions that the cluster has of a topic; 0 where there is no such topic",
    {"topic": "the topics of all events, and the dead letter topics of the service's groups"},
)

RELAYS = Catalogue("services with an outbox")
OUTBOX_OLDEST_SECONDS = RELAYS.gauge(
    "riskstream_outbox_oldest_age_seconds", "Age of the oldest event not yet published; 0 where there is none", _SCHEMA
)
OUTBOX_ROWS = RELAYS.gauge("riskstream_outbox_rows", "Events not yet published, counted up to 100,000", _SCHEMA)
RELAY_BATCH_SECONDS = RELAYS.histogram(
    "riskstream_relay_batch_seconds", "From taking a lane to its commit", SLOW, _SCHEMA
)
RELAY_PUBLISHED = RELAYS.counter(
    "riskstream_relay_events_published_total", "Events published and deleted from the outbox", _SCHEMA
)
RELAY_FAILURES = RELAYS.counter(
    "riskstream_relay_failures_total", "Attempts to drain a lane that did not succeed", _SCHEMA
)

LISTENERS = Catalogue("services that listen without a group")
LISTENER_RECORDS = LISTENERS.counter("riskstream_listener_records_total", "Records that a listener was told of", _TOPIC)
LISTENER_SKIPPED = LISTENERS.counter(
    "riskstream_listener_skipped_total", "Records that a listener could not use", _TOPIC
)


def show_from_the_start(group: str, topics: Iterable[str]) -> None:
    """Show a group's counters as 0: the first dead letter would otherwise be no increase of anything."""
    for counter in (INBOX_DUPLICATES, REBALANCES, COMMIT_FAILURES, SESSIONS_LOST):
        counter.labels(group)
    for topic in topics:
        DEAD_LETTERS.labels(group, topic)
        TRANSIENT_RETRIES.labels(group, topic)


def show_listener_from_the_start(topics: Iterable[str]) -> None:
    """Show a listener's counters as 0: the first record skipped would otherwise be no increase of anything."""
    for topic in topics:
        LISTENER_RECORDS.labels(topic)
        LISTENER_SKIPPED.labels(topic)
