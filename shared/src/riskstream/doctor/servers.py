"""The checks that know no service, in the order in which they are looked at: what others stand on comes first."""

from riskstream.doctor.check import Check
from riskstream.doctor.clocks import look_at_clocks
from riskstream.doctor.connections import look_at_kafka, look_at_postgres
from riskstream.doctor.events import look_at_dead_letters, look_at_lag, look_at_outboxes
from riskstream.doctor.grants import look_at_grants, look_at_roles
from riskstream.doctor.schemas import add_partitions, look_at_migrations, look_at_partitions
from riskstream.doctor.topics import create_missing_topics, look_at_topics

SERVERS = (
    Check("postgres", look_at_postgres),
    Check("kafka", look_at_kafka),
    Check("clocks", look_at_clocks),
    Check("migrations", look_at_migrations),
    Check("partitions", look_at_partitions, add_partitions),
    Check("roles", look_at_roles),
    Check("grants", look_at_grants),
    Check("topics", look_at_topics, create_missing_topics),
    Check("dead letters", look_at_dead_letters),
    Check("consumer lag", look_at_lag),
    Check("outbox", look_at_outboxes),
)
