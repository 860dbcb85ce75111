"""Whether the years' partitions are there is measured on the real Postgres, by a role that may not read them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.database.engine import create_engine
from riskstream.database.partitions import Partitions
from riskstream.runtime.clock import Clock

MAKE = """
CREATE SCHEMA by_year;
CREATE TABLE by_year.bars (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE by_year.bars_2025 PARTITION OF by_year.bars FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE by_year.bars_2026 PARTITION OF by_year.bars FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE by_year.bars_default PARTITION OF by_year.bars DEFAULT;
"""


def shown(metric: str, table: str) -> float | None:
    return REGISTRY.get_sample_value(f"riskstream_database_{metric}", {"table": table})


@pytest.fixture
async def engine(postgres_server: Any) -> AsyncIterator[AsyncEngine]:
    made = create_engine(postgres_server.dsn(), application="partitions")
    async with made.begin() as connection:
        for statement in filter(str.strip, MAKE.split(";")):
            await connection.execute(text(statement))
    yield made
    async with made.begin() as connection:
        await connection.execute(text("DROP SCHEMA by_year CASCADE"))
    await made.dispose()


@pytest.mark.parametrize(("year", "missing"), [(2025, 0), (2026, 1), (2027, 2)])
async def test_of_this_year_and_the_next_one_what_is_missing_is_counted(
    engine: AsyncEngine, year: int, missing: int
) -> None:
    clock = Clock(datetime(year, 7, 1, tzinfo=UTC))
    await Partitions(engine, "by_year", ["bars"], clock).measure()
    assert shown("missing_partitions", "bars") == missing


async def test_a_year_without_a_partition_shows_in_the_default_ones_rows(engine: AsyncEngine) -> None:
    partitions = Partitions(engine, "by_year", ["bars"], Clock(datetime(2026, 7, 1, tzinfo=UTC)))
    await partitions.measure()
    assert shown("default_partition_rows", "bars") == 0
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO by_year.bars VALUES ('2027-01-04'), ('2026-01-05')"))
        await connection.execute(text("SELECT pg_stat_force_next_flush()"))
    await partitions.measure()
    assert shown("default_partition_rows", "bars") == 1


async def test_a_table_without_any_partition_misses_both(engine: AsyncEngine) -> None:
    await Partitions(engine, "by_year", ["nothing_here"], Clock(datetime(2026, 7, 1, tzinfo=UTC))).measure()
    assert shown("missing_partitions", "nothing_here") == 2
