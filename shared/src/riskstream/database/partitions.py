"""The yearly partitions that a table has, and whether the next inserts find theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.database.metrics import DEFAULT_PARTITION_ROWS, MISSING_PARTITIONS
from riskstream.runtime.clock import Clock

MEASURE_SECONDS = 300.0
DEFAULT = "DEFAULT"

# From the catalogs, which every role may read, and by names: a service has no grant on a partition, and who may not use
# a schema may not resolve what is in it.
_PARTITIONS = text(
    "SELECT pg_get_expr(child.relpartbound, child.oid) AS bound, pg_stat_get_live_tuples(child.oid) AS rows "
    "FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent "
    "WHERE parent.relname = :table AND parent.relnamespace = to_regnamespace(:schema)"
)


@dataclass(frozen=True)
class YearlyPartitions:
    """Of one table."""

    rows: dict[str, int]
    """By bound, as Postgres writes it: rows, as its statistics estimate them."""

    def missing(self, years: Sequence[int]) -> list[int]:
        """The years that have none."""
        return [year for year in years if bound_of(year) not in self.rows]


def bound_of(year: int) -> str:
    """The bound of a year's partition."""
    return f"FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')"


async def yearly_partitions(connection: AsyncConnection, schema: str, table: str) -> YearlyPartitions:
    """None of a table that is not there, or that is not cut."""
    found = (await connection.execute(_PARTITIONS, {"schema": schema, "table": table})).all()
    return YearlyPartitions({row.bound: row.rows for row in found})


class Partitions:
    """Measures the yearly partitions of a schema's tables."""

    def __init__(self, engine: AsyncEngine, schema: str, tables: Sequence[str], clock: Clock) -> None:
        self._engine = engine
        self._schema = schema
        self._tables = tuple(tables)
        self._clock = clock

    async def measure(self) -> None:
        """Bring the gauges to what the database has."""
        year = self._clock.today().year
        async with self._engine.connect() as connection:
            for table in self._tables:
                found = await yearly_partitions(connection, self._schema, table)
                MISSING_PARTITIONS.labels(table).set(len(found.missing([year, year + 1])))
                DEFAULT_PARTITION_ROWS.labels(table).set(found.rows.get(DEFAULT, 0))
