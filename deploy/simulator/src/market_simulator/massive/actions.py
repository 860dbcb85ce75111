"""Splits and dividends of the whole market or of one symbol, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from market_simulator.market import Series
from market_simulator.massive.spelling import massive_ticker
from market_simulator.simulator import Simulator
from market_simulator.yahoo.chart import split_event

Json = dict[str, Any]


def splits(simulator: Simulator, symbol: str | None, first: int, last: int) -> list[Json]:
    """Splits that went ex in the sessions from `first` to `last`."""
    rows = [
        _split(simulator, series, split.session, split.ratio)
        for series in _asked(simulator, symbol)
        for split in series.splits
        if first <= split.session <= last
    ]
    return sorted(rows, key=lambda row: (row["execution_date"], row["ticker"]))


def dividends(simulator: Simulator, symbol: str | None, first: int, last: int) -> list[Json]:
    """Dividends that went ex in the sessions from `first` to `last`, as declared: per share of before that day."""
    rows = [
        {
            "ticker": massive_ticker(series.listing.symbol),
            "ex_dividend_date": simulator.market.sessions.day(dividend.session).isoformat(),
            "cash_amount": dividend.amount
            * prod((split.ratio for split in series.splits if split.session >= dividend.session), start=1.0),
            "currency": "USD",
            "distribution_type": "recurring",
            "frequency": 4,
            "id": f"E{series.listing.symbol}-{dividend.session}",
        }
        for series in _asked(simulator, symbol)
        for dividend in series.dividends
        if first <= dividend.session <= last
    ]
    return sorted(rows, key=lambda row: (row["ex_dividend_date"], row["ticker"]))


def _asked(simulator: Simulator, symbol: str | None) -> Iterable[Series]:
    symbols = simulator.market.series if symbol is None else [symbol]
    return (simulator.market.series[one] for one in symbols if simulator.history(one) is not None)


def _split(simulator: Simulator, series: Series, session: int, ratio: float) -> Json:
    event = split_event(ratio, 0)
    return {
        "ticker": massive_ticker(series.listing.symbol),
        "execution_date": simulator.market.sessions.day(session).isoformat(),
        "split_from": event["denominator"],
        "split_to": event["numerator"],
        "adjustment_type": "forward_split" if ratio > 1 else "reverse_split",
        "id": f"S{series.listing.symbol}-{session}",
    }
