"""The recorded prices, read straight from their file: what the system's numbers are held against."""

import os
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "prices.parquet"


def require_real_data() -> Path:
    """The recorded prices' file; without it the test skips, or fails where they are required."""
    if not FILE.exists():
        reason = f"the recorded prices are not at {FILE}"
        if "real-data" in os.environ.get("RISKSTREAM_REQUIRE", "").split(","):
            pytest.fail(f"{reason}, and RISKSTREAM_REQUIRE asks for them")
        pytest.skip(reason)
    return FILE


@cache
def recorded() -> pd.DataFrame:
    """All rows, by symbol and date (`datetime.date`). Closes and dividends are on the basis of the download."""
    frame = pd.read_parquet(require_real_data())
    frame["date"] = pd.to_datetime(frame["date"]).dt.date
    return frame.astype({"symbol": str})


@cache
def _wide(column: str) -> pd.DataFrame:
    return recorded().pivot_table(index="date", columns="symbol", values=column, aggfunc="first", dropna=False)


@cache
def total_returns() -> pd.DataFrame:
    """Simple total returns between consecutive sessions, NaN where either price is missing. Sessions × symbols."""
    close, dividend = _wide("close"), _wide("dividend").fillna(0.0)
    return (close + dividend) / close.shift(1) - 1


def series(symbol: str, until: date) -> NDArray[np.float64]:
    returns = total_returns()
    return returns.loc[:until, symbol].to_numpy(dtype=float)


def as_traded(symbol: str, session: date) -> float:
    """The close people saw that evening: the recorded one times every split ratio since."""
    rows = recorded()
    ours = rows[rows["symbol"] == symbol]
    later = ours[(ours["date"] > session) & (ours["split"].fillna(0) != 0)]["split"]
    close = ours[ours["date"] == session]["close"]
    return float(close.iloc[0] * later.prod())


def dividend_per_share(symbol: str, session: date) -> float:
    """The dividend per share as held before the ex-date."""
    rows = recorded()
    ours = rows[rows["symbol"] == symbol]
    later = ours[(ours["date"] >= session) & (ours["split"].fillna(0) != 0)]["split"]
    return float(ours[ours["date"] == session]["dividend"].iloc[0] * later.prod())
