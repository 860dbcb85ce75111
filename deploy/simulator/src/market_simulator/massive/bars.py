"""Grouped days and one symbol's aggregates, as traded."""

from __future__ import annotations

from typing import Any

import numpy as np

from market_simulator.as_of import History, later_ratio
from market_simulator.massive.spelling import massive_ticker
from market_simulator.simulator import Simulator

Json = dict[str, Any]


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
        rows = [_row(simulator, history, row, "opens") for row in range(begin, end)]
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
    rows = []
    for symbol in simulator.market.series:
        history = simulator.history(symbol)
        if history is None:
            continue
        row = int(np.searchsorted(history.session, session))
        if row < len(history.session) and history.session[row] == session:
            rows.append({"T": massive_ticker(symbol)} | _row(simulator, history, row, "closes"))
    return rows


def _row(simulator: Simulator, history: History, row: int, stamp: str) -> Json:
    """A bar; its time is the session's close in a grouped day and the day's beginning in aggregates."""
    session = int(history.session[row])
    sessions = simulator.market.sessions
    ratio = later_ratio(history.splits, session)
    opening = int(sessions.opens[session])
    seconds = int(sessions.closes[session]) if stamp == "closes" else opening - 9 * 3600 - 1800
    return {
        "o": float(history.open[row] * ratio),
        "h": float(history.high[row] * ratio),
        "l": float(history.low[row] * ratio),
        "c": float(history.close[row] * ratio),
        "v": round(float(history.volume[row] / ratio)),
        "t": seconds * 1000,
    }
