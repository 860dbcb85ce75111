"""A database of Riskstream: roles, schemas and migrations, with one address for each role that logs in."""

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

import onboarding.schema
import portfolio_refresh.schema
import symbol_batch.schema
from riskstream.runtime.clock import Clock

ROLES_FILE = Path(__file__).parents[3] / "postgres" / "roles.sql"
LOGIN_ROLES = ("riskstream_migrator", "symbol_batch", "portfolio_refresh", "onboarding", "analytics")


@dataclass(frozen=True)
class Database:
    """The addresses of one prepared database."""

    superuser_dsn: str
    dsns: dict[str, str]
    """`postgresql://role:password@host:port/database` by role."""


async def prepare_database(superuser_dsn: str, name: str, clock: Clock, password: str | None = None) -> Database:
    """Create the database `name` if it is not there, with roles and all three schemas at their newest form.

    Running it again brings the schemas up to date and sets the passwords anew; data stays.
    """
    password = password or secrets.token_urlsafe(16)
    await _create(superuser_dsn, name)
    ours = make_url(superuser_dsn).set(database=name)
    connection = await asyncpg.connect(ours.render_as_string(hide_password=False))
    try:
        await connection.execute(await asyncio.to_thread(ROLES_FILE.read_text))
        for role in LOGIN_ROLES:
            await connection.execute(f"ALTER ROLE {role} PASSWORD '{password}'")
    finally:
        await connection.close()
    database = _addresses(superuser_dsn, name, password)
    migrator = database.dsns["riskstream_migrator"]
    # In this order: each later schema reads the earlier ones.
    await symbol_batch.schema.migrate(migrator, clock)
    await onboarding.schema.migrate(migrator, clock)
    await portfolio_refresh.schema.migrate(migrator, clock)
    return database


async def copy_database(template: Database, name: str, password: str) -> Database:
    """A new database with the schemas of `template`, to which nobody may be connected. For tests: takes a moment."""
    source = make_url(template.superuser_dsn).database
    connection = await asyncpg.connect(_maintenance(template.superuser_dsn))
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        # Grants on a database are not copied with it.
        for role in LOGIN_ROLES:
            await connection.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO {role}')
    finally:
        await connection.close()
    return _addresses(template.superuser_dsn, name, password)


async def drop_database(database: Database) -> None:
    connection = await asyncpg.connect(_maintenance(database.superuser_dsn))
    try:
        await connection.execute(f'DROP DATABASE "{make_url(database.superuser_dsn).database}" WITH (FORCE)')
    finally:
        await connection.close()


async def _create(superuser_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(_maintenance(superuser_dsn))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


def _maintenance(dsn: str) -> str:
    return make_url(dsn).set(database="postgres").render_as_string(hide_password=False)


def _addresses(superuser_dsn: str, name: str, password: str) -> Database:
    url = make_url(superuser_dsn).set(database=name)
    return Database(
        superuser_dsn=url.render_as_string(hide_password=False),
        dsns={
            role: url.set(username=role, password=password).render_as_string(hide_password=False)
            for role in LOGIN_ROLES
        },
    )
