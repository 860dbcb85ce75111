"""Nights of more and more symbols: prices in Postgres to the committed edition."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.bench import Bench
from benchmarks.market import Market, fill_symbol_layer
from benchmarks.scale.growth import Curve, Point
from benchmarks.scale.weight import held, wal_position

TABLES = ("symbols.symbol_factor_exposures", "symbols.symbol_daily_metrics", "symbols.risk_loadings")


def measure(bench: Bench, sizes: Sequence[int]) -> Curve:
    """Every size is a database of its own: a first night, and the second one, which is measured."""
    return Curve(
        name="symbols",
        what="a night from prices in Postgres to the committed edition and its events",
        unit="symbols",
        points=tuple(_night(bench, size) for size in sizes),
        note="a year of prices a symbol; a tenth begin late, a fifth have holes",
    )


def _night(bench: Bench, size: int) -> Point:
    market = Market.made(size)
    database = bench.empty_database(f"scale_symbols_{size}")
    dsn = database.dsns["symbol_batch"]
    first, second = next(pairwise((market.first, *market.nights)))
    with bench.narrator.step(f"{size:,} symbols: prices and a first night"):
        asyncio.run(fill_symbol_layer(database, market))
        bench.run_program("benchmarks.night_process", dsn, str(first))
    with bench.narrator.step(f"{size:,} symbols: the night of {second}"):
        began = wal_position(database)
        night = bench.run_program("benchmarks.night_process", dsn, str(second))
        ended, now = wal_position(database), held(database, TABLES)
    return Point(
        size=size,
        seconds=night["seconds"],
        processor_seconds=night["cpu_seconds"],
        peak_bytes=night["peak_bytes"],
        wal_bytes=ended - began,
        stored_bytes=now.bytes,
        rows=now.rows,
    )
