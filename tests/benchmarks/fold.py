"""One portfolio folded from nothing over seven years, as a change of its past makes a worker do."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import numpy as np

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.market import Market, fill_symbol_layer
from benchmarks.measuring import median
from local_stack.database import Database
from portfolio_refresh import metrics
from portfolio_refresh.folding import Folding
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox

LOTS = 100
GOAL = 1.0
STEPS = ("read", "compute", "write")
PORTFOLIO = UUID(int=1)


@dataclass(frozen=True)
class Run:
    seconds: float
    steps: dict[str, float]


def measure(bench: Bench) -> Iterator[Figure]:
    sessions, runs = bench.size(1_750, 300), bench.size(15, 3)
    market = Market.made(LOTS + 8, sessions)
    database = bench.empty_database("bench_fold")
    with bench.narrator.step(f"one portfolio of {LOTS} lots over {sessions:,} sessions, {runs} times"):
        asyncio.run(_fill(database, market))
        taken = asyncio.run(_fold(database, sessions, runs))
    seconds = [run.seconds for run in taken]
    steps = {step: median([run.steps[step] for run in taken]) for step in STEPS}
    yield Figure(
        name="fold",
        what=f"one portfolio of {LOTS} lots over {sessions:,} sessions, from nothing",
        value=median(seconds),
        unit="s",
        runs=tuple(seconds),
        reference="the arithmetic alone, s",
        reference_value=steps["compute"],
        ratio=median(seconds) / steps["compute"],
        sense="at most",
        goal=GOAL,
        note=", ".join(f"{step} {steps[step] * 1000:.0f} ms" for step in STEPS),
    )


async def _fold(database: Database, sessions: int, runs: int) -> list[Run]:
    """Fold as a worker does, everything taken away in between; one more run before, which is not counted."""
    engine = create_engine(database.dsns["portfolio_refresh"], application="benchmark")
    folding = Folding(engine, Outbox("valuations", "/services/portfolio-refresh"))
    connection = await asyncpg.connect(database.superuser_dsn)
    taken = []
    try:
        for _ in range(runs + 1):
            await connection.execute(
                "TRUNCATE valuations.valuation_heads, valuations.portfolio_snapshots, valuations.position_values"
            )
            before = _seconds_so_far()
            began = time.perf_counter()
            result = await folding.fold([PORTFOLIO], "change")
            seconds = time.perf_counter() - began
            taken.append(Run(seconds, {step: total - before[step] for step, total in _seconds_so_far().items()}))
            written = await connection.fetchval("SELECT count(*) FROM valuations.portfolio_snapshots")
            if result.folded != [PORTFOLIO] or written != sessions:
                raise RuntimeError(f"{written} of {sessions} snapshots were written, {result.failed or 'none failed'}")
    finally:
        await connection.close()
        await engine.dispose()
    return taken[1:]


def _seconds_so_far() -> dict[str, float]:
    samples = [sample for metric in metrics.FOLD_SECONDS.collect() for sample in metric.samples]
    total = {sample.labels["step"]: sample.value for sample in samples if sample.name == "fold_seconds_sum"}
    return {step: total.get(step, 0.0) for step in STEPS}


async def _fill(database: Database, market: Market) -> None:
    """Prices, quarterly dividends and some splits; an edition of the last session; the portfolio."""
    await fill_symbol_layer(database, market)
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        await connection.copy_records_to_table(
            "corporate_actions",
            schema_name="symbols",
            columns=["symbol", "ex_date", "kind", "ratio", "amount", "source", "fetched_at"],
            records=_actions(market),
        )
        await connection.execute(
            "INSERT INTO symbols.editions VALUES (1, $1, 'night', gen_random_uuid(), now())", market.sessions[-1]
        )
        await connection.execute(
            "INSERT INTO symbols.current_edition (edition, session) VALUES (1, $1)", market.sessions[-1]
        )
        await connection.execute(
            "INSERT INTO symbols.symbol_daily_metrics (edition, symbol, session, data_quality, run_id) "
            "SELECT 1, symbol, $1, 1, gen_random_uuid() FROM symbols.symbol_universe",
            market.sessions[-1],
        )
        await _add_portfolio(connection, market)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _actions(market: Market) -> list[tuple[object, ...]]:
    now = datetime.now().astimezone()
    shares = market.symbols[8:]
    dividends: list[tuple[object, ...]] = [
        (symbol, market.sessions[place], "dividend", None, 0.25, "benchmark", now)
        for number, symbol in enumerate(shares)
        for place in range(number % 60 + 1, len(market.sessions), 63)
    ]
    splits: list[tuple[object, ...]] = [
        (symbol, market.sessions[len(market.sessions) // 2], "split", 2.0, None, "benchmark", now)
        for symbol in shares[::10]
    ]
    return dividends + splits


async def _add_portfolio(connection: asyncpg.Connection, market: Market) -> None:
    """Lots of a hundred symbols, opened over the first half of the time, a third closed later, with fees and flows."""
    random = np.random.default_rng(11)
    first, half = market.sessions[0], len(market.sessions) // 2
    await connection.execute(
        "INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, declared_equity, "
        "created_at, changed_at) VALUES ($1, 'owner', 'benchmark', 1, $2, 1000000, now(), now())",
        PORTFOLIO,
        first,
    )
    await connection.execute(
        "INSERT INTO portfolios.portfolio_changes VALUES ($1, 1, 'owner', $2, now())", PORTFOLIO, first
    )
    for number, symbol in enumerate(market.symbols[8:]):
        entered = int(random.integers(0, half))
        left: date | None = market.sessions[int(random.integers(half, 2 * half))] if number % 3 == 0 else None
        await connection.execute(
            "INSERT INTO portfolios.positions (position_id, portfolio_id, owner_id, symbol, quantity, entry_price, "
            "entry_date, entry_fee, exit_price, exit_date, investment_class) "
            "VALUES ($1, $2, 'owner', $3, $4, 100, $5, 1, $6, $7, 'PUBLIC')",
            UUID(int=1_000 + number),
            PORTFOLIO,
            symbol,
            Decimal(int(random.integers(-50, 200)) or 1),
            market.sessions[entered],
            None if left is None else Decimal(110),
            left,
        )
    for number, session in enumerate(market.sessions[::21]):
        await connection.execute(
            "INSERT INTO portfolios.cash_flows (flow_id, portfolio_id, owner_id, flow_date, amount, kind) "
            "VALUES ($1, $2, 'owner', $3, $4, $5)",
            UUID(int=5_000 + number),
            PORTFOLIO,
            session,
            Decimal(1_000) if number % 2 else Decimal("-9.5"),
            "deposit" if number % 2 else "fee",
        )
