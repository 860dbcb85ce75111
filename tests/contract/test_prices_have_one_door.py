"""Prices have one door: in symbol-batch the package `prices`, for everybody else the view `symbols.traded_bars`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from local_stack.database import Database

ROOT = Path(__file__).parents[2]
SYMBOL_BATCH = ROOT / "services/symbol-batch/src/symbol_batch"
TABLE = "market_data_cache"
READERS = ("portfolio_refresh", "onboarding", "analytics")

EXPLAINED = {
    "the closes of a fold": (
        "SELECT symbol, array_agg(session - DATE '1970-01-01'), array_agg(close) FROM symbols.traded_bars "
        "WHERE symbol = ANY(ARRAY['SPY', 'TLT']) AND session BETWEEN '2025-03-03' AND '2025-03-10' "
        "AND close > 0 AND currency = 'USD' GROUP BY symbol"
    ),
    "a symbol's last close": (
        "SELECT session, close FROM symbols.traded_bars WHERE symbol = 'SPY' AND session < '2025-03-03' "
        "ORDER BY session DESC LIMIT 1"
    ),
}


def sources() -> Iterator[Path]:
    for folder in ("services", "shared", "deploy"):
        for path in sorted((ROOT / folder).glob("**/src/**/*.py")):
            if "migrations" not in path.parts:
                yield path


def imported(path: Path) -> set[str]:
    """Dotted names of everything a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def test_one_module_holds_the_sql_on_prices_and_one_names_the_table_for_its_partitions() -> None:
    naming = {path.relative_to(SYMBOL_BATCH.parent).as_posix() for path in sources() if TABLE in path.read_text()}
    assert naming == {"symbol_batch/store/prices.py", "symbol_batch/schema.py"}


def test_only_the_price_package_uses_the_sql_on_prices() -> None:
    doors = ("symbol_batch.store.prices", "symbol_batch.store.quarantine")
    using = {
        path.relative_to(SYMBOL_BATCH).parts[0] for path in SYMBOL_BATCH.glob("**/*.py") if imported(path) & {*doors}
    }
    assert using == {"prices"}


@pytest.mark.parametrize("role", READERS)
async def test_other_services_read_the_view_and_are_refused_on_the_tables_behind_it(
    database: Database, role: str
) -> None:
    connection = await asyncpg.connect(database.dsns[role])
    try:
        assert await connection.fetch("SELECT * FROM symbols.traded_bars") == []
        for table in (TABLE, "quarantined_bars"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT 1 FROM symbols.{table} LIMIT 0")  # our own names
    finally:
        await connection.close()


@pytest.mark.parametrize("question", EXPLAINED)
async def test_the_view_keeps_what_the_partitions_and_the_key_are_for(database: Database, question: str) -> None:
    connection = await asyncpg.connect(database.dsns["portfolio_refresh"])
    try:
        await connection.execute("SET enable_seqscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {EXPLAINED[question]}"))
    finally:
        await connection.close()
    assert "Index" in plan
    assert "Seq Scan" not in plan
    if "BETWEEN" in EXPLAINED[question]:
        assert "_2025" in plan
        assert "_2024" not in plan
