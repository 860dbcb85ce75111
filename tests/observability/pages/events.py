"""Outbox, Kafka, consumers."""

from observability.pages.shared import DEAD_LETTERS, OUTBOX, quantile, rate
from observability.panels import Dashboard, Panel, Query

EVENTS = Dashboard(
    "riskstream-events",
    "Riskstream: events",
    "Outbox, Kafka and consumers, by group.",
    [
        Panel(
            "Lag",
            "Records that are not dealt with yet, by group and topic.",
            "short",
            [Query('group_topic:riskstream_consumer_lag_records:sum{group=~"$group"}', "{{group}} {{topic}}")],
        ),
        Panel(
            "Batches",
            "A second, by group.",
            "ops",
            [Query(rate("riskstream_consumer_batch_seconds_count", "group", where='group=~"$group"'), "{{group}}")],
        ),
        Panel(
            "A batch, 95th percentile",
            "From its first statement to its commit, by group.",
            "s",
            [Query(quantile(0.95, "riskstream_consumer_batch_seconds", "group", where='group=~"$group"'), "{{group}}")],
        ),
        DEAD_LETTERS,
        Panel(
            "Halted and assigned partitions",
            "Those that the group has, and those that too many dead letters have stopped.",
            "short",
            [
                Query('sum by (group) (riskstream_consumer_assigned_partitions{group=~"$group"})', "{{group}}"),
                Query('sum by (group) (riskstream_consumer_halted_partitions{group=~"$group"})', "{{group}} halted"),
            ],
        ),
        Panel(
            "Rewound, repeated, regrouped",
            "A second: batches rewound because something was away, records dealt with before, assignments taken back.",
            "ops",
            [
                Query(rate("riskstream_consumer_retries_total", "group", where='group=~"$group"'), "{{group}} rewound"),
                Query(
                    rate("riskstream_consumer_duplicates_total", "group", where='group=~"$group"'), "{{group}} repeated"
                ),
                Query(
                    rate("riskstream_consumer_rebalances_total", "group", where='group=~"$group"'),
                    "{{group}} regrouped",
                ),
            ],
        ),
        OUTBOX,
        Panel(
            "Events in the outbox",
            "Not yet published, counted up to 100,000.",
            "short",
            [Query("max by (schema) (riskstream_outbox_rows)", "{{schema}}")],
        ),
        Panel(
            "Events published",
            "A second, and attempts to publish that did not succeed.",
            "ops",
            [
                Query(rate("riskstream_relay_events_published_total", "schema"), "{{schema}}"),
                Query(rate("riskstream_relay_failures_total", "schema"), "{{schema}} failed"),
            ],
        ),
        Panel(
            "Events that analytics hears",
            "A second, and those of them that it cannot use.",
            "ops",
            [
                Query(rate("riskstream_listener_records_total", "topic"), "{{topic}}"),
                Query(rate("riskstream_listener_skipped_total", "topic"), "{{topic}} skipped"),
            ],
        ),
        Panel(
            "Partitions of topics",
            "As the cluster has them; 0 where there is no such topic.",
            "short",
            [Query("max by (topic) (riskstream_kafka_topic_partitions)", "{{topic}}")],
        ),
        Panel(
            "Partitions of tables",
            "Of this year's and the next one's, those that are missing; and rows of no year's partition.",
            "short",
            [
                Query("max by (table) (riskstream_database_missing_partitions)", "{{table}} missing"),
                Query("max by (table) (riskstream_database_default_partition_rows)", "{{table}} rows of no year"),
            ],
        ),
    ],
    choice=("group", "riskstream_consumer_lag_records"),
)
