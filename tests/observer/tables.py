"""What the database holds, read as the superuser."""

import asyncio
import time
from typing import Any

import asyncpg

from local_stack.database import Database

VOLATILE = {
    "asked_at",
    "fetched_at",
    "published_at",
    "started_at",
    "finished_at",
    "lease_until",
    "leased_by",
    "steps",
    "fence",
    "attempt",
}
"""Columns that tell when and by whom work was done, not what came of it."""


class Tables:
    """Queries over one database, each on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._dsn = database.superuser_dsn

    def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self._dsn)
            try:
                return list(await connection.fetch(sql, *arguments))
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def value(self, sql: str, *arguments: object) -> Any:
        rows = self.rows(sql, *arguments)
        return rows[0][0] if rows else None

    def wait(self, what: str, sql: str, *arguments: object, seconds: float = 120.0) -> Any:
        """The first true value that `sql` gives; AssertionError names `what` when none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = self.value(sql, *arguments)
            if value:
                return value
            time.sleep(0.2)
        raise AssertionError(f"{what}: not within {seconds:.0f} s. Runs: {self.runs()}")

    def runs(self) -> list[tuple[object, ...]]:
        return [
            tuple(row)
            for row in self.rows("SELECT session, state, reason, counts FROM symbols.batch_runs ORDER BY session")
        ]

    def digest(self, table: str, *, without: set[str] | frozenset[str] = frozenset()) -> tuple[int, str]:
        """Number of rows and a hash over all of them, blind to their order and to the columns left out."""
        schema, name = table.split(".")
        columns = [
            row["column_name"]
            for row in self.rows(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2",
                schema,
                name,
            )
            if row["column_name"] not in without
        ]
        row = self.rows(
            f"SELECT count(*), coalesce(md5(string_agg(h, '' ORDER BY h)), '') FROM"
            f" (SELECT md5(ROW({', '.join(sorted(columns))})::text) AS h FROM {table}) hashed"
        )[0]
        return int(row[0]), str(row[1])
