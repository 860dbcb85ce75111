"""Medians of ragged panels."""

import numpy as np

from symbol_batch.factors.arrays import Floats


def median(values: Floats, axis: int = 0, *, least: int = 1) -> Floats:
    """The median of the known (not NaN) values along an axis, which goes; NaN where fewer than `least` are known.

    Two values in the middle count half each. One sort for all series, where numpy's own function takes them singly.
    """
    if not values.shape[axis]:
        return np.full(values.shape[:axis] + values.shape[axis + 1 :], np.nan)
    ordered = np.sort(values, axis=axis)
    known = np.isfinite(values).sum(axis=axis, keepdims=True)
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, values.shape[axis] - 1)
    middle = (np.take_along_axis(ordered, low, axis) + np.take_along_axis(ordered, high, axis)) / 2
    result: Floats = np.where(known >= max(least, 1), middle, np.nan).squeeze(axis)
    return result
