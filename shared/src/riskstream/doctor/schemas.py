"""Whether each schema is what the installed code expects, and has room for the rows of the coming year."""

from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.migrations import add_yearly_partitions, newest_revision, revisions_before
from riskstream.database.partitions import DEFAULT, yearly_partitions
from riskstream.doctor.examined import ExaminedService
from riskstream.doctor.finding import Finding
from riskstream.doctor.visit import Visit

ROWS_COUNTED = 1_000


async def look_at_migrations(visit: Visit) -> AsyncIterator[Finding]:
    """Each schema is at the newest revision that its installed service knows."""
    async with visit.acting_as_owner() as connection:
        for service in visit.services:
            if service.schema is not None:
                yield await _revision(connection, service, service.schema)


async def _revision(connection: AsyncConnection, service: ExaminedService, schema: str) -> Finding:
    wanted = newest_revision(service.package)
    there = await connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"{schema}.alembic_version"})
    has = None if there is None else await connection.scalar(text(f"SELECT version_num FROM {schema}.alembic_version"))  # noqa: S608 - names are the installed code's own
    if has == wanted:
        return Finding(schema, "ok", f"revision {has}")
    if has is None or has in revisions_before(service.package, wanted):
        found = f"revision {has or 'none'}, the installed code needs {wanted}"
        return Finding(schema, "failed", found, service.migrate_command)
    return Finding(
        schema,
        "warning",
        f"revision {has}, which the installed code (at {wanted}) does not know: it is newer",
        f"install the version of {service.name} that migrated it; the old one is meant to go on working meanwhile",
    )


async def look_at_partitions(visit: Visit) -> AsyncIterator[Finding]:
    """Partitioned tables have this year's and the next one's partition, and nothing lies in the default one."""
    year = visit.clock.today().year
    async with visit.observing() as connection:
        for service in visit.services:
            for table in service.partitioned:
                yield await _years(connection, service, table, year)
    async with visit.acting_as_owner() as connection:
        for service in visit.services:
            for table in service.partitioned:
                yield await _default(connection, f"{service.schema}.{table}")


async def _years(connection: AsyncConnection, service: ExaminedService, table: str, year: int) -> Finding:
    assert service.schema is not None, "what has tables has a schema"
    found = await yearly_partitions(connection, service.schema, table)
    table = f"{service.schema}.{table}"
    if missing := found.missing([year, year + 1]):
        mend = f"{service.migrate_command} (or riskstream doctor --mend)"
        return Finding(table, "failed", f"no partition for {' and '.join(map(str, missing))}", mend)
    if DEFAULT not in found.rows:
        mend = f"as riskstream_owner: CREATE TABLE {table}_default PARTITION OF {table} DEFAULT"
        return Finding(table, "failed", "no default partition: a row of another year would be refused", mend)
    return Finding(table, "ok", f"{len(found.rows)} partitions, {year + 1} among them")


async def _default(connection: AsyncConnection, table: str) -> Finding:
    about = f"{table}_default"
    if await connection.scalar(text("SELECT to_regclass(:name)"), {"name": about}) is None:
        return Finding(about, "not checked", "it is not there")
    rows = await connection.scalar(
        text(f"SELECT count(*) FROM (SELECT FROM {about} LIMIT {ROWS_COUNTED}) AS first_ones")  # noqa: S608 - names are the installed code's own
    )
    if not rows:
        return Finding(about, "ok", "empty")
    return Finding(
        about,
        "warning",
        f"{rows}{' or more' if rows == ROWS_COUNTED else ''} rows of years that have no partition",
        "docs/runbooks/doctor.md, Rows in a default partition",
    )


async def add_partitions(visit: Visit) -> None:
    """The years from ten back to two ahead, where they are missing."""
    async with visit.acting_as_owner() as connection:
        for service in visit.services:
            for table in service.partitioned:
                await add_yearly_partitions(connection, f"{service.schema}.{table}", visit.clock.today().year)
