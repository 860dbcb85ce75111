"""Value at risk and expected shortfall of losses that were seen, by their order statistics."""

from dataclasses import dataclass
from functools import cache
from math import comb, sqrt

import numpy as np

from riskstream.market.arrays import Floats

TAIL_SIDE = 0.025
"""What an interval leaves out at each end."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The worst losses at a level, in the unit of the losses; a loss is positive."""

    count: int
    """The tail are the `count` worst losses."""
    value_at_risk: float
    """The smallest of them."""
    expected_shortfall: float
    """Their mean."""
    expected_shortfall_error: float
    low: float
    """At least this, with 97.5 % confidence, is the value at risk of what the losses were drawn from."""
    high: float | None
    """And at most this; None where so few losses cannot bound it from above."""


def tail_count(sessions: int, level: int) -> int:
    """The rank, from the worst, of the loss that is the value at risk at `level` per cent of so many: 13 and 3 of 252.

    `⌊n·(1 − level)⌋ + 1`, the empirical distribution's quantile: the smallest loss l for which at least `level` of the
    losses are ≤ l. It is never interpolated between losses.
    """
    return sessions * (100 - level) // 100 + 1


def fewest_sessions(level: int) -> int:
    """So many that one loss beyond the level is expected among them: 20 at 95 %, 100 at 99 %.

    Of fewer, the value at risk would be the worst loss there is, whatever the level.
    """
    return 100 // (100 - level)


def tail_of(losses: Floats, level: int) -> Tail:
    """Of at least `fewest_sessions` losses (T,), taken as independent draws of one distribution.

    The expected shortfall is the mean of the tail; its standard error is `√((s² + p·(ES − VaR)²) / k)` with s² the
    variance of the k losses in the tail and p the level (Manistre and Hancock, Variance of the CTE Estimator, 2005).
    It is itself rough where k is small. The bounds are order statistics too, by the binomial distribution of how many
    losses exceed a quantile, and ask nothing of the distribution (Conover, Practical Nonparametric Statistics).

    Raises ValueError for too few losses.
    """
    sessions = len(losses)
    if sessions < fewest_sessions(level):
        raise ValueError(f"{sessions} losses: {level} % asks for at least {fewest_sessions(level)}")
    count, (lower, upper) = tail_count(sessions, level), bounding_ranks(sessions, level)
    worst = np.sort(losses)[::-1]
    tail = worst[:count]
    at_risk, mean = float(tail[-1]), float(tail.mean())
    variance = float(tail.var(ddof=1)) + level / 100 * (mean - at_risk) ** 2
    return Tail(
        count=count,
        value_at_risk=at_risk,
        expected_shortfall=mean,
        expected_shortfall_error=sqrt(variance / count),
        low=float(worst[lower - 1]),
        high=None if upper is None else float(worst[upper - 1]),
    )


@cache
def bounding_ranks(sessions: int, level: int) -> tuple[int, int | None]:
    """Ranks from the worst of the losses between which the quantile lies with at least 95 % confidence.

    The number N of losses beyond the quantile is binomial. The quantile is below the loss of rank u with probability
    P(N ≥ u), and not below the loss of rank l with probability P(N < l): both are held to 2.5 %. There may be no l: of
    252 losses none exceeds the 99 % quantile in 8 % of all cases.
    """
    beyond = (100 - level) / 100
    chances = [comb(sessions, n) * beyond**n * (1 - beyond) ** (sessions - n) for n in range(sessions + 1)]
    below = np.concatenate([[0.0], np.cumsum(chances)])
    upper = int(np.searchsorted(below, TAIL_SIDE, side="right")) - 1
    lower = int(np.searchsorted(below, 1 - TAIL_SIDE))
    return lower, upper or None
