"""The rules for which a symbol's own bars and actions are enough."""

from dataclasses import dataclass

import numpy as np

from symbol_batch.factors.arrays import Bools, Floats
from symbol_batch.quality.habits import (
    DIVIDEND,
    DIVIDEND_DEVIATIONS,
    WINDOW,
    deviation,
    dividends_in_usual_ones,
)
from symbol_batch.quality.panel import BarPanel, Rows, Worth, rows_before
from symbol_batch.quality.rules import Rule

JUMP = 0.40
"""Total return; beyond it a real move (0.17 in 10,000 bars) is rarer than a wrong unit or a split that is missed."""
SPIKE = 5
"""Bars: a jump taken back within as many was the wrong one, and not the way back."""
ENCLOSURE = 0.005
"""Relative to the price that sticks out. Vendors mix sources of opening and closing prices by less than that."""
ROUNDING = 1e-6
"""Relative: what single precision and undoing a split leave."""


@dataclass(frozen=True)
class Alone:
    """What the rules found. Every array is (T, S).

    `flagged` has a mask for each rule. `previous` is the row of the bar that each one was compared with, −1 for a first
    one; `change` the total return since then, over a gap too, NaN where there is none.
    """

    flagged: dict[Rule, Bools]
    previous: Rows
    change: Floats

    @property
    def any_rule(self) -> Bools:
        """Which bars break a rule, if only one that warns."""
        return np.asarray(np.logical_or.reduce(list(self.flagged.values())))

    @property
    def held(self) -> Bools:
        """Which bars are to be held back."""
        return np.asarray(np.logical_or.reduce([mask for rule, mask in self.flagged.items() if rule.holds]))


def judge_alone(panel: BarPanel) -> Alone:
    """Hold each symbol's bars against its own earlier ones.

    A bar is compared with the last one before it, also over a gap, so that a fault behind a hole is seen. One symbol
    (S = 1) and a market take the same way, and no symbol's bars touch another's verdict. The first bar breaks no rule
    but that of enclosure.
    """
    previous = rows_before(panel.close)
    worth = Worth.of(panel)
    compared = (previous >= 0) & np.isfinite(panel.close)
    change = np.full(panel.close.shape, np.nan)
    row, column = np.nonzero(compared)
    change[row, column] = worth.change(previous[row, column], row, column)
    excess = enclosure_excess(panel)
    repeated, frozen = _stale(panel, previous, compared)
    flagged = {
        Rule.JUMP: _jumps(worth, previous, change),
        Rule.REPEATED: repeated,
        Rule.FROZEN: frozen & ~repeated,
        Rule.ENCLOSURE: excess > ENCLOSURE,
        Rule.LOOSE_ENCLOSURE: (excess > ROUNDING) & (excess <= ENCLOSURE),
        Rule.DIVIDEND: _dividends(panel, change),
    }
    return Alone(flagged, previous, change)


def enclosure_excess(panel: BarPanel) -> Floats:
    """(T, S): by how much open or close lie outside low to high, relative to the bound; 0 inside, or nothing known.

    Infinite where a price is not positive: it encloses nothing and lies nowhere.
    """
    top, bottom = np.fmax(panel.open, panel.close), np.fmin(panel.open, panel.close)
    with np.errstate(divide="ignore", invalid="ignore"):
        outside = np.fmax(np.fmax(top, panel.low) / panel.high, panel.low / bottom) - 1
    for price in (panel.open, panel.high, panel.low):
        outside[price <= 0] = np.inf
    excess: Floats = np.where(np.isfinite(panel.close), np.fmax(outside, 0.0), 0.0)
    return excess


def _stale(panel: BarPanel, previous: Rows, compared: Bools) -> tuple[Bools, Bools]:
    """Which bars say nothing new: all five figures those of the bar before, and the same close without volume."""
    columns = np.arange(panel.close.shape[1])
    same_close = compared & (panel.close == panel.close[previous, columns])
    repeated = same_close.copy()
    for figure in (panel.open, panel.high, panel.low, panel.volume):
        repeated &= figure == figure[previous, columns]
    return repeated, same_close & (panel.volume == 0)


def _jumps(worth: Worth, previous: Rows, change: Floats) -> Bools:
    """The bars that jumped, or that stand on the other side of a jump that was soon taken back.

    A wrong bar jumps twice, away and back. Where a jump leads back to the bar before an earlier one, at most `SPIKE`
    bars ago, all between are wrong and the one that came back is right. A jump that is not taken back is one bar:
    those after it agree with it.
    """
    jumped = np.abs(change) > JUMP
    flagged = jumped.copy()
    for column in np.flatnonzero(jumped.any(axis=0)).tolist():
        left = begun = -1
        for row in np.flatnonzero(jumped[:, column]).tolist():
            between = begun + np.flatnonzero(np.isfinite(worth.price[begun:row, column])) if left >= 0 else ()
            if left < 0 or len(between) > SPIKE:
                left, begun = int(previous[row, column]), row
            elif abs(worth.change(left, row, column)) <= JUMP:
                flagged[between, column], flagged[row, column] = True, False
                left = -1
    return flagged


def _dividends(panel: BarPanel, change: Floats) -> Bools:
    """The bars that go ex a dividend beyond the usual and did not fall for it: `change` is the total return."""
    flagged = np.zeros(change.shape, dtype=bool)
    unusual = dividends_in_usual_ones(panel.ratios, panel.dividends) > DIVIDEND
    for row, column in np.argwhere(unusual).tolist():
        known = change[:row, column]
        habit = np.abs(known[np.isfinite(known)][-WINDOW:, None])
        flagged[row, column] = change[row, column] > DIVIDEND_DEVIATIONS * deviation(habit)[0]
    return flagged
