import os
from datetime import date, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from market_simulator.recorded import read_market
from market_simulator.simulator import Simulator
from riskstream.runtime.clock import Clock

REAL = Path(__file__).parents[4] / "shared/data/prices.parquet"


def written(folder: Path, rows: list[dict], without: str | None = None) -> Path:
    table = pyarrow.Table.from_pylist(rows)
    path = folder / "prices.parquet"
    pyarrow.parquet.write_table(table if without is None else table.drop_columns([without]), path)
    return path


def bar(day: str, symbol: str, close: float, **changes) -> dict:
    return {
        "date": date.fromisoformat(day),
        "symbol": symbol,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "adj_close": close,
        "volume": 100,
        "dividend": 0.0,
        "split": 0.0,
        **changes,
    }


def at(instant: str, path: Path, symbols: Path | None = None) -> Simulator:
    return Simulator(read_market(path, symbols), Clock(datetime.fromisoformat(instant)))


def test_a_split_still_to_come_is_undone(tmp_path):
    rows = [bar("2025-01-02", "AAA", 10.0), bar("2025-01-03", "AAA", 11.0, split=2.0), bar("2025-01-02", "BBB", 7.0)]
    path = written(tmp_path, rows)
    assert at("2025-01-02T21:00:00-05:00", path).history("AAA").close.tolist() == [20.0]
    assert at("2025-01-03T21:00:00-05:00", path).history("AAA").close.tolist() == [10.0, 11.0]
    assert at("2025-01-02T21:00:00-05:00", path).history("BBB").close.tolist() == [7.0]


def test_rows_may_come_in_any_order_and_a_missing_split_is_none(tmp_path):
    rows = [bar("2025-01-03", "AAA", 11.0, split=None), bar("2025-01-02", "AAA", 10.0, split=1.0)]
    history = at("2025-01-03T21:00:00-05:00", written(tmp_path, rows)).history("AAA")
    assert history.close.tolist() == [10.0, 11.0]
    assert history.splits == ()


def test_names_and_sectors_come_from_the_csv(tmp_path):
    symbols = tmp_path / "symbols.csv"
    symbols.write_text("symbol,name,sector,industry,type\nAAA,Aaa Inc.,Energy,Oil,EQUITY\n")
    simulator = at("2025-01-02T21:00:00-05:00", written(tmp_path, [bar("2025-01-02", "AAA", 10.0)]), symbols)
    assert simulator.history("AAA").listing.sector == "Energy"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([bar("2025-01-02", "AAA", 1.0), bar("2025-01-02", "AAA", 2.0)], "two bars for one session"),
        (
            [bar("2025-01-03", "AAA", 1.0), bar("2025-01-04", "AAA", 2.0), bar("2025-01-06", "AAA", 2.0)],
            "no NYSE session",
        ),
    ],
    ids=["doubled row", "a Saturday"],
)
def test_a_bad_row_is_named(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        read_market(written(tmp_path, rows))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(ValueError, match="lacks the columns adj_close"):
        read_market(written(tmp_path, [bar("2025-01-02", "AAA", 1.0)], without="adj_close"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol,name\nAAA,Aaa\n", "lacks the columns"),
        ("symbol,name,sector,industry,type\nA,A,,,FUND\n", "must be EQUITY"),
    ],
)
def test_a_bad_symbols_file_is_refused(tmp_path, text, message):
    symbols = tmp_path / "symbols.csv"
    symbols.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_market(written(tmp_path, [bar("2025-01-02", "AAA", 1.0)]), symbols)


@pytest.fixture(scope="module")
def real_market():
    if not REAL.exists():
        if "real-data" in os.environ.get("RISKSTREAM_REQUIRE", ""):
            pytest.fail(f"real-data is required and {REAL.name} is absent")
        pytest.skip(f"{REAL.name} is absent: real prices are not part of the project")
    return read_market(REAL, REAL.with_name("symbols.csv"))


@pytest.mark.parametrize(
    ("instant", "symbol", "close"),
    [
        ("2024-12-31T21:00:00-05:00", "NFLX", 891.32),
        ("2024-12-31T21:00:00-05:00", "SPY", 586.08),
        ("2022-01-03T21:00:00-05:00", "SPY", 477.71),
        ("2020-08-28T21:00:00-04:00", "AAPL", 499.23),
        ("2020-08-31T21:00:00-04:00", "AAPL", 129.04),
    ],
)
def test_real_closes_are_as_traded_on_the_clocks_date(real_market, instant, symbol, close):
    history = Simulator(real_market, Clock(datetime.fromisoformat(instant))).history(symbol)
    assert history.close[-1] == pytest.approx(close, abs=0.005)
