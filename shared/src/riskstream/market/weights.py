"""How much each session counts."""

import numpy as np

from riskstream.market.arrays import Floats


def session_weights(sessions: int, half_life: float | None) -> Floats:
    """(T,), summing to 1: how much each session counts, the newest last; as `½^(age / half_life)`, equally for None."""
    if half_life is None:
        return np.full(sessions, 1.0 / sessions)
    weights = np.exp2(-np.arange(sessions - 1, -1, -1) / half_life)
    normed: Floats = weights / weights.sum()
    return normed
