"""Whether the servers let us in."""

from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from riskstream.doctor.finding import Finding
from riskstream.doctor.settings import dsn_variable
from riskstream.doctor.visit import NotChecked, Visit
from riskstream.runtime.logs import conceal

_WHO = text("SELECT current_user, current_setting('server_version'), current_database(), pg_is_in_recovery()")


async def look_at_postgres(visit: Visit) -> AsyncIterator[Finding]:
    """Each role whose address is given can log in, as itself, to a server that takes writes."""
    for role in (service.role for service in visit.services):
        try:
            async with visit.acting_as(role) as connection:
                who, version, database, standby = (await connection.execute(_WHO)).one()
        except NotChecked as reason:
            yield Finding(role, "not checked", str(reason))
            continue
        except (DBAPIError, OSError) as error:
            yield Finding(role, "failed", f"no connection: {_first_line(error)}", _reach(role))
            continue
        if who != role:
            yield Finding(role, "failed", f"its address logs in as {who}", f"correct {dsn_variable(role)}")
        elif standby:
            yield Finding(role, "failed", f"{database} on a standby, which takes no writes", _reach(role))
        else:
            yield Finding(role, "ok", f"PostgreSQL {version}, database {database}")


async def look_at_kafka(visit: Visit) -> AsyncIterator[Finding]:
    """The cluster answers."""
    cluster = await visit.cluster()
    yield Finding("cluster", "ok", f"{len(await cluster.topic_names())} topics at {visit.settings.kafka}")


def _reach(role: str) -> str:
    return f"see that Postgres runs and takes writes, and that {dsn_variable(role)} has its address and password"


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return conceal(str(cause).partition("\n")[0]) or type(error).__name__
