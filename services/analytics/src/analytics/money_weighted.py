"""The money-weighted return: the rate at which what an owner put in became what there is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from riskstream.market.arrays import Days, Floats

NoRateReason = Literal["no_sign_change", "no_rate", "not_converged"]
DAYS_OF_A_YEAR = 365.0
"""Actual/365, as spreadsheets reckon XIRR."""

_FURTHEST = 600.0
"""A growth of e^600 over the period, either way, is none that anybody had."""


@dataclass(frozen=True, slots=True)
class InternalRate:
    """What solves `Σ amount_k · (1 + r)^(−days_k / 365) = 0`."""

    growth: float | None
    """Natural logarithm of (1 + r) over the whole period; null with a reason where no rate solves it."""
    reason: NoRateReason | None
    rates: int
    """How many solve it, as far as the search could tell them apart; `growth` is the one nearest 0."""
    days: int
    """From the first amount to the last."""

    @property
    def period(self) -> float | None:
        """The rate over the whole period, in decimals."""
        return None if self.growth is None else float(np.expm1(self.growth))

    @property
    def annual(self) -> float | None:
        """The same for a year, the XIRR; infinite where a few days would grow beyond all numbers."""
        if self.growth is None:
            return None
        with np.errstate(over="ignore"):
            return float(np.expm1(self.growth * DAYS_OF_A_YEAR / self.days))


def internal_rate(days: Days, amounts: Floats) -> InternalRate:
    """The rate of dated `amounts` (K,): what the owner paid in is negative, what came back, or is left, positive.

    `days` are ascending. With one change of sign among the amounts there is exactly one rate above −100 % (Descartes);
    it is bracketed and bisected to the last bit. With more there may be none or several: a grid over the logarithm of
    the growth, dense around 0, finds where the present value changes sign. Two rates closer than the grid's step may
    be missed together. Without a change of sign there is none: `no_sign_change`.
    """
    used = amounts != 0
    days, amounts = days[used], amounts[used]
    signs = np.sign(amounts)
    changes = int((signs[1:] != signs[:-1]).sum())
    length = int((days[-1] - days[0]).astype(int)) if len(days) else 0
    if changes == 0 or length == 0:
        return InternalRate(None, "no_sign_change", 0, length)
    elapsed = (days - days[0]).astype(np.float64) / length

    def value(growth: float) -> float:
        return float(_present_values(np.array([growth]), elapsed, amounts)[0])

    roots = [_bisected(value, low, high) for low, high in _brackets(elapsed, amounts)]
    if not roots:
        return InternalRate(None, "not_converged" if changes % 2 else "no_rate", 0, length)
    return InternalRate(min(roots, key=abs), None, len(roots), length)


def _present_values(growths: Floats, elapsed: Floats, amounts: Floats) -> Floats:
    """(G,) worth of the amounts at the start for positive growths, at the end for negative ones.

    The sign, which is all that is asked, is the same, and no power can overflow.
    """
    distance = np.where(growths[:, None] >= 0, elapsed[None, :], 1.0 - elapsed[None, :])
    found: Floats = np.exp(-np.abs(growths)[:, None] * distance) @ amounts
    return found


def _brackets(elapsed: Floats, amounts: Floats) -> list[tuple[float, float]]:
    """Intervals at whose ends the present value has opposite signs, or a point twice where it is 0."""
    steps = np.sinh(np.linspace(0.0, np.arcsinh(_FURTHEST * 100), 400)) / 100
    grid = np.concatenate([-steps[:0:-1], steps])
    signs = np.sign(_present_values(grid, elapsed, amounts))
    met = [(float(grid[n]), float(grid[n])) for n in np.flatnonzero(signs == 0)]
    crossed = np.flatnonzero(signs[1:] * signs[:-1] < 0)
    return [*met, *((float(grid[n]), float(grid[n + 1])) for n in crossed)]


def _bisected(value: Callable[[float], float], low: float, high: float) -> float:
    """The root between two ends of opposite sign, as near as two neighbouring numbers."""
    below = value(low)
    while low < (middle := (low + high) / 2) < high:
        here = value(middle)
        if here == 0:
            return middle
        if (here > 0) == (below > 0):
            low = middle
        else:
            high = middle
    return min(low, high, key=lambda end: abs(value(end)))
