"""The second wall: Postgres gives a request its owner's rows and no others, in every table that has an owner.

Tables, columns and roles are read from the catalogue, so that a table which is added is tried as well.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from local_stack.database import Database

SCHEMAS = ["portfolios", "valuations"]
API_ROLES = ("onboarding_api", "analytics_api")
OWNERS = ("alice", "bob")

VALUES = {
    "text": "'text'",
    "uuid": "gen_random_uuid()",
    "date": "DATE '2024-12-13'",
    "timestamp with time zone": "now()",
    "boolean": "false",
    "bytea": "'\\x00'::bytea",
    "json": "'{}'::json",
    "jsonb": "'{}'::jsonb",
}
"""A value of each type; any other type is written as the number 1, an array as an empty one."""


@dataclass(frozen=True)
class Table:
    name: str
    secured: bool
    forced: bool
    is_partition: bool
    columns: dict[str, str]
    """The type of each column that a row must be given."""

    def values(self, columns: Sequence[str], owner: str) -> str:
        return ", ".join(f"'{owner}'" if column == "owner_id" else _value(self.columns[column]) for column in columns)


def _value(kind: str) -> str:
    return f"'{{}}'::{kind}" if kind.endswith("[]") else VALUES.get(kind, "1")


@pytest.fixture
async def sql(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """As superuser, who may become every role; under a role that is none, Postgres applies that role's policies."""
    connection = await asyncpg.connect(database.superuser_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def tables(sql: asyncpg.Connection) -> list[Table]:
    """Every table with an owner."""
    rows = await sql.fetch(
        """
        SELECT c.oid::regclass::text AS name, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
               json_object_agg(a.attname, format_type(a.atttypid, NULL))
                   FILTER (WHERE a.attgenerated = '' AND a.attidentity = '')::text AS columns
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p')
        GROUP BY c.oid HAVING bool_or(a.attname = 'owner_id') ORDER BY 1
        """,
        SCHEMAS,
    )
    decode = json.loads
    return [
        Table(
            row["name"],
            row["relrowsecurity"],
            row["relforcerowsecurity"],
            row["relispartition"],
            decode(row["columns"]),
        )
        for row in rows
    ]


@pytest.fixture
async def filled(sql: asyncpg.Connection, tables: list[Table]) -> list[Table]:
    """The tables that can be asked, each with a row of Alice's and one of Bob's."""
    await sql.execute("SET session_replication_role = replica")  # no foreign key, no trigger: any row will do
    for check in await sql.fetch(
        "SELECT conrelid::regclass::text AS name, conname FROM pg_constraint WHERE contype = 'c' AND conislocal"
        " AND connamespace = ANY ($1::text[]::regnamespace[])",
        SCHEMAS,
    ):
        await sql.execute(f'ALTER TABLE {check["name"]} DROP CONSTRAINT "{check["conname"]}"')
    asked = [table for table in tables if not table.is_partition]
    for table in asked:
        for owner in OWNERS:
            columns = list(table.columns)
            values = table.values(columns, owner)
            await sql.execute(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values})")
    await sql.execute("SET session_replication_role = DEFAULT")
    return asked


async def allowed(sql: asyncpg.Connection, role: str, table: Table, privilege: str) -> list[str]:
    """The columns on which the role has the privilege."""
    rows = await sql.fetch(
        "SELECT c FROM unnest($3::text[]) c WHERE has_column_privilege($1, $2, c, $4)",
        role,
        table.name,
        list(table.columns),
        privilege,
    )
    return [row["c"] for row in rows]


async def acting(sql: asyncpg.Connection, role: str, owner: str | None, statement: str) -> Any:
    """What the statement gives to `role` for `owner`; nothing is kept."""
    transaction = sql.transaction()
    await transaction.start()
    try:
        await sql.execute(f"SET LOCAL ROLE {role}")
        if owner is not None:
            await sql.execute("SELECT set_config('riskstream.owner', $1, true)", owner)
        return await sql.fetch(statement) if statement.startswith("SELECT") else await sql.execute(statement)
    finally:
        await transaction.rollback()


async def test_row_level_security_is_on_and_forced_wherever_there_is_an_owner(
    sql: asyncpg.Connection, tables: list[Table]
) -> None:
    assert len([table for table in tables if not table.is_partition]) >= 8
    for table in tables:
        if not table.is_partition:
            assert (table.secured, table.forced) == (True, True), table.name
            continue
        # A partition has no policy of its own: nobody but the owner of all tables may touch it.
        granted = await sql.fetch(
            "SELECT grantee FROM information_schema.role_table_grants WHERE (table_schema || '.' || table_name) = $1"
            " AND grantee NOT IN ('riskstream_owner', 'postgres')",
            table.name,
        )
        assert granted == [], table.name


async def test_a_request_reads_its_owners_rows_alone_and_none_without_an_owner(
    sql: asyncpg.Connection, filled: list[Table]
) -> None:
    tried = 0
    for role in API_ROLES:
        for table in filled:
            if "owner_id" not in await allowed(sql, role, table, "SELECT"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await acting(sql, role, "alice", f"SELECT owner_id FROM {table.name}")
                continue
            query = f"SELECT owner_id FROM {table.name}"
            for owner in OWNERS:
                assert [row["owner_id"] for row in await acting(sql, role, owner, query)] == [owner], (role, table.name)
            for nobody in (None, "", "ALICE", "carol"):
                assert await acting(sql, role, nobody, query) == [], (role, table.name, nobody)
            tried += 1
    assert tried >= 6


async def test_a_request_changes_and_deletes_none_of_anothers_rows(
    sql: asyncpg.Connection, filled: list[Table]
) -> None:
    tried = 0
    for role in API_ROLES:
        for table in filled:
            columns = await allowed(sql, role, table, "UPDATE")
            if columns:
                touched = await acting(sql, role, "alice", f"UPDATE {table.name} SET {columns[0]} = {columns[0]}")
                assert touched == "UPDATE 1", (role, table.name)
                unowned = await acting(sql, role, None, f"UPDATE {table.name} SET {columns[0]} = {columns[0]}")
                assert unowned == "UPDATE 0", (role, table.name)
                tried += 1
            if "owner_id" in columns:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await acting(sql, role, "alice", f"UPDATE {table.name} SET owner_id = 'bob'")
            if await sql.fetchval("SELECT has_table_privilege($1, $2, 'DELETE')", role, table.name):
                assert await acting(sql, role, "alice", f"DELETE FROM {table.name}") == "DELETE 1", (role, table.name)
                assert await acting(sql, role, None, f"DELETE FROM {table.name}") == "DELETE 0", (role, table.name)
                tried += 1
    assert tried >= 2


async def test_a_request_writes_no_row_in_anothers_name(sql: asyncpg.Connection, filled: list[Table]) -> None:
    tried = 0
    for role in API_ROLES:
        for table in filled:
            columns = await allowed(sql, role, table, "INSERT")
            if not columns:
                continue
            assert "owner_id" in columns, (role, table.name)
            statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({table.values(columns, 'bob')})"
            for owner in ("alice", None):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await acting(sql, role, owner, statement)
            tried += 1
    assert tried >= 3
