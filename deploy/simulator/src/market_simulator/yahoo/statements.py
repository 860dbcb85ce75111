"""/ws/fundamentals-timeseries: figures of the yearly and quarterly statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from market_simulator.market import Listing
from market_simulator.yahoo.fundamentals import Fundamentals, epoch

Json = dict[str, Any]

_PERIODS = {"annual": ("12M", 12, 1.0), "quarterly": ("3M", 3, 0.25)}
_POINTS = 4
_REPORTING_DELAY = timedelta(days=45)

_FIGURES: dict[str, Callable[[Fundamentals, float], float]] = {
    "TotalRevenue": lambda figures, share: figures.revenue * share,
    "NetIncome": lambda figures, share: figures.earnings_per_share * figures.shares * share,
    "DilutedEPS": lambda figures, share: figures.earnings_per_share * share,
    "StockholdersEquity": lambda figures, _: figures.book_per_share * figures.shares,
}


def timeseries(listing: Listing, figures: Fundamentals, types: Sequence[str], today: date) -> Json:
    """One result per asked type such as annualTotalRevenue, oldest point first; one without points is meta alone.

    A period appears 45 days after it ended. A company's figures do not change from period to period.
    """
    return {"timeseries": {"result": [_result(listing, figures, name, today) for name in types], "error": None}}


def _result(listing: Listing, figures: Fundamentals, name: str, today: date) -> Json:
    result: Json = {"meta": {"symbol": [listing.symbol], "type": [name]}}
    frequency = next((frequency for frequency in _PERIODS if name.startswith(frequency)), "")
    amount = _FIGURES.get(name.removeprefix(frequency))
    if not frequency or amount is None or listing.kind == "ETF":
        return result
    code, months, share = _PERIODS[frequency]
    ends = _period_ends(today - _REPORTING_DELAY, months)
    raw = round(amount(figures, share), 4)
    value = {"periodType": code, "currencyCode": "USD", "reportedValue": {"raw": raw, "fmt": f"{raw:,.2f}"}}
    return result | {
        "timestamp": [epoch(end) for end in ends],
        name: [{"asOfDate": end.isoformat(), **value} for end in ends],
    }


def _period_ends(latest: date, months: int) -> list[date]:
    after = (latest + timedelta(days=1)).replace(day=1)
    while (after.month - 1) % months:
        after = (after - timedelta(days=1)).replace(day=1)
    ends = []
    for _ in range(_POINTS):
        ends.append(after - timedelta(days=1))
        year, month = divmod(after.year * 12 + after.month - 1 - months, 12)
        after = date(year, month + 1, 1)
    return ends[::-1]
