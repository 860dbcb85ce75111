"""What Postgres has written and holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from local_stack.database import Database
from observer.tables import Tables


@dataclass(frozen=True)
class Held:
    rows: int
    bytes: int
    """Of tables, partitions, indexes, what lies out of line, and what updates have left behind."""


def held(database: Database, tables: Sequence[str]) -> Held:
    """By `tables`, each with its partitions; names with their schema."""
    look = Tables(database)
    rows = sum(int(look.value(f"SELECT count(*) FROM {table}")) for table in tables)
    size = look.value(
        # A table without partitions has no tree, one with them no size of its own.
        "SELECT sum(pg_total_relation_size(one))::bigint FROM ("
        " SELECT part.relid AS one FROM unnest($1::text[]) AS whole, pg_partition_tree(whole::regclass) AS part"
        " UNION SELECT whole::regclass FROM unnest($1::text[]) AS whole) AS every",
        list(tables),
    )
    return Held(rows, int(size))


def wal_position(database: Database) -> int:
    """Bytes of write-ahead log since the cluster began; of all its databases."""
    return int(Tables(database).value("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))
