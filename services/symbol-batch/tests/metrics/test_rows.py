"""The rows of an edition, made one after the other of the figures of all symbols."""

import tracemalloc
from collections import deque
from datetime import date, timedelta
from itertools import islice
from uuid import UUID

import numpy as np

from riskstream.market.risk_factors import BENCHMARKS
from symbol_batch.figures import Figures, exposures_of, metric_rows, metrics_of
from symbol_batch.panel import Panel
from symbol_batch.providers.provider import Outcome

RUN = UUID(int=1)
SESSIONS = [date(2024, 6, 3) + timedelta(days=day) for day in range(8)]


def panel_of(count: int) -> Panel:
    symbols = (*BENCHMARKS, *(f"X{number}" for number in range(count - len(BENCHMARKS))))
    closes = np.full((len(SESSIONS), count), 100.0)
    closes[:, -1] = np.nan
    return Panel(symbols, SESSIONS, closes, np.ones_like(closes), np.zeros_like(closes))


def rows_of(panel: Panel):
    figures = Figures(exposures_of(panel, panel.symbols), metrics_of(panel, panel.symbols))
    return metric_rows(figures, panel.sessions, {panel.symbols[-1]: Outcome.TRANSPORT}, 1, RUN)


def test_a_row_costs_the_same_memory_however_many_symbols_come_before_it() -> None:
    few, many = 100, 10_000
    assert peak_of_the_last_row(many) < peak_of_the_last_row(few) + 20_000


def peak_of_the_last_row(count: int) -> int:
    rows = rows_of(panel_of(count))
    deque(islice(rows, count - 1), maxlen=0)
    tracemalloc.start()
    try:
        next(rows)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_symbol_without_a_price_names_why_once_for_the_price_and_each_return() -> None:
    reasons = list(rows_of(panel_of(12)))[-1][-2]
    assert reasons.count("no_price (TRANSPORT)") == 7


def test_a_panels_own_symbols_are_looked_at_and_others_are_chosen() -> None:
    panel = panel_of(12)
    assert np.shares_memory(panel.closes[:, panel.columns(panel.symbols)], panel.closes)
    assert panel.columns(["X1", "SPY"]) == [panel.symbols.index("X1"), panel.symbols.index("SPY")]
    assert panel.columns(panel.symbols[::-1]) == list(range(12))[::-1]
