"""Nights of more and more symbols: prices in Postgres to the committed edition."""

import asyncio
from collections.abc import Sequence
from typing import Any

from benchmarks.bench import Bench
from benchmarks.market import Market, fill_symbol_layer
from benchmarks.scale.growth import Curve, Point
from benchmarks.scale.weight import held, log_of

TABLES = ("symbols.symbol_factor_exposures", "symbols.symbol_daily_metrics", "symbols.risk_loadings")
NIGHTS = 3
"""Measured of each size; the one in the middle counts."""


def measure(bench: Bench, sizes: Sequence[int]) -> Curve:
    """Every size is a database of its own: a first night, and the next ones, which are measured."""
    return Curve(
        name="symbols",
        what="a night from prices in Postgres to the committed edition and its events",
        unit="symbols",
        points=tuple(_nights(bench, size) for size in sizes),
        note=f"a year of prices a symbol; a tenth begin late, a fifth have holes; the middle one of {NIGHTS} nights",
    )


def _nights(bench: Bench, size: int) -> Point:
    market = Market.made(size)
    database = bench.empty_database(f"scale_symbols_{size}")
    dsn = database.dsns["symbol_batch"]
    with bench.narrator.step(f"{size:,} symbols: prices and a first night"):
        asyncio.run(fill_symbol_layer(database, market))
        bench.run_program("benchmarks.night_process", dsn, str(market.first))
    began = log_of(database)
    runs = []
    for session in market.nights[:NIGHTS]:
        with bench.narrator.step(f"{size:,} symbols: the night of {session}"):
            runs.append(bench.run_program("benchmarks.night_process", dsn, str(session)))
    log, now = log_of(database).since(began), held(database, TABLES)
    night = middle(runs)
    return Point(
        size=size,
        seconds=night["seconds"],
        runs=tuple(run["seconds"] for run in runs),
        processor_seconds=night["cpu_seconds"],
        peak_bytes=night["peak_bytes"],
        wal_bytes=log.bytes // len(runs),
        stored_bytes=now.bytes,
        rows=now.rows,
        details=_processor(night),
    )


def middle(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of an odd number of nights the one of which as many took longer as were faster."""
    return sorted(runs, key=lambda run: float(run["seconds"]))[len(runs) // 2]


def _processor(night: dict[str, Any]) -> dict[str, float]:
    by_step = {f"processor of {step}, s": seconds for step, seconds in night["processor"].items() if seconds > 0}
    return by_step | {"of all the system's, s": night["system_seconds"]}
