"""Whether everybody may do what was agreed on and nothing else: the layer rule, as Postgres keeps it."""

from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.migrations import OWNER_ROLE
from riskstream.doctor.finding import Finding
from riskstream.doctor.visit import Visit

# What is granted on a schema and everything in it, partitions left out: one line for a role and an object. The owner's
# own rights and those of who owns a function are no grants.
_GRANTS = text("""
WITH objects AS (
    SELECT 'SCHEMA ' || n.nspname AS name, n.nspacl AS acl, n.nspowner AS owner
    FROM pg_namespace n WHERE n.nspname = :schema
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || :schema || '.' || c.relname, c.relacl, c.relowner
    FROM pg_class c WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        AND NOT c.relispartition
    UNION ALL
    SELECT :schema || '.' || c.relname || ' (' || a.attname || ')', a.attacl, c.relowner
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = to_regnamespace(:schema) AND NOT c.relispartition AND a.attacl IS NOT NULL
    UNION ALL
    SELECT 'FUNCTION ' || :schema || '.' || p.proname, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
    FROM pg_proc p WHERE p.pronamespace = to_regnamespace(:schema)
)
SELECT string_agg(granted.privilege_type || CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, ', '
        ORDER BY granted.privilege_type)
    || ' ON ' || objects.name || ' TO '
    || coalesce(quote_ident(pg_get_userbyid(nullif(granted.grantee, 0))), 'PUBLIC') AS line
FROM objects, aclexplode(objects.acl) AS granted
WHERE granted.grantee <> objects.owner
GROUP BY objects.name, granted.grantee
UNION ALL
SELECT 'ROW SECURITY ON ' || :schema || '.' || c.relname
FROM pg_class c
WHERE c.relnamespace = to_regnamespace(:schema) AND NOT c.relispartition AND c.relrowsecurity AND c.relforcerowsecurity
ORDER BY line
""")

_ON_PARTITIONS = text("""
SELECT c.oid::regclass::text AS name, pg_get_userbyid(nullif(granted.grantee, 0)) AS role, granted.privilege_type
FROM pg_class c, aclexplode(c.relacl) AS granted
WHERE c.relnamespace = ANY(CAST(:schemas AS text[])::regnamespace[]) AND c.relispartition
    AND granted.grantee <> c.relowner
ORDER BY 1, 2, 3
""")

_NOT_OWNED = text("""
SELECT c.oid::regclass::text || ' (' || pg_get_userbyid(c.relowner) || ')'
FROM pg_class c
WHERE c.relnamespace = ANY(CAST(:schemas AS text[])::regnamespace[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND pg_get_userbyid(c.relowner) <> :owner
ORDER BY 1
""")

_ROLES = text("""
SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin,
    pg_has_role(rolname, :owner, 'MEMBER') AS is_owner,
    EXISTS (SELECT FROM unnest(rolconfig) AS said WHERE said LIKE 'idle_in_transaction_session_timeout=%') AS is_bounded
FROM pg_roles WHERE rolname = ANY(:roles)
""")

_ROLES_FILE = "run deploy/postgres/roles.sql as a superuser; it changes nothing that is right"


async def grants_on(connection: AsyncConnection, schema: str) -> frozenset[str]:
    """What is granted on the schema, a line each: `SELECT ON symbols.editions TO symbols_reader`."""
    return frozenset((await connection.execute(_GRANTS, {"schema": schema})).scalars())


async def look_at_roles(visit: Visit) -> AsyncIterator[Finding]:
    """Every service's role can log in, is bounded in time, and is nobody special."""
    roles = [service.role for service in visit.services]
    async with visit.observing() as connection:
        found = {row.rolname: row for row in await connection.execute(_ROLES, {"roles": roles, "owner": OWNER_ROLE})}
    special = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
    for role in roles:
        if role not in found:
            yield Finding(role, "failed", "there is no such role", _ROLES_FILE)
            continue
        row = found[role]
        powers = [name.removeprefix("rol") for name in special if getattr(row, name)]
        if row.is_owner:
            powers.append(f"member of {OWNER_ROLE}")
        if powers:
            mend = f"as a superuser: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION"
            membership = f"; REVOKE {OWNER_ROLE} FROM {role}" if row.is_owner else ""
            yield Finding(role, "failed", f"it may do more than it should: {', '.join(powers)}", mend + membership)
        elif not (row.rolcanlogin and row.is_bounded):
            missing = "no time-outs" if row.rolcanlogin else "no login"
            yield Finding(role, "failed", f"it has {missing}", _ROLES_FILE)
        else:
            yield Finding(role, "ok", "logs in, bounded, no special powers")


async def look_at_grants(visit: Visit) -> AsyncIterator[Finding]:
    """Each schema's grants are those that its migrations make; nobody has one on a partition; the owner owns all."""
    schemas = [service.schema for service in visit.services if service.schema is not None]
    async with visit.observing() as connection:
        for service in visit.services:
            if service.schema is None:
                continue
            there, declared = await grants_on(connection, service.schema), service.declared_grants()
            for line in sorted(declared - there):
                yield Finding(service.schema, "failed", f"missing: {line}", _statement(line, add=True))
            for line in sorted(there - declared):
                yield Finding(service.schema, "failed", f"nobody agreed on: {line}", _statement(line, add=False))
            if there == declared:
                yield Finding(service.schema, "ok", f"{len(there)} as declared")
        on_partitions = (await connection.execute(_ON_PARTITIONS, {"schemas": schemas})).all()
        strangers = (await connection.execute(_NOT_OWNED, {"schemas": schemas, "owner": OWNER_ROLE})).scalars().all()
    for name, role, privilege in on_partitions:
        mend = f"as {OWNER_ROLE}: REVOKE {privilege} ON {name} FROM {role or 'PUBLIC'}"
        yield Finding("partitions", "failed", f"{role or 'PUBLIC'} may {privilege} {name} past its table", mend)
    if not on_partitions:
        yield Finding("partitions", "ok", "nobody has a grant on one")
    for name in strangers:
        yield Finding(
            "owner", "failed", f"{name} is not {OWNER_ROLE}'s", f"as a superuser: ALTER … OWNER TO {OWNER_ROLE}"
        )
    if not strangers:
        yield Finding("owner", "ok", f"{OWNER_ROLE} owns every table")


def _statement(line: str, *, add: bool) -> str:
    if line.startswith("ROW SECURITY"):
        table = line.removeprefix("ROW SECURITY ON ")
        verb = "ENABLE ROW LEVEL SECURITY, FORCE" if add else "DISABLE"
        return f"as {OWNER_ROLE}: ALTER TABLE {table} {verb} ROW LEVEL SECURITY"
    what, _, role = line.rpartition(" TO ")
    privileges, _, target = what.partition(" ON ")
    table, column, rest = target.partition(" (")
    if column:
        privileges, target = ", ".join(f"{one} ({rest}" for one in privileges.split(", ")), table
    verb, preposition = ("GRANT", "TO") if add else ("REVOKE", "FROM")
    return f"as {OWNER_ROLE}: {verb} {privileges} ON {target} {preposition} {role}"
