"""Daily metrics that come from prices alone: returns over the usual horizons and data quality.

Those that need a company's profile are in `company_metrics`.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstream.market.returns import total_return_index, total_returns
from symbol_batch.company_metrics import CompanyMetrics
from symbol_batch.factors.arrays import Floats, nullable

Indices: TypeAlias = npt.NDArray[np.intp]
Reason: TypeAlias = Literal["", "no_price", "no_reference_close"]

HORIZONS = ("1d", "1m", "3m", "mtd", "ytd", "1y")
REASONS: tuple[Reason, ...] = ("", "no_price", "no_reference_close")
STALE_LIMIT = 5
"""Sessions that a close may be older than the date it stands for."""
QUALITY_WINDOW = 252


@dataclass(frozen=True, slots=True)
class DailyMetrics:
    """Metrics of S symbols as of one session. NaN is null.

    `price` (S,): last close as traded, at most five sessions old; `staleness` (S,): how many sessions old it is, -1
    without a price. `returns` (S, 6): total returns in decimals in the order of `HORIZONS`; `reason` (S, 6) indexes
    `REASONS`. `data_quality` (S,): within [0, 1]. `companies`: S long; empty where no profiles were at hand.
    """

    as_of: date
    symbols: tuple[str, ...]
    price: Floats
    staleness: npt.NDArray[np.int64]
    returns: Floats
    reason: npt.NDArray[np.int8]
    data_quality: Floats
    companies: tuple[CompanyMetrics, ...] = ()

    def columns(self) -> dict[str, list[Any]]:
        """One list per column, S long, None for null: `return_1d` … `return_1y` each with its `…_reason`."""
        columns: dict[str, list[Any]] = {
            "symbol": list(self.symbols),
            "price": nullable(self.price),
            "staleness": [None if sessions < 0 else sessions for sessions in self.staleness.tolist()],
        }
        for index, horizon in enumerate(HORIZONS):
            columns[f"return_{horizon}"] = nullable(self.returns[:, index])
            columns[f"return_{horizon}_reason"] = [REASONS[code] or None for code in self.reason[:, index].tolist()]
        return {**columns, "data_quality": nullable(self.data_quality)}


def compute_metrics(
    closes: Floats, ratios: Floats, dividends: Floats, symbols: Sequence[str], sessions: Sequence[date]
) -> DailyMetrics:
    """Metrics of all symbols as of the last session, from the panel that `total_returns` takes: arrays (T, S).

    `sessions` are consecutive and should reach back a year and a week; a horizon that begins before them is null.

    The 1-day return is the session's total return: it exists only between two consecutive sessions. The longer ones run
    from the last close on or before the reference date to the price, both at most five sessions old, with splits,
    distributions and dividends in between reinvested (`total_return_index`). They are totals, not price changes, so
    that they compound the daily returns that exposures are estimated on and a split or dividend is no loss; a missing
    session between their ends does not take them away.

    Reference dates: one and three months and a year back in the calendar (the 31st becomes a shorter month's last day),
    the end of the previous month and of the previous year.

    Data quality is the share of the last 252 sessions, or of those since the symbol's first close, that have a close;
    0 without any.

    Raises ValueError for shapes that do not fit, no sessions, or sessions that do not increase.
    """
    if closes.shape != (len(sessions), len(symbols)) or not sessions:
        raise ValueError(f"closes {closes.shape} do not fit {len(sessions)} sessions and {len(symbols)} symbols")
    if any(later <= earlier for earlier, later in pairwise(sessions)):
        raise ValueError("sessions must increase: the last row is the as-of session")
    last = len(sessions) - 1
    index = total_return_index(closes, ratios, dividends)
    end = _row_of_last_close(closes, last)
    price = _at(closes, end)
    returns, reason = np.full((len(symbols), len(HORIZONS)), np.nan), np.zeros((len(symbols), len(HORIZONS)), np.int8)
    returns[:, 0] = total_returns(closes[-2:], ratios[-2:], dividends[-2:])[-1]
    for column, reference in enumerate(_reference_dates(sessions[-1]), start=1):
        start = int(np.searchsorted(np.asarray(sessions, "datetime64[D]"), np.datetime64(reference, "D"), "right")) - 1
        returns[:, column] = _at(index, end) / _at(index, _row_of_last_close(closes, start)) - 1.0
    reason[np.isnan(returns)] = REASONS.index("no_reference_close")
    reason[:, 0][end != last] = REASONS.index("no_price")
    reason[end < 0] = REASONS.index("no_price")
    return DailyMetrics(
        as_of=sessions[-1],
        symbols=tuple(symbols),
        price=price,
        staleness=np.where(end < 0, -1, last - end),
        returns=returns,
        reason=reason,
        data_quality=_data_quality(closes),
    )


def _reference_dates(as_of: date) -> tuple[date, ...]:
    """Where 1m, 3m, mtd, ytd and 1y begin."""
    month_end = as_of.replace(day=1) - timedelta(days=1)
    year_end = date(as_of.year - 1, 12, 31)
    return _months_before(as_of, 1), _months_before(as_of, 3), month_end, year_end, _months_before(as_of, 12)


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _row_of_last_close(closes: Floats, row: int) -> Indices:
    """(S,): the row of the last close on or before `row`, at most five sessions older, else -1; -1 for a row of -1."""
    first = max(row - STALE_LIMIT, 0)
    recent = np.isfinite(closes[first : row + 1])[::-1]
    if len(recent) == 0:
        return np.full(closes.shape[1], -1)
    return np.where(recent.any(axis=0), row - recent.argmax(axis=0), -1)


def _at(values: Floats, rows: Indices) -> Floats:
    """(S,): each column's value in its own row, NaN for row -1."""
    return np.where(rows < 0, np.nan, values[rows, np.arange(values.shape[1])])


def _data_quality(closes: Floats) -> Floats:
    priced = np.isfinite(closes)
    first = np.where(priced.any(axis=0), priced.argmax(axis=0), len(closes))
    expected = np.minimum(len(closes) - first, QUALITY_WINDOW)
    found = priced[-QUALITY_WINDOW:].sum(axis=0)
    return np.where(expected > 0, found / np.maximum(expected, 1), 0.0)
