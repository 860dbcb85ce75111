"""Every number that messaging shows to Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

CONSUMER_LAG = Gauge(
    "kafka_consumer_lag",
    "Records of an assigned partition that are not dealt with yet",
    ["group", "topic", "partition"],
)
BATCH_SECONDS = Histogram(
    "batch_seconds", "From the first statement of a batch to its commit", ["group"], buckets=_SECONDS
)
INBOX_DUPLICATES = Counter("inbox_duplicates_total", "Records that were dealt with before", ["group"])
TRANSIENT_RETRIES = Counter("transient_retries_total", "Batches rewound because something was away", ["group", "topic"])
DEAD_LETTERS = Counter("dlq_total", "Records that became dead letters", ["group", "topic"])
PARTITIONS_HALTED = Gauge("partitions_halted", "Partitions stopped by their dead letter limit", ["group"])
REBALANCES = Counter("rebalances_total", "Assignments taken back by the group", ["group"])
COMMIT_FAILURES = Counter("commit_failures_total", "Offset commits that did not succeed", ["group"])
SESSIONS_LOST = Counter("consumer_sessions_lost_total", "Kafka consumers thrown away and built anew", ["group"])

OUTBOX_OLDEST_SECONDS = Gauge("outbox_oldest_seconds", "Age of the oldest event not yet published", ["schema"])
OUTBOX_ROWS = Gauge("outbox_rows", "Events not yet published, counted up to 100,000", ["schema"])
RELAY_BATCH_SECONDS = Histogram("relay_batch_seconds", "From taking a lane to its commit", ["schema"], buckets=_SECONDS)
RELAY_PUBLISHED = Counter("relay_published_total", "Events published and deleted from the outbox", ["schema"])
RELAY_FAILURES = Counter("relay_failures_total", "Attempts to drain a lane that did not succeed", ["schema"])

LISTENER_RECORDS = Counter("listener_records_total", "Records that a listener was told of", ["topic"])
LISTENER_SKIPPED = Counter("listener_skipped_total", "Records that a listener could not use", ["topic"])
