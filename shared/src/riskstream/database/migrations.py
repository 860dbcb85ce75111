"""Bring a schema to its newest form: each service ships its own Alembic history for its own schema."""

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from riskstream.command_line import CommandFailed, settings_from_environment
from riskstream.database.partitions import bound_of
from riskstream.runtime.clock import Clock
from riskstream.runtime.configuration import PostgresDsn
from riskstream.runtime.logs import conceal
from riskstream.runtime.settings import EnvironmentSettings

MIGRATOR_VARIABLE = "RISKSTREAM_MIGRATOR_DSN"
OWNER_ROLE = "riskstream_owner"
"""Owns every table; has no login, so nothing can bypass grants by connecting as it."""

LOCK_TIMEOUT = "3s"
"""How long a migration waits for a table that services use; theirs are longer, so that the migration gives way."""

YEARS_BACK = 10
YEARS_AHEAD = 2


class MigratorSettings(EnvironmentSettings):
    migrator_dsn: PostgresDsn
    """The address of the role riskstream_migrator; only the command `migrate` needs it."""


async def migrate_as_told(migrate: Callable[[str, Clock], Awaitable[None]], clock: Clock) -> int:
    """A service's command `migrate`, as the migrator that the environment names; the exit code."""
    dsn = settings_from_environment(MigratorSettings).migrator_dsn.get_secret_value()
    try:
        await migrate(dsn, clock)
    except (DBAPIError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        why = conceal(str(cause).partition("\n")[0])
        raise CommandFailed(f"the schema is as it was, and the migration can be run again: {why}") from error
    return 0


async def upgrade(dsn: str, package: str, schema: str, *, partitioned: Sequence[str] = (), year: int) -> None:
    """Migrate `schema` to the newest revision with the history in `package`, as the migrator that `dsn` names.

    Afterwards each `partitioned` table has a partition for every year from ten before `year` to two after it.
    All of it is one transaction: after an error, or a lock that was not to be had within `LOCK_TIMEOUT`, revision and
    schema are as they were. Two at once are safe: the second waits for the first and finds nothing to do.
    """
    config = _history_in(package)
    script = ScriptDirectory.from_config(config)

    def migrate(connection: Connection) -> None:
        connection.execute(text(f'SET ROLE "{OWNER_ROLE}"'))
        connection.execute(text("SELECT set_config('lock_timeout', '0', true)"))
        # One schema at a time: migrations grant to the same roles, which Postgres refuses to do side by side.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('riskstream migrations'))"))
        # From here on who waits makes everybody behind it wait: rather fail, change nothing, and be run again.
        connection.execute(text("SELECT set_config('lock_timeout', :most, true)"), {"most": LOCK_TIMEOUT})

        def steps(current: object, _: object) -> list[object]:
            return list(script._upgrade_revs("head", current))  # type: ignore[arg-type]  # as alembic's own upgrade does

        with EnvironmentContext(config, script, fn=steps) as environment:
            environment.configure(
                connection=connection,
                version_table="alembic_version",
                version_table_schema=schema,
                transactional_ddl=True,
            )
            environment.run_migrations()
        for table in partitioned:
            _add_yearly_partitions(connection, f"{schema}.{table}", range(year - YEARS_BACK, year + YEARS_AHEAD + 1))

    engine = create_async_engine(make_url(dsn).set(drivername="postgresql+asyncpg"), poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def newest_revision(package: str) -> str:
    """The revision that the code of `package` was written for."""
    head = ScriptDirectory.from_config(_history_in(package)).get_current_head()
    assert head is not None, "every service that owns a schema has a first migration"
    return head


def revisions_before(package: str, revision: str) -> frozenset[str]:
    """Those that lead to `revision`, itself not included."""
    script = ScriptDirectory.from_config(_history_in(package))
    return frozenset(one.revision for one in script.iterate_revisions(revision, "base")) - {revision}


async def add_yearly_partitions(connection: AsyncConnection, table: str, year: int) -> None:
    """As migrations do it: every year from ten before `year` to two after it that has none. To be done as the owner."""
    await connection.run_sync(_add_yearly_partitions, table, range(year - YEARS_BACK, year + YEARS_AHEAD + 1))


def _history_in(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(str(files(package))) / "migrations"))
    return config


class Operations(Protocol):
    """The part of Alembic's `op` that is needed here; `op` is a module."""

    def get_bind(self) -> Connection: ...


def execute_script(op: Operations, script: str) -> None:
    """Run several statements inside the migration's transaction.

    asyncpg prepares what SQLAlchemy gives it, and a prepared statement is a single one; its own `execute` takes many.
    """
    adapted = op.get_bind().connection.dbapi_connection
    assert adapted is not None
    adapted.run_async(lambda connection: connection.execute(script))


def _add_yearly_partitions(connection: Connection, table: str, years: range) -> None:
    for year in years:
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {table}_{year} PARTITION OF {table} {bound_of(year)}"))
