from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from local_stack.database import Database
from riskstream.database.bulk import copy_upsert
from riskstream.database.engine import create_engine
from riskstream.database.tenancy import act_for_owner

COLUMNS = ("symbol", "status", "added_at", "not_found_sessions")


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database.dsns["symbol_batch"], application="tests")
    yield made
    await made.dispose()


async def upsert(engine: AsyncEngine, rows: list[tuple[str, int]], **options: object) -> int:
    async with engine.begin() as connection:
        now = await connection.scalar(text("SELECT now()"))
        return await copy_upsert(
            connection,
            "symbols.symbol_universe",
            COLUMNS,
            [(symbol, "active", now, count) for symbol, count in rows],
            key=("symbol",),
            **options,  # type: ignore[arg-type]
        )


async def stored(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT symbol, not_found_sessions FROM symbols.symbol_universe"))
        return {row.symbol: row.not_found_sessions for row in rows}


async def test_rows_are_inserted_and_existing_ones_left_alone(engine: AsyncEngine) -> None:
    assert await upsert(engine, [("SPY", 1), ("TLT", 2)]) == 2
    assert await upsert(engine, [("SPY", 9), ("IWM", 3)]) == 1
    assert await stored(engine) == {"SPY": 1, "TLT": 2, "IWM": 3}


async def test_existing_rows_are_updated_when_asked(engine: AsyncEngine) -> None:
    await upsert(engine, [("SPY", 1), ("TLT", 2)])
    assert await upsert(engine, [("SPY", 9)], update=("not_found_sessions",)) == 1
    assert await stored(engine) == {"SPY": 9, "TLT": 2}


async def test_only_changed_rows_are_touched_when_asked(engine: AsyncEngine) -> None:
    await upsert(engine, [("SPY", 1), ("TLT", 2)])
    touched = await upsert(engine, [("SPY", 1), ("TLT", 7)], update=("not_found_sessions",), only_changed=True)
    assert touched == 1
    assert await stored(engine) == {"SPY": 1, "TLT": 7}


async def test_two_bulk_writes_fit_into_one_transaction_and_roll_back_together(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        now = await connection.scalar(text("SELECT now()"))
        for symbol in ("SPY", "TLT"):
            await copy_upsert(
                connection, "symbols.symbol_universe", COLUMNS, [(symbol, "active", now, 0)], key=("symbol",)
            )
        await connection.rollback()
    assert await stored(engine) == {}


async def test_a_bulk_write_works_under_row_level_security_where_copy_itself_is_refused(database: Database) -> None:
    columns = ("portfolio_id", "owner_id", "valuation", "portfolio_version", "edition", "session", "folded_at")
    now = datetime.now(UTC)
    head = (uuid4(), "alice", 1, 1, 1, now.date(), now)
    engine = create_engine(database.dsns["portfolio_refresh"], application="tests")
    try:
        async with engine.begin() as connection:
            written = await copy_upsert(
                connection, "valuations.valuation_heads", columns, [head], key=("portfolio_id",)
            )
        assert written == 1
    finally:
        await engine.dispose()
    plain = await asyncpg.connect(database.dsns["portfolio_refresh"])
    try:
        with pytest.raises(asyncpg.FeatureNotSupportedError, match="row-level security"):
            await plain.copy_records_to_table(
                "valuation_heads", schema_name="valuations", columns=columns, records=[head]
            )
    finally:
        await plain.close()


async def test_an_owners_transaction_sees_that_owner_and_the_next_one_nobody(database: Database) -> None:
    engine = create_engine(database.dsns["onboarding"], application="tests", pool_size=1)
    setting = text("SELECT current_user || ':' || coalesce(nullif(current_setting('riskstream.owner', true), ''), '-')")
    try:
        async with engine.begin() as connection:
            await act_for_owner(connection, "onboarding_api", "alice")
            assert await connection.scalar(setting) == "onboarding_api:alice"
        async with engine.begin() as connection:
            assert await connection.scalar(setting) == "onboarding:-"
    finally:
        await engine.dispose()
