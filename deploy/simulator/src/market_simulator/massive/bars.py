"""Grouped days and one symbol's aggregates, as traded."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from market_simulator.as_of import History, later_ratio
from market_simulator.massive.spelling import massive_ticker
from market_simulator.simulator import Simulator

Json = dict[str, Any]

_OPENING = 9 * 3600 + 1800
"""Seconds of the day at which the exchange opens."""


def grouped_day(simulator: Simulator, session: int | None) -> Json:
    """Everything that traded in one session; nothing for a day without one, and for one not yet published."""
    rows = [] if session is None or session > simulator.last_session() else _rows(simulator, session)
    return {
        "queryCount": len(rows),
        "resultsCount": len(rows),
        "adjusted": False,
        "results": rows,
        "status": "OK",
        "request_id": simulator.crumb,
        "count": len(rows),
    }


def aggregates(simulator: Simulator, symbol: str, first: int, last: int) -> Json:
    """One symbol's daily bars of the sessions from `first` to `last`; none for an unknown symbol, without an error."""
    history = simulator.history(symbol)
    rows = []
    if history is not None:
        begin, end = np.searchsorted(history.session, [first, last + 1])
        rows = [_row(simulator, history, row) for row in range(begin, end)]
    return {
        "ticker": massive_ticker(symbol),
        "queryCount": len(rows),
        "resultsCount": len(rows),
        "adjusted": False,
        "results": rows,
        "status": "OK",
        "request_id": simulator.crumb,
        "count": len(rows),
    }


def _rows(simulator: Simulator, session: int) -> list[Json]:
    """Straight from the series: making every symbol's history for one bar of each takes a second."""
    faults, last = simulator.faults, simulator.last_session()
    day, seconds = simulator.market.sessions.day(session), int(simulator.market.sessions.closes[session])
    rows = []
    for symbol, series in simulator.market.series.items():
        row = int(np.searchsorted(series.session, session))
        is_there = row < len(series.session) and series.session[row] == session
        is_delisted = series.delisted is not None and last >= series.delisted
        is_dropped = session == last and faults.hides("drop", symbol)
        if not is_there or is_delisted or is_dropped or faults.hides("unknown", symbol):
            continue
        ratio = later_ratio(series.splits, session)
        price = ratio * prod((fault.factor for fault in faults.scalings(symbol) if day in fault.sessions), start=1.0)
        rows.append(
            {
                "T": massive_ticker(symbol),
                "o": float(series.open[row] * price),
                "h": float(series.high[row] * price),
                "l": float(series.low[row] * price),
                "c": float(series.close[row] * price),
                "v": round(float(series.volume[row] / ratio)),
                "t": seconds * 1000,
            }
        )
    return rows


def _row(simulator: Simulator, history: History, row: int) -> Json:
    """A bar of aggregates; its time is the day's beginning in New York."""
    session = int(history.session[row])
    ratio = later_ratio(history.splits, session)
    return {
        "o": float(history.open[row] * ratio),
        "h": float(history.high[row] * ratio),
        "l": float(history.low[row] * ratio),
        "c": float(history.close[row] * ratio),
        "v": round(float(history.volume[row] / ratio)),
        "t": (int(simulator.market.sessions.opens[session]) - _OPENING) * 1000,
    }
