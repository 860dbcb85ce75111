"""Why a bar is suspicious, in a sentence with the figures: for whoever has to accept or reject it."""

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import numpy as np

from symbol_batch.quality.alone import JUMP, Alone, enclosure_excess
from symbol_batch.quality.among import Among
from symbol_batch.quality.habits import dividends_in_usual_ones
from symbol_batch.quality.panel import BarPanel
from symbol_batch.quality.rules import Rule

Cell: TypeAlias = tuple[int, int]

MOST_SPELT_OUT = 1e4
"""A figure beyond it is nonsense, of up to three hundred digits."""


def reason_alone(rule: Rule, panel: BarPanel, found: Alone, days: Sequence[date], cell: Cell) -> str:
    """Why the bar at `cell` (row, column) breaks a rule on a symbol's own bars; `days` are the panel's sessions."""
    row, column = cell
    before = int(found.previous[row, column])
    change = f"total return {_percent(found.change[row, column])}"
    if rule is Rule.JUMP:
        return f"{_closes(panel, days, before, cell)}: {_jump(panel, found, change, cell)}"
    if rule is Rule.REPEATED:
        return f"open, high, low, close and volume are all those of {days[before]}"
    if rule is Rule.FROZEN:
        return f"{_closes(panel, days, before, cell)}, and no volume"
    if rule is Rule.DIVIDEND:
        times = dividends_in_usual_ones(panel.ratios[:, [column]], panel.dividends[:, [column]])
        return f"{_dividend(times[row, 0])}: {change}"
    return _enclosure(panel, cell)


def reason_among(rule: Rule, found: Among, cell: Cell) -> str:
    """Why the bar at `cell` (row, column) breaks a rule that holds it against the other symbols."""
    own, residual, volume = found.returns[cell], found.residual[cell], found.volume[cell]
    moved = (
        f"total return {_percent(own)} where market and sector make {_percent(own - residual)}, "
        f"{found.z[cell]:.1f} of the symbol's own deviations"
    )
    if rule is Rule.DIVIDEND:
        return f"{_dividend(found.dividend[cell])}: {moved}"
    traded = f"{volume:.1f} times the usual volume" if np.isfinite(volume) else "a volume that is not known"
    return f"{moved}, on {traded}"


def _percent(change: float) -> str:
    return f"{change:+.1%}" if abs(change) < MOST_SPELT_OUT else f"{100 * change:+.3g}%"


def _dividend(times: float) -> str:
    many = f"{times:.1f}" if times < MOST_SPELT_OUT else f"{times:.3g}"
    return f"a dividend of {many} times the median of those before, and the price did not fall for it"


def _closes(panel: BarPanel, days: Sequence[date], before: int, cell: Cell) -> str:
    row, column = cell
    return f"close {panel.close[row, column]:.6g} after {panel.close[before, column]:.6g} on {days[before]}"


def _jump(panel: BarPanel, found: Alone, change: str, cell: Cell) -> str:
    row, column = cell
    if abs(found.change[row, column]) <= JUMP:
        return "amid a jump that was soon taken back"
    way = slice(int(found.previous[row, column]) + 1, row + 1)
    ratio, dividend = panel.ratios[way, column].prod(), panel.dividends[way, column].sum()
    listed = [f"a ratio of {ratio:.6g}"] if ratio != 1 else []
    listed += [f"a dividend of {dividend:.6g}"] if dividend else []
    return f"{change} with {' and '.join(listed) or 'no action'} listed"


def _enclosure(panel: BarPanel, cell: Cell) -> str:
    low, high, opened, close = (f"{prices[cell]:.6g}" for prices in (panel.low, panel.high, panel.open, panel.close))
    excess = enclosure_excess(panel)[cell]
    by = f"by {excess:.2%}" if np.isfinite(excess) else "as one of them is not positive"
    return f"low {low} to high {high} does not enclose open {opened} and close {close}, {by}"
