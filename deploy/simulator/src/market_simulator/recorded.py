"""A market from a file of recorded daily bars."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from market_simulator.market import Dividend, Floats, Listing, Market, Series, Split
from market_simulator.sessions import Sessions, nyse_sessions

COLUMNS = ("date", "symbol", "open", "high", "low", "close", "adj_close", "volume", "dividend", "split")


def read_market(prices: Path, symbols: Path | None = None) -> Market:
    """The market of a parquet file with `COLUMNS`, one row per symbol and session.

    open, high, low, close are adjusted for every split in `split` (0, 1 or null where there is none), dividends are
    on the same basis, `adj_close` is adjusted for them too. `symbols` is a CSV with symbol, name, sector, industry and
    type; without it every symbol is a company without a sector. Raises ValueError where a column is missing, a row is
    doubled, or a date is no NYSE session.
    """
    columns = _columns(prices)
    days = columns["date"].astype("datetime64[D]")
    sessions = nyse_sessions(days.min().astype(object), days.max().astype(object))
    session = _session_indices(days, sessions, prices)
    listings = {} if symbols is None else _listings(symbols)
    names, number = np.unique(columns.pop("symbol"), return_inverse=True)
    order = np.lexsort((session, number))
    begins = np.searchsorted(number[order], np.arange(1, len(names)))
    series = {}
    for symbol, rows in zip(map(str, names), np.split(order, begins), strict=True):
        listing = listings.get(symbol, Listing(symbol, symbol, "EQUITY", "", ""))
        series[symbol] = _series(listing, session[rows], {column: values[rows] for column, values in columns.items()})
    # Arrow keeps what it read for a next file that never comes: three times the market itself.
    pyarrow.default_memory_pool().release_unused()
    return Market(sessions=sessions, series=series)


def _columns(prices: Path) -> dict[str, NDArray[np.generic]]:
    present = pyarrow.parquet.read_schema(prices).names
    missing = [column for column in COLUMNS if column not in present]
    if missing:
        raise ValueError(f"{prices} lacks the columns {', '.join(missing)}; it needs {', '.join(COLUMNS)}")
    table = pyarrow.parquet.read_table(prices, columns=list(COLUMNS))
    if table.num_rows == 0:
        raise ValueError(f"{prices} has no rows")
    columns = {name: table.column(name).to_numpy() for name in COLUMNS if name != "symbol"}
    columns["symbol"] = table.column("symbol").cast(pyarrow.string()).to_numpy().astype(str)
    return columns


def _session_indices(days: NDArray[np.datetime64], sessions: Sessions, prices: Path) -> NDArray[np.int64]:
    strangers = days[~np.isin(days, sessions.dates)]
    if len(strangers):
        raise ValueError(f"{prices} has bars on {strangers[0]}, which is no NYSE session")
    return np.searchsorted(sessions.dates, days).astype(np.int64)


def _series(listing: Listing, session: NDArray[np.int64], columns: dict[str, NDArray[np.generic]]) -> Series:
    if np.any(np.diff(session) == 0):
        raise ValueError(f"{listing.symbol} has two bars for one session; keep one of them")
    close = _floats(columns["close"])
    splits, dividends = _floats(columns["split"]), _floats(columns["dividend"])
    return Series(
        listing=listing,
        session=session,
        open=_floats(columns["open"]),
        high=_floats(columns["high"]),
        low=_floats(columns["low"]),
        close=close,
        volume=_floats(columns["volume"]),
        dividend_adjustment=_floats(columns["adj_close"]) / close,
        splits=tuple(
            Split(int(session[row]), float(splits[row]))
            for row in np.flatnonzero(np.isfinite(splits) & (splits > 0) & (splits != 1))
        ),
        dividends=tuple(Dividend(int(session[row]), float(dividends[row])) for row in np.flatnonzero(dividends > 0)),
    )


def _floats(values: NDArray[np.generic]) -> Floats:
    return values.astype(np.float64)


def _listings(path: Path) -> dict[str, Listing]:
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        missing = {"symbol", "name", "sector", "industry", "type"} - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{path} lacks the columns {', '.join(sorted(missing))}")
        return {row["symbol"]: _listing(row, path) for row in rows}


def _listing(row: dict[str, str], path: Path) -> Listing:
    if row["type"] not in ("EQUITY", "ETF"):
        raise ValueError(f"{path} gives {row['symbol']} the type {row['type']!r}; it must be EQUITY or ETF")
    kind = cast("Literal['EQUITY', 'ETF']", row["type"])
    return Listing(row["symbol"], row["name"], kind, row["sector"], row["industry"])
