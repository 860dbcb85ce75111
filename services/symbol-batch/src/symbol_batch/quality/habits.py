"""What is usual for a symbol: the size of its moves and of its dividends. Both rooms of rules measure by it."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from symbol_batch.factors.arrays import Floats
from symbol_batch.quality.medians import median

DIVIDEND = 3.0
"""Times the usual one; beyond it a dividend needs a price that fell for it."""
DIVIDEND_DEVIATIONS = 3.0
DIVIDENDS = 4
DIVIDENDS_LEAST = 2
WINDOW = 63
LEAST = 21
"""Moves; fewer say nothing about a symbol's habits."""
FLOOR = 0.005
"""Of a deviation, in decimals: nobody's habits are so small that a move of a few percent was impossible."""
NORMAL_MEDIAN = 0.6745
"""Of |z| where z is standard normal; its inverse is the 1.4826 that makes a median deviation a standard one."""


def deviation(sizes: Floats) -> Floats:
    """(S,): a symbol's usual deviation, 1.4826 · the median of |move| over the rows of `sizes` (T, S), at least 0.5 %.

    NaN with fewer than 21 known. A median, so that the few large moves that are being looked for do not hide behind
    each other.
    """
    usual: Floats = np.maximum(median(sizes, least=LEAST) / NORMAL_MEDIAN, FLOOR)
    return usual


def dividends_in_usual_ones(ratios: Floats, dividends: Floats, *, since: int = 0) -> Floats:
    """(T − since, S): each dividend over the median of the symbol's last four before it.

    NaN where none goes ex, and with fewer than two before it. Arguments (T, S) as of a `BarPanel`; dividends are
    compared per share of the same size, so that a split between them does not matter.
    """
    times = np.full((len(dividends) - since, dividends.shape[1]), np.nan)
    for column in np.flatnonzero((dividends[since:] > 0).any(axis=0)).tolist():
        rows = np.flatnonzero(dividends[:, column] > 0)
        shares = np.cumprod(ratios[:, column])
        paid = dividends[rows, column] * shares[rows] / ratios[rows, column]
        before = sliding_window_view(np.concatenate([np.full(DIVIDENDS, np.nan), paid[:-1]]), DIVIDENDS)
        own = paid / median(before, axis=1, least=DIVIDENDS_LEAST)
        times[rows[rows >= since] - since, column] = own[rows >= since]
    return times
