"""The layer rule, kept by Postgres: every role tries to break it, statement by statement, and is refused."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from local_stack.database import Database

SERVICES = ("symbol_batch", "portfolio_refresh", "onboarding", "analytics")
API_ROLES = {"onboarding_api": "onboarding", "analytics_api": "analytics"}
"""Roles without login, and the service that may become them."""

WRITES = {
    "symbol_batch": "symbols",
    "onboarding": "portfolios",
    "onboarding_api": "portfolios",
    "portfolio_refresh": "valuations",
    "analytics": None,
    "analytics_api": None,
}
"""The one schema that each role may write into."""

SCHEMAS = ("symbols", "portfolios", "valuations")

MAY_NOT_READ = {
    "symbol_batch": ("portfolios", "valuations"),
    "onboarding": ("valuations",),
    "portfolio_refresh": (),
    "analytics": ("portfolios", "valuations"),
}

MESSAGING = {"outbox", "outbox_lane", "inbox"}


@asynccontextmanager
async def acting_as(database: Database, role: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsns[API_ROLES.get(role, role)])
    try:
        if role in API_ROLES:
            await connection.execute(f"SET ROLE {role}")
        yield connection
    finally:
        await connection.close()


async def tables(database: Database, schema: str) -> list[tuple[str, str]]:
    """Every table of the schema with one of its columns, partitions included."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        rows = await connection.fetch(
            """
            SELECT c.relname AS name, min(a.attname) AS attribute
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND a.attidentity = ''
            GROUP BY 1 ORDER BY 1
            """,
            schema,
        )
    finally:
        await connection.close()
    assert len(rows) >= 5
    return [(row["name"], row["attribute"]) for row in rows]


def write_statements(table: str, column: str) -> Iterator[str]:
    """Each kind of write, on no row: the right to it is checked all the same."""
    yield f"INSERT INTO {table} ({column}) SELECT {column} FROM {table} WHERE false"
    yield f"INSERT INTO {table} ({column}) SELECT NULL WHERE false"
    yield f"UPDATE {table} SET {column} = {column} WHERE false"
    yield f"DELETE FROM {table} WHERE false"
    yield f"TRUNCATE {table}"
    yield f"ALTER TABLE {table} ADD COLUMN intruder int"
    yield f"DROP TABLE {table}"
    yield f"CREATE TRIGGER intruder BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()"


async def is_refused(connection: asyncpg.Connection, statement: str) -> bool:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    except asyncpg.PostgresError as error:
        pytest.fail(f"{statement}: refused for another reason: {error!r}")
    finally:
        await transaction.rollback()
    return False


@pytest.mark.parametrize("role", WRITES)
async def test_no_role_writes_into_a_layer_that_is_not_its_own(database: Database, role: str) -> None:
    tried = 0
    async with acting_as(database, role) as connection:
        for schema in SCHEMAS:
            if schema == WRITES[role]:
                continue
            for table, column in await tables(database, schema):
                for statement in write_statements(f"{schema}.{table}", column):
                    assert await is_refused(connection, statement), f"{role} may: {statement}"
                    tried += 1
            assert await is_refused(connection, f"CREATE TABLE {schema}.intruder (x int)"), role
    assert tried > 100


@pytest.mark.parametrize(("role", "schema"), [(role, schema) for role, schema in WRITES.items() if schema])
async def test_no_role_touches_the_structure_or_a_partition_of_its_own_schema(
    database: Database, role: str, schema: str
) -> None:
    async with acting_as(database, role) as connection:
        for table, column in await tables(database, schema):
            name = f"{schema}.{table}"
            for statement in (f"TRUNCATE {name}", f"ALTER TABLE {name} ADD COLUMN intruder int", f"DROP TABLE {name}"):
                assert await is_refused(connection, statement), f"{role} may: {statement}"
            if table.rsplit("_", 1)[-1].isdigit() or table.endswith("_default"):
                for statement in (*write_statements(name, column), f"SELECT * FROM {name} LIMIT 0"):
                    assert await is_refused(connection, statement), f"{role} may: {statement}"


@pytest.mark.parametrize("role", MAY_NOT_READ)
async def test_a_service_reads_only_what_it_needs(database: Database, role: str) -> None:
    async with acting_as(database, role) as connection:
        for schema in MAY_NOT_READ[role]:
            for table, _ in await tables(database, schema):
                assert await is_refused(connection, f"SELECT 1 FROM {schema}.{table} LIMIT 0"), f"{schema}.{table}"


@pytest.mark.parametrize("role", SERVICES)
async def test_no_service_reads_anothers_outbox_or_inbox(database: Database, role: str) -> None:
    async with acting_as(database, role) as connection:
        for schema in SCHEMAS:
            if schema != WRITES[role]:
                for table in MESSAGING:
                    assert await is_refused(connection, f"SELECT 1 FROM {schema}.{table} LIMIT 0"), f"{schema}.{table}"


@pytest.mark.parametrize("role", SERVICES)
async def test_no_service_becomes_the_owner_or_another_service(database: Database, role: str) -> None:
    async with acting_as(database, role) as connection:
        own = {api for api, service in API_ROLES.items() if service == role}
        others = {"riskstream_owner", "riskstream_migrator", "valuation_head_reader", "postgres", *SERVICES, *API_ROLES}
        for other in others - own - {role}:
            assert await is_refused(connection, f"SET ROLE {other}"), f"{role} becomes {other}"


async def test_the_owner_of_all_tables_cannot_log_in(database: Database) -> None:
    dsn = database.dsns["riskstream_migrator"].replace("riskstream_migrator:", "riskstream_owner:")
    with pytest.raises((asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)):
        await asyncpg.connect(dsn)


async def two_portfolios(database: Database) -> dict[str, UUID]:
    """Alice and Bob have a valued portfolio each."""
    connection = await asyncpg.connect(database.superuser_dsn)
    portfolios = {"alice": uuid4(), "bob": uuid4()}
    try:
        for owner, portfolio in portfolios.items():
            await connection.execute(
                "INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, created_at,"
                " changed_at) VALUES ($1, $2, 'Savings', 3, '2024-12-13', now(), now())",
                portfolio,
                owner,
            )
            await connection.execute(
                "INSERT INTO portfolios.positions (position_id, portfolio_id, owner_id, symbol, quantity, entry_price,"
                " entry_date, investment_class) VALUES ($1, $2, $3, 'SPY', 1, 1, '2024-12-13', 'PUBLIC')",
                uuid4(),
                portfolio,
                owner,
            )
            await connection.execute(
                "INSERT INTO valuations.valuation_heads (portfolio_id, owner_id, valuation, portfolio_version, edition,"
                " session, folded_at) VALUES ($1, $2, 1, 2, 1, '2024-12-13', now())",
                portfolio,
                owner,
            )
    finally:
        await connection.close()
    return portfolios


@pytest.mark.parametrize("role", API_ROLES)
async def test_a_request_sees_its_owners_rows_only_and_none_without_an_owner(database: Database, role: str) -> None:
    portfolios = await two_portfolios(database)
    async with acting_as(database, role) as connection:
        for table in ("portfolios.portfolios", "portfolios.positions", "valuations.valuation_heads"):
            await connection.execute("RESET riskstream.owner")
            assert await connection.fetch(f"SELECT portfolio_id FROM {table}") == []
            await connection.execute("SET riskstream.owner = 'alice'")
            seen = await connection.fetch(f"SELECT portfolio_id FROM {table}")
            assert [row["portfolio_id"] for row in seen] == [portfolios["alice"]]


async def test_a_request_can_neither_take_nor_change_anothers_portfolio(database: Database) -> None:
    portfolios = await two_portfolios(database)
    async with acting_as(database, "onboarding_api") as connection:
        await connection.execute("SET riskstream.owner = 'alice'")
        touched = await connection.execute(
            "UPDATE portfolios.portfolios SET name = 'mine' WHERE portfolio_id = $1", portfolios["bob"]
        )
        assert touched == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("UPDATE portfolios.portfolios SET owner_id = 'bob'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(
                "INSERT INTO portfolios.portfolio_changes VALUES ($1, 4, 'bob', '2024-12-13', now())", portfolios["bob"]
            )


async def test_the_head_answers_its_owner_and_nobody_else(database: Database) -> None:
    portfolios = await two_portfolios(database)
    async with acting_as(database, "analytics") as connection:
        rows = await connection.fetch("SELECT * FROM valuations.head('alice', $1)", portfolios["alice"])
        assert [(row["current_version"], row["portfolio_version"], row["valuation"]) for row in rows] == [(3, 2, 1)]
        assert await connection.fetch("SELECT * FROM valuations.head('bob', $1)", portfolios["alice"]) == []
    for role in ("symbol_batch", "portfolio_refresh", "onboarding"):
        async with acting_as(database, role) as connection:
            assert await is_refused(connection, f"SELECT * FROM valuations.head('alice', '{portfolios['alice']}')")


async def test_migrating_again_changes_nothing_and_keeps_the_partitions_around_today(database: Database) -> None:
    names = {name for name, _ in await tables(database, "symbols")}
    years = sorted(int(name.rsplit("_", 1)[1]) for name in names if name.startswith("market_data_cache_2"))
    assert years == list(range(years[0], years[0] + 13))
    assert "market_data_cache_default" in names
