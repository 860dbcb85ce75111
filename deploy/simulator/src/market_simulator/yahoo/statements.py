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
_TAX = 0.21

_FIGURES: dict[str, Callable[[Fundamentals, float], float]] = {
    "TotalRevenue": lambda figures, share: figures.revenue * share,
    "CostOfRevenue": lambda figures, share: 0.6 * figures.revenue * share,
    "GrossProfit": lambda figures, share: 0.4 * figures.revenue * share,
    "OperatingIncome": lambda figures, share: _net_income(figures) / (1 - _TAX) * share,
    "PretaxIncome": lambda figures, share: _net_income(figures) / (1 - _TAX) * share,
    "TaxProvision": lambda figures, share: _net_income(figures) / (1 - _TAX) * _TAX * share,
    "TaxRateForCalcs": lambda _, __: _TAX,
    "NetIncome": lambda figures, share: _net_income(figures) * share,
    "BasicEPS": lambda figures, share: figures.earnings_per_share * share,
    "DilutedEPS": lambda figures, share: figures.earnings_per_share * share,
    "DilutedAverageShares": lambda figures, _: float(figures.shares),
    "TotalAssets": lambda figures, _: 2.5 * _book(figures),
    "TotalLiabilitiesNetMinorityInterest": lambda figures, _: 1.5 * _book(figures),
    "StockholdersEquity": lambda figures, _: _book(figures),
    "CashAndCashEquivalents": lambda figures, _: 0.3 * _book(figures),
    "TotalDebt": lambda figures, _: 0.8 * _book(figures),
    "OperatingCashFlow": lambda figures, share: 1.2 * _net_income(figures) * share,
    "CapitalExpenditure": lambda figures, share: -0.05 * figures.revenue * share,
    "FreeCashFlow": lambda figures, share: (1.2 * _net_income(figures) - 0.05 * figures.revenue) * share,
}


def timeseries(listing: Listing, figures: Fundamentals, types: Sequence[str]) -> Json:
    """One result per asked type such as annualTotalRevenue, oldest point first; one without points is meta alone.

    A period appears on the first earnings day after its end. A company's figures do not change from period to period.
    """
    return {"timeseries": {"result": [_result(listing, figures, name) for name in types], "error": None}}


def _net_income(figures: Fundamentals) -> float:
    return figures.earnings_per_share * figures.shares


def _book(figures: Fundamentals) -> float:
    return figures.book_per_share * figures.shares


def _result(listing: Listing, figures: Fundamentals, name: str) -> Json:
    result: Json = {"meta": {"symbol": [listing.symbol], "type": [name]}}
    frequency = next((frequency for frequency in _PERIODS if name.startswith(frequency)), "")
    amount = _FIGURES.get(name.removeprefix(frequency))
    if not frequency or amount is None or listing.kind == "ETF":
        return result
    code, months, share = _PERIODS[frequency]
    ends = _period_ends(figures.last_earnings - timedelta(days=1), months)
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
