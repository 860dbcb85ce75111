"""Spans of statements, on the real Postgres: by name, with their text, without their parameters."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from rehearsal.spans import Kept, kept_spans
from riskstream.database.bulk import copy_to_temporary
from riskstream.database.engine import create_engine, driver
from riskstream.database.tracing import told_of, trace_connection
from riskstream.runtime import tracing

SECRET = "pa55word"


@pytest.fixture
async def engine(spans: Kept, postgres_server: Any) -> AsyncIterator[AsyncEngine]:
    made = create_engine(postgres_server.dsn(), application="traced")
    yield made
    await made.dispose()


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT a FROM symbols.editions WHERE b = $1", "SELECT symbols.editions"),
        ("  select max(x)\n from symbols.batch_runs", "SELECT symbols.batch_runs"),
        ("INSERT INTO valuations.outbox (a) SELECT 1 FROM unnest($1)", "INSERT valuations.outbox"),
        ("UPDATE ONLY valuations.heads SET a = 1", "UPDATE valuations.heads"),
        ("DELETE FROM symbols.inbox WHERE a < now()", "DELETE symbols.inbox"),
        ("WITH old AS (SELECT a FROM x.y) INSERT INTO x.z SELECT a FROM old", "INSERT x.z"),
        ("WITH old AS (SELECT a FROM x.y) SELECT a FROM old", "SELECT x.y"),
        ("SELECT n FROM unnest($1::int[]) AS given(n)", "SELECT"),
        ("SELECT pg_notify($1, $2)", "SELECT"),
        ("CREATE TEMPORARY TABLE IF NOT EXISTS incoming AS SELECT 1", "CREATE incoming"),
        ("COPY symbols.risk_loadings", "COPY symbols.risk_loadings"),
        ("COMMIT;", "COMMIT"),
        ("SHOW server_version", "SHOW"),
    ],
)
def test_a_statement_is_named_by_what_it_does_to_which_table(statement: str, name: str) -> None:
    told = told_of(statement)
    assert told is not None
    assert told[0] == name


@pytest.mark.parametrize(
    "statement", ["BEGIN;", "ROLLBACK;", "SAVEPOINT sa_1", "RELEASE SAVEPOINT sa_1", ";", "", "  "]
)
def test_what_only_surrounds_statements_is_not_told(statement: str) -> None:
    assert told_of(statement) is None


def test_a_statements_text_has_no_literals_and_an_end() -> None:
    told = told_of("SELECT 1 FROM x.y WHERE name = 'it''s me' AND state = 'done'" + " OR a" * 1_000)
    assert told is not None
    shown = told[1]["db.query.text"]
    assert shown.startswith("SELECT 1 FROM x.y WHERE name = ? AND state = ? OR a")
    assert len(shown) == 2_000


async def test_a_statement_through_the_engine_is_a_span_without_its_parameters(
    spans: Kept, engine: AsyncEngine
) -> None:
    with tracing.span("work"):
        async with engine.begin() as connection:
            await connection.execute(text("SELECT relname FROM pg_class WHERE relname = :name"), {"name": SECRET})
    span = spans.only("SELECT pg_class")
    assert span.kind is SpanKind.CLIENT
    assert span.parent is not None
    assert span.parent.span_id == spans.only("work").context.span_id
    assert dict(span.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT pg_class",
        "db.query.text": "SELECT relname FROM pg_class WHERE relname = $1",
    }
    assert "COMMIT" in spans.names()
    assert all(SECRET not in one.to_json() for one in spans.all())


async def test_a_statement_that_fails_is_a_failed_span_and_the_next_one_is_not(
    spans: Kept, engine: AsyncEngine
) -> None:
    with tracing.span("work"):
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError):
                await connection.execute(text("SELECT a FROM nowhere.at_all WHERE a = :a"), {"a": SECRET})
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1 FROM pg_class LIMIT 1"))
    failed = spans.only("SELECT nowhere.at_all")
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"]
    assert SECRET not in failed.to_json()
    assert spans.only("SELECT pg_class").status.status_code is StatusCode.UNSET


async def test_a_connection_that_is_lost_says_so_as_it_would_untraced(spans: Kept, engine: AsyncEngine) -> None:
    with tracing.span("work"):
        async with engine.connect() as connection, engine.connect() as other:
            server = await connection.scalar(text("SELECT pg_backend_pid() FROM pg_class LIMIT 1"))
            await other.execute(text("SELECT pg_terminate_backend(:server, 5000)"), {"server": server})
            with pytest.raises(DBAPIError) as raised:
                await connection.execute(text("SELECT 2 FROM pg_namespace LIMIT 1"))
            assert raised.value.connection_invalidated
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 3")) == 3
    assert spans.only("SELECT pg_namespace").status.status_code is StatusCode.ERROR


async def test_statements_and_copies_on_the_driver_under_the_engine_are_spans_too(
    spans: Kept, engine: AsyncEngine
) -> None:
    with tracing.span("work"):
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TEMPORARY TABLE mine (name text) ON COMMIT DROP"))
            await copy_to_temporary(connection, "pg_temp.mine", ["name"], [(SECRET,)])
            found = await (await driver(connection)).fetch("SELECT name FROM pg_temp.incoming WHERE name = $1", SECRET)
    assert len(found) == 1
    assert {"CREATE mine", "COPY pg_temp.incoming", "SELECT pg_temp.incoming"} <= set(spans.names())
    assert all(SECRET not in one.to_json() for one in spans.all())


async def test_statements_of_a_pool_of_the_driver_are_spans_also_where_the_span_ends_at_once(
    spans: Kept, postgres_server: Any
) -> None:
    async with asyncpg.create_pool(postgres_server.dsn(), min_size=1, max_size=1, init=trace_connection) as pool:
        for _ in range(2):
            with tracing.span("work"):
                await pool.fetchval("SELECT count(*) FROM pg_class WHERE relname = $1", SECRET)
        with pytest.raises(asyncpg.UndefinedTableError), tracing.span("failing"):
            await pool.fetchval("SELECT 1 FROM nowhere.at_all")
        await pool.fetchval("SELECT 1 FROM pg_namespace LIMIT 1")
    works = {span.context.span_id for span in spans.all() if span.name == "work"}
    selects = [span for span in spans.all() if span.name == "SELECT pg_class"]
    assert {span.parent.span_id for span in selects if span.parent} == works
    assert spans.only("SELECT nowhere.at_all").status.status_code is StatusCode.ERROR
    assert "SELECT pg_namespace" not in spans.names(), "part of nothing"


async def test_an_engine_that_is_made_while_nothing_is_traced_has_no_hooks(postgres_server: Any) -> None:
    engine = create_engine(postgres_server.dsn(), application="untraced")
    try:
        with kept_spans() as kept, tracing.span("work"):
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1 FROM pg_class LIMIT 1"))
        assert "SELECT pg_class" not in kept.names()
    finally:
        await engine.dispose()
