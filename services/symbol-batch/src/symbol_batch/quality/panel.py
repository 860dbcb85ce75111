"""Bars and actions of symbols as arrays, and their returns over gaps."""

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Floats

Rows: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True)
class BarPanel:
    """Bars as traded and what goes ex: every array is (T, S), a row per session, a column per symbol.

    NaN in `close` is no bar; in another price or in the volume (shares of its day) it is a figure that is not known.
    `ratios` are 1 and `dividends` (cash per share held before the session) 0 where nothing goes ex.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    ratios: Floats
    dividends: Floats

    def __post_init__(self) -> None:
        """Refuse arrays that are no panel, and figures that no arithmetic could use."""
        shapes = {field.name: getattr(self, field.name).shape for field in fields(self)}
        if self.close.ndim != 2 or len(set(shapes.values())) != 1:
            raise ValueError(f"bars and actions must all be one panel of (sessions, symbols), not {shapes}")
        if (np.isinf(self.close) | (self.close <= 0)).any():
            raise ValueError("a close is positive, or NaN where there is none: refuse such bars before they are judged")
        if not ((self.ratios > 0) & np.isfinite(self.ratios)).all():
            raise ValueError("a ratio is positive and finite, 1 where nothing goes ex")
        if not ((self.dividends >= 0) & np.isfinite(self.dividends)).all():
            raise ValueError("a dividend is finite and not negative, 0 where nothing goes ex")


@dataclass(frozen=True)
class Worth:
    """What one first share of each symbol has become, so that returns between any two bars are one division.

    `price` (T, S): the close times every ratio so far. `paid` (T, S): the cash paid so far on what the share became.
    """

    price: Floats
    paid: Floats
    shares: Floats

    @classmethod
    def of(cls, panel: BarPanel) -> "Worth":
        """The first row's own actions count as done: there is nothing before them to compare with."""
        shares: Floats = np.cumprod(panel.ratios, axis=0, dtype=np.float64)
        paid = np.cumsum(panel.dividends * shares / panel.ratios, axis=0)
        return cls(panel.close * shares, paid, shares)

    def change(self, since: Rows | int, until: Rows | int, column: Rows | int) -> Floats:
        """Total return from one row's close to another's, in decimals; NaN where there is no close at either end.

        Between consecutive sessions `(ratio·P_t + dividend) / P_{t−1} − 1`. Over a gap all ratios and dividends on the
        way count: for judging a bar only, as a return over several sessions is never a session's return.
        """
        gained = self.price[until, column] + self.paid[until, column] - self.paid[since, column]
        change: Floats = gained / self.price[since, column] - 1
        return change


def rows_before(close: Floats) -> Rows:
    """(T, S): the row of the last bar before each row, −1 where there is none."""
    rows = np.where(np.isfinite(close), np.arange(len(close))[:, None], -1)
    before = np.full(close.shape, -1, dtype=np.intp)
    before[1:] = np.maximum.accumulate(rows, axis=0)[:-1]
    return before
