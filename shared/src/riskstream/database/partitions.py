"""Whether the tables that are cut by years have the partitions that the next inserts need."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.database.metrics import DEFAULT_PARTITION_ROWS, MISSING_PARTITIONS
from riskstream.runtime.clock import Clock

MEASURE_SECONDS = 300.0

# Names and estimates from the catalogs, which every role may read: a service has no grant on a partition.
_PARTITIONS = text(
    "SELECT child.relname AS name, pg_get_expr(child.relpartbound, child.oid) = 'DEFAULT' AS is_default, "
    "pg_stat_get_live_tuples(child.oid) AS rows "
    "FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent "
    "JOIN pg_namespace ON pg_namespace.oid = parent.relnamespace "
    "WHERE nspname = :schema AND parent.relname = :table"
)


class Partitions:
    """Measures the yearly partitions of a schema's tables."""

    def __init__(self, engine: AsyncEngine, schema: str, tables: Sequence[str], clock: Clock) -> None:
        self._engine = engine
        self._schema = schema
        self._tables = tuple(tables)
        self._clock = clock

    async def measure(self) -> None:
        """Bring the gauges to what the database has. A year's partition is `<table>_<year>`, as migrations name it."""
        year = self._clock.today().year
        async with self._engine.connect() as connection:
            for table in self._tables:
                found = (await connection.execute(_PARTITIONS, {"schema": self._schema, "table": table})).all()
                wanted = {f"{table}_{year}", f"{table}_{year + 1}"}
                MISSING_PARTITIONS.labels(table).set(len(wanted - {row.name for row in found}))
                DEFAULT_PARTITION_ROWS.labels(table).set(sum(row.rows for row in found if row.is_default))
