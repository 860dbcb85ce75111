"""Single nights over recorded prices: young listings, and a night that is killed in the middle."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from local_stack.programs import SymbolBatch
from local_stack.system import RunningServers, System, shortly_before_the_night
from observer.tables import VOLATILE, Tables
from yardstick import exposures as yardstick
from yardstick.prices import recorded, require_real_data, series

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NIGHT = date(2024, 12, 13)

TABLES = (
    "symbols.market_data_cache",
    "symbols.corporate_actions",
    "symbols.editions",
    "symbols.symbol_factor_exposures",
    "symbols.symbol_daily_metrics",
    "symbols.batch_runs",
)


YOUNG = ("SOLV", "GEV")
"""Listed in March 2024."""

TOO_EARLY, EARLY_ENOUGH = date(2024, 5, 31), date(2024, 7, 15)


@pytest.fixture(scope="module")
def nights_of_the_young(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> dict[date, Tables]:
    """Two first nights, each over an empty database with the benchmarks and the young listings."""
    nights: dict[date, Tables] = {}
    for session in (TOO_EARLY, EARLY_ENOUGH):
        with System(
            servers,
            tmp_path_factory.mktemp("system"),
            clock=shortly_before_the_night(session, seconds=0),
            market=["--file", str(require_real_data())],
            tuning={"RISKSTREAM_HISTORY_FROM": "2023-06-01"},
            database_name=f"young_{session:%m%d}",
        ) as system:
            system.add_symbols(["SPY", "TLT", *yardstick.STYLES, *YOUNG])
            done = system.command(SymbolBatch, "symbol_batch", "reconcile", "--json")
            assert done.returncode == 0, done.stderr + done.stdout
            nights[session] = Tables(system.database)
    return nights


@pytest.mark.parametrize("symbol", YOUNG)
def test_a_young_listing_is_null_with_a_reason_until_it_has_enough_returns(
    nights_of_the_young: dict[date, Tables], symbol: str
) -> None:
    rows = nights_of_the_young[TOO_EARLY].rows(
        "SELECT * FROM symbols.symbol_factor_exposures WHERE symbol = $1", symbol
    )
    have = int(np.isfinite(series(symbol, TOO_EARLY)).sum())
    assert len(rows) == 12
    assert all(row["beta"] is None and row["observations"] == have for row in rows)
    assert all("too_few_observations" in row["reason"] for row in rows)


@pytest.mark.parametrize("symbol", YOUNG)
def test_a_young_listing_uses_exactly_the_returns_it_has(nights_of_the_young: dict[date, Tables], symbol: str) -> None:
    returns = series(symbol, EARLY_ENOUGH)
    have = int(np.isfinite(returns).sum())
    assert 60 <= have < 90
    benchmarks = {etf: series(etf, EARLY_ENOUGH) for etf in ("SPY", "TLT", *yardstick.STYLES)}
    rows = {
        row["factor"]: row
        for row in nights_of_the_young[EARLY_ENOUGH].rows(
            "SELECT * FROM symbols.symbol_factor_exposures WHERE symbol = $1", symbol
        )
    }
    for factor in ("market_beta", "ir_beta"):
        expected = yardstick.single(returns, benchmarks, factor)
        assert isinstance(expected, yardstick.Expected)
        assert rows[factor]["observations"] == expected.observations == have
        assert rows[factor]["beta"] == pytest.approx(expected.beta, abs=1e-8)
    joint = yardstick.joint(returns, benchmarks)
    assert isinstance(joint, dict)
    for factor, expected in joint.items():
        assert rows[factor]["beta"] == pytest.approx(expected.beta, abs=1e-8)
    assert rows["size_spread"]["beta"] is None


def test_a_night_killed_in_the_middle_ends_in_the_same_rows(servers: RunningServers, tmp_path: Path) -> None:
    symbols = sorted({"SPY", "TLT", *yardstick.STYLES, *sorted(recorded()["symbol"].unique())[:150]})

    def night(name: str, *, killed: bool) -> Tables:
        folder = tmp_path / name
        with System(
            servers,
            folder,
            clock=shortly_before_the_night(NIGHT, seconds=0),
            market=["--file", str(require_real_data())],
            tuning={
                "RISKSTREAM_HISTORY_FROM": "2024-01-02",
                "RISKSTREAM_LEASE_SECONDS": "3",
                "RISKSTREAM_CHUNK_SYMBOLS": "20",
                "RISKSTREAM_RECONCILE_SECONDS": "0.5",
            },
            database_name=name,
        ) as system:
            system.add_symbols(symbols)
            tables = Tables(system.database)
            system.start(system.symbol_batch)
            if killed:
                tables.wait("a part of the prices", "SELECT count(*) >= 40 FROM symbols.run_fetches", seconds=120)
                system.symbol_batch.kill()
                fetched = tables.value("SELECT count(*) FROM symbols.run_fetches")
                assert 40 <= fetched < len(symbols), "it was to be killed in the middle"
                assert tables.value("SELECT count(*) FROM symbols.editions") == 0
                system.symbol_batch.start()
            tables.wait("the edition", "SELECT 1 FROM symbols.current_edition", seconds=180)
            return tables

    whole, resumed = night("whole", killed=False), night("resumed", killed=True)
    for table in TABLES:
        assert whole.digest(table, without=VOLATILE) == resumed.digest(table, without=VOLATILE), table
    assert whole.digest("symbols.symbol_factor_exposures")[0] == len(symbols) * 12
