"""Every number about the database that services show to Prometheus."""

from riskstream.runtime.metrics import Catalogue

_TABLE = {"table": "tables with a partition for every year"}

METRICS = Catalogue("services with yearly partitions")
MISSING_PARTITIONS = METRICS.gauge(
    "riskstream_database_missing_partitions",
    "Of this year's and the next one's, the partitions that are not there",
    _TABLE,
)
DEFAULT_PARTITION_ROWS = METRICS.gauge(
    "riskstream_database_default_partition_rows",
    "Rows, as Postgres estimates, of no year's partition: they should be none",
    _TABLE,
)
