"""Corporate actions: what a provider's split ratio is, and prices as they were traded.

A provider such as Yahoo publishes closes and dividends adjusted for every split up to the fetch. Stored prices are as
traded, so the adjustment is undone here with the symbol's ledger of actions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Floats

Sessions: TypeAlias = Sequence[date] | npt.NDArray[np.datetime64]
ActionKind: TypeAlias = Literal["split", "distribution", "dividend"]

SPLIT_TOLERANCE = 5e-4
FRACTIONAL_SPLITS = (3 / 2, 5 / 4, 4 / 3, 5 / 2, 5 / 3, 6 / 5, 11 / 10, 21 / 20)


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """One line of a symbol's ledger.

    A split or distribution has a `ratio`: shares (or their worth) after over before, 2.0 for two for one. A dividend
    has an `amount`: cash per share held before the ex-date, in the price's currency. Never both.

    Raises ValueError when the figure that the kind needs is absent, not finite or not positive.
    """

    symbol: str
    ex_date: date
    kind: ActionKind
    ratio: float | None = None
    amount: float | None = None

    def __post_init__(self) -> None:
        """Refuse an action that no arithmetic could use."""
        needed, other = (self.amount, self.ratio) if self.kind == "dividend" else (self.ratio, self.amount)
        if needed is None or other is not None or not isfinite(needed) or needed <= 0:
            wanted = "a positive amount and no ratio" if self.kind == "dividend" else "a positive ratio and no amount"
            raise ValueError(
                f"{self.kind} of {self.symbol} on {self.ex_date} has ratio={self.ratio}, amount={self.amount}: "
                f"give {wanted}"
            )


def classify_ratio(ratio: float) -> Literal["split", "distribution"]:
    """Tell a split, which changes the number of shares, from a spin-off or stock dividend reported as one.

    A ratio within 5e-4 (absolute) of n or 1/n for a whole n ≥ 2, or of one of the usual fractions (3:2, 5:4, 4:3, 5:2,
    5:3, 6:5, 11:10, 21:20), is a split; any other is a distribution. n = 1 is left out: a ratio that is almost one
    leaves the share count alone.

    Raises ValueError for a ratio that is not a positive number, and for exactly 1, which is no action.
    """
    if not isfinite(ratio) or ratio <= 0 or ratio == 1:
        raise ValueError(f"a split ratio is positive, finite and not 1, but this is {ratio}: drop the row")
    whole = max(2, round(ratio))
    inverse = 1 / max(2, round(1 / ratio))
    near = (abs(ratio - usual) <= SPLIT_TOLERANCE for usual in (whole, inverse, *FRACTIONAL_SPLITS))
    return "split" if any(near) else "distribution"


def as_traded_closes(sessions: Sessions, closes: Floats, actions: Iterable[CorporateAction]) -> Floats:
    """Undo the provider's split adjustment of one symbol's prices: `close_t × Π ratio(ex_date > t)`.

    `closes` (T,) or (T, k) for k price columns; NaN stays NaN. Every ratio counts, of splits and of distributions: the
    provider adjusts for both. Dividends among `actions` are left aside. The same shape comes back.
    """
    factor = _ratio_product(sessions, actions, from_the_ex_date=False)
    return closes * factor.reshape((-1,) + (1,) * (closes.ndim - 1))


def as_declared_dividends(sessions: Sessions, dividends: Floats, actions: Iterable[CorporateAction]) -> Floats:
    """Bring one symbol's adjusted dividends (T,) to cash per pre-split share: `dividend_t × Π ratio(ex_date ≥ t)`.

    The ratio of the ex-date itself counts, other than for prices: the shares that earn a dividend on a split's ex-date
    are those held before the split.
    """
    return dividends * _ratio_product(sessions, actions, from_the_ex_date=True)


def _ratio_product(sessions: Sessions, actions: Iterable[CorporateAction], *, from_the_ex_date: bool) -> Floats:
    """(T,): the product of the ratios going ex after each session, or on and after it with `from_the_ex_date`."""
    ledger = sorted((action.ex_date, action.ratio) for action in actions if action.ratio is not None)
    ex_dates = np.array([ex_date for ex_date, _ in ledger], dtype="datetime64[D]")
    backwards: Floats = np.cumprod([1.0, *(ratio for _, ratio in reversed(ledger))], dtype=np.float64)
    done = np.searchsorted(
        ex_dates, np.asarray(sessions, dtype="datetime64[D]"), side="left" if from_the_ex_date else "right"
    )
    return backwards[len(ledger) - done]
