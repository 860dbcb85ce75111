"""Ledgers of corporate actions as panels."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

import numpy as np

from riskstream.market.arrays import Days, Floats


class Action(Protocol):
    """A line of a symbol's ledger: a split or distribution has a `ratio`, a dividend an `amount`."""

    @property
    def symbol(self) -> str: ...
    @property
    def ex_date(self) -> date: ...
    @property
    def ratio(self) -> float | None: ...
    @property
    def amount(self) -> float | None: ...


def action_panel(
    actions: Iterable[Action], sessions: Sequence[date] | Days, symbols: Sequence[str]
) -> tuple[Floats, Floats]:
    """Lay ledgers out as (ratios, dividends), both (T, S): 1 and 0 where nothing goes ex.

    An action dated on a day without session counts on the next one; several on one session multiply (ratios) or add up
    (dividends). Actions before the first or after the last session, and of symbols not asked for, are outside the panel
    and left out. `sessions` must be increasing.
    """
    days = np.asarray(sessions, dtype="datetime64[D]")
    column = {symbol: index for index, symbol in enumerate(symbols)}
    ratios = np.ones((len(days), len(symbols)))
    dividends = np.zeros((len(days), len(symbols)))
    for action in actions:
        row = int(np.searchsorted(days, np.datetime64(action.ex_date, "D")))
        if action.symbol not in column or row == len(days) or np.datetime64(action.ex_date, "D") < days[0]:
            continue
        cell = row, column[action.symbol]
        if action.ratio is not None:
            ratios[cell] *= action.ratio
        if action.amount is not None:
            dividends[cell] += action.amount
    return ratios, dividends
