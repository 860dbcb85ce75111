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


@dataclass(frozen=True)
class Log:
    """Write-ahead log of all databases of the cluster, since it began."""

    bytes: int
    full_pages: int
    """Written whole, as every page is that is changed first after a checkpoint."""
    checkpoints: int

    def since(self, before: "Log") -> "Log":
        return Log(
            self.bytes - before.bytes,
            self.full_pages - before.full_pages,
            self.checkpoints - before.checkpoints,
        )

    @property
    def details(self) -> dict[str, float]:
        """Why there is as much of it as there is."""
        return {"full pages in the log": float(self.full_pages), "checkpoints": float(self.checkpoints)}


def log_of(database: Database) -> Log:
    [row] = Tables(database).rows(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS bytes, wal_fpi, num_done"
        " FROM pg_stat_wal, pg_stat_checkpointer"
    )
    return Log(row["bytes"], row["wal_fpi"], row["num_done"])
