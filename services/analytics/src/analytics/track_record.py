"""What is said of a series of daily returns: its growth, its fall, its reward, and how it went with another."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from riskstream.market.arrays import Floats

YEAR = 252
"""Sessions."""
FEWEST = 20
"""Sessions below which no ratio is estimated."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a peak: `peak`, `trough` and `recovery` are places in the growth, whose first is before
    any return. Not having recovered is `recovery` None; not having fallen is a depth of 0 and no places."""

    depth: float
    """Not positive, in decimals."""
    peak: int | None
    trough: int | None
    recovery: int | None
    now: float
    """From the highest of all to the last."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Annualised, with its standard error; None where the divisor is 0."""

    value: float | None
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """`y = alpha + beta·x` by least squares, daily, with classical standard errors."""

    alpha: float
    alpha_error: float
    beta: float
    beta_error: float
    r_squared: float | None
    """None where y never moves."""
    correlation: float | None


def growth_of(returns: Floats) -> Floats:
    """(T + 1,) worth of one unit, 1 before the first of the returns (T,)."""
    return np.concatenate([[1.0], np.cumprod(1.0 + returns)])


def drawdown_of(growth: Floats) -> Drawdown:
    """Of the worth of one unit (T + 1,). Of equal falls the first; the peak is the last session at that height."""
    highest = np.maximum.accumulate(growth)
    falls = growth / highest - 1.0
    trough = int(np.argmin(falls))
    if falls[trough] >= 0:
        return Drawdown(0.0, None, None, None, 0.0)
    top = highest[trough]
    peak = int(np.flatnonzero(growth[:trough] == top)[-1])
    after = np.flatnonzero(growth[trough:] >= top)
    recovery = trough + int(after[0]) if len(after) else None
    return Drawdown(float(falls[trough]), peak, trough, recovery, float(falls[-1]))


def sharpe_of(excess: Floats) -> Ratio:
    """Mean over sample standard deviation of daily excess returns (T,), times √252.

    The standard error takes the returns as independent and alike: `√((1 + ½·SR²) / T)` of the daily ratio, times √252
    (Lo, The Statistics of Sharpe Ratios, 2002). Of active returns it is the information ratio.
    """
    mean, deviation = float(excess.mean()), float(excess.std(ddof=1))
    # A series that stands still but for its last bits has no volatility either.
    if deviation <= 1e-12 * max(abs(mean), 1e-6):
        return Ratio(None, None)
    daily = mean / deviation
    return Ratio(daily * sqrt(YEAR), sqrt((1 + daily**2 / 2) / len(excess)) * sqrt(YEAR))


def sortino_of(excess: Floats) -> float | None:
    """Mean over downside deviation `√(mean(min(excess, 0)²))`, all T sessions counted, times √252.

    (Sortino and van der Meer, Downside Risk, 1991.) None where no session is below the risk-free rate.
    """
    downside = float(np.sqrt((np.minimum(excess, 0.0) ** 2).mean()))
    return None if downside == 0 else float(excess.mean()) / downside * sqrt(YEAR)


def line_through(x: Floats, y: Floats) -> Line | None:
    """Ordinary least squares of y (T,) on x (T,) and a constant, T > 2. None where x never moves."""
    across, up = x - x.mean(), y - y.mean()
    moved = float(across @ across)
    if moved <= (1e-12 * max(float(np.abs(x).max()), 1e-6)) ** 2 * len(x):
        return None
    beta = float(across @ up) / moved
    alpha = float(y.mean() - beta * x.mean())
    residuals = up - beta * across
    variance = float(residuals @ residuals) / (len(x) - 2)
    total = float(up @ up)
    explained = None if total <= 0 else min(max(1.0 - float(residuals @ residuals) / total, 0.0), 1.0)
    return Line(
        alpha=alpha,
        alpha_error=sqrt(variance * (1 / len(x) + float(x.mean()) ** 2 / moved)),
        beta=beta,
        beta_error=sqrt(variance / moved),
        r_squared=explained,
        correlation=None if total <= 0 else float(np.clip(across @ up / sqrt(moved * total), -1.0, 1.0)),
    )
