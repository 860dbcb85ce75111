"""Massive's rows as arrays and actions. No network."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite, nan, prod
from re import fullmatch
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstream.runtime.clock import NEW_YORK
from symbol_batch.factors.arrays import Floats
from symbol_batch.providers.massive_client import Row
from symbol_batch.providers.provider import DatedFigures, Outcome, Unusable

FIELDS = ("o", "h", "l", "c", "v")
CURRENCY = "USD"

Tickers: TypeAlias = npt.NDArray[np.str_]


@dataclass(frozen=True)
class GroupedDay:
    """One session of the whole market: `tickers` (N,) in order, `bars` (N, 5) open, high, low, close, volume.

    `doubled` are tickers that the answer had twice with different figures: their row is NaN.
    """

    tickers: Tickers
    bars: Floats
    doubled: frozenset[str]

    def of(self, tickers: Tickers) -> Floats:
        """(K, 5): the bars of these tickers, NaN for those that did not trade."""
        found = np.full((len(tickers), len(FIELDS)), nan)
        if len(self.tickers):
            place = np.minimum(np.searchsorted(self.tickers, tickers), len(self.tickers) - 1)
            here = self.tickers[place] == tickers
            found[here] = self.bars[place[here]]
        return found


@dataclass(frozen=True)
class MarketActions:
    """What went ex, by ticker, each oldest first. `left_out` says of each dividend that was not used why."""

    ratios: dict[str, DatedFigures]
    dividends: dict[str, DatedFigures]
    left_out: dict[str, str]


def grouped_day(rows: Sequence[Row], session: date) -> GroupedDay:
    """Unusable (BAD_DATA) for rows of another day or without a ticker, and for a figure that is no number."""
    table: dict[str, tuple[float, ...]] = {}
    doubled = set()
    for row in rows:
        ticker, figures = str(row.get("T") or ""), _figures(row)
        if not ticker or _day(row) != session:
            raise Unusable(Outcome.BAD_DATA, f"the grouped day {session} holds {_shown(row)}, which is not of that day")
        if ticker in table and table[ticker] != figures:
            doubled.add(ticker)
            figures = (nan,) * len(FIELDS)
        table[ticker] = figures
    tickers = np.array(list(table), dtype=np.str_)
    order = np.argsort(tickers)
    bars = np.array(list(table.values()), dtype=np.float64).reshape(-1, len(FIELDS))
    return GroupedDay(tickers[order], bars[order], frozenset(doubled))


def daily_bars(rows: Sequence[Row]) -> tuple[npt.NDArray[np.datetime64], Floats]:
    """One symbol's aggregates: days (N,) as they came, bars (N, 5)."""
    days = np.array([_day(row) for row in rows], dtype="datetime64[D]")
    return days, np.array([_figures(row) for row in rows], dtype=np.float64).reshape(-1, len(FIELDS))


def market_actions(splits: Iterable[Row], dividends: Iterable[Row]) -> MarketActions:
    """Ledgers by ticker. Rows that are there twice count once; several dividends of a day add up, several splits
    multiply. A dividend in another currency than US dollars, or without an amount, is left out. Unusable (BAD_DATA) for
    a split whose figures make no ratio: every earlier price depends on it.
    """
    left_out: dict[str, str] = {}
    ratios = _gathered({_split_key(row) for row in splits}, prod)
    paid = {_dividend_key(row) for row in dividends}
    usable = set()
    for ticker, day, amount, currency, kind in paid:
        if currency.upper() == CURRENCY and isfinite(amount) and amount > 0:
            usable.add((ticker, day, amount, kind))
        else:
            left_out[ticker] = f"left out a dividend of {amount:g} {currency} on {day}"
    return MarketActions(ratios, _gathered(usable, sum), left_out)


def massive_ticker(symbol: str) -> str:
    """Our spelling in Massive's: BRK-B is BRK.B, the preferred KIM-PL is KIMpL."""
    preferred = fullmatch(r"([A-Z]+)-P([A-Z]?)", symbol)
    return f"{preferred[1]}p{preferred[2]}" if preferred else symbol.replace("-", ".")


def _gathered(rows: set[tuple[Any, ...]], together: Any) -> dict[str, DatedFigures]:
    figures: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(list))
    for ticker, day, figure, *_ in sorted(rows, key=str):
        figures[ticker][day].append(figure)
    return {
        ticker: tuple((day, float(together(found))) for day, found in sorted(days.items()))
        for ticker, days in figures.items()
    }


def _split_key(row: Row) -> tuple[str, date, float, str]:
    before, after = _number(row, "split_from"), _number(row, "split_to")
    if not (before > 0 and after > 0 and isfinite(after / before)):
        raise Unusable(Outcome.BAD_DATA, f"a split without a ratio: {_shown(row)}")
    return str(row.get("ticker")), _date(row, "execution_date"), after / before, str(row.get("adjustment_type"))


def _dividend_key(row: Row) -> tuple[str, date, float, str, str]:
    currency = str(row.get("currency") or CURRENCY)
    kind = f"{row.get('distribution_type')} {row.get('pay_date')}"
    return str(row.get("ticker")), _date(row, "ex_dividend_date"), _number(row, "cash_amount"), currency, kind


def _figures(row: Row) -> tuple[float, ...]:
    return tuple(_number(row, field) for field in FIELDS)


def _number(row: Row, field: str) -> float:
    value = row.get(field)
    if value is None:
        return nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unusable(Outcome.BAD_DATA, f"{field} is {value!r}, no number, in {_shown(row)}")
    return float(value)


def _day(row: Row) -> date:
    """The New York date of a bar's instant, which is the session's end in grouped days and its beginning elsewhere."""
    milliseconds = _number(row, "t")
    if not isfinite(milliseconds):
        raise Unusable(Outcome.BAD_DATA, f"a bar without a time: {_shown(row)}")
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(NEW_YORK).date()


def _date(row: Row, field: str) -> date:
    try:
        return date.fromisoformat(str(row.get(field)))
    except ValueError as error:
        raise Unusable(Outcome.BAD_DATA, f"{field} is {row.get(field)!r}, no date, in {_shown(row)}") from error


def _shown(row: Row) -> str:
    return str(row)[:120]
