"""A provider's answer as we keep it: as traded, checked, and compared with what is stored. No database, no network."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from symbol_batch.actions import (
    CorporateAction,
    as_declared_dividends,
    as_traded_closes,
    classify_ratio,
)
from symbol_batch.factors.arrays import Floats
from symbol_batch.providers.provider import ProviderBars

Days: TypeAlias = npt.NDArray[np.datetime64]
ActionKey: TypeAlias = tuple[date, str]

CLOSE_TOLERANCE = 1e-4
"""Relative: beyond it a close has changed, not been rounded differently."""
ACTION_TOLERANCE = 1e-3
"""Relative: providers round an adjusted dividend to few digits, so it comes back slightly different after a split."""
WRONG_SERIES = 3
"""So many changed closes in an overlap are no corrections: it is another series."""


@dataclass(frozen=True)
class TradedBars:
    """One symbol's bars as traded, (N,) each, oldest first, one per session. Closes are finite and positive; the other
    figures are NaN where unknown. Volume in shares of its day.
    """

    days: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def at(self, rows: npt.NDArray[np.bool_]) -> "TradedBars":
        """The bars of the chosen rows."""
        return TradedBars(
            self.days[rows], self.open[rows], self.high[rows], self.low[rows], self.close[rows], self.volume[rows]
        )


@dataclass(frozen=True)
class TradedHistory:
    """What a provider's answer holds for us. `left_out` says of each bar or action that was refused what and why."""

    bars: TradedBars
    actions: tuple[CorporateAction, ...]
    left_out: dict[date, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredSeries:
    """What is stored of one symbol from some session on."""

    days: Days
    closes: Floats
    actions: dict[ActionKey, CorporateAction]


@dataclass(frozen=True)
class Differences:
    """How an answer differs from what is stored, in the range that the answer covers.

    `changed` and `absent` are masks over the answer's bars: stored with another close, and not stored. `actions` are
    those to write, `vanished` the stored ones that the answer lacks.
    """

    changed: npt.NDArray[np.bool_]
    absent: npt.NDArray[np.bool_]
    actions: tuple[CorporateAction, ...]
    vanished: tuple[CorporateAction, ...]


def traded_history(symbol: str, answer: ProviderBars, sessions: Container[date], through: date) -> TradedHistory:
    """Undo the answer's split adjustment and drop what comes after `through`.

    A bar is left out, with its reason, when the exchange held no session that day, when the day is there twice, or
    when the close is not positive; one without a close is a gap and no fault. So is an action with an impossible
    figure, unless it is a ratio: every earlier price depends on it, and ValueError says that the answer is unusable.
    """
    left_out: dict[date, str] = {}
    ledger = [
        CorporateAction(symbol, day, classify_ratio(ratio), ratio=ratio) for day, ratio in answer.ratios if ratio != 1
    ]
    factor = as_traded_closes(answer.days, np.ones(len(answer.days)), ledger)
    keep = np.isfinite(answer.close) & (answer.days <= np.datetime64(through, "D"))
    _, position, count = np.unique(answer.days, return_inverse=True, return_counts=True)
    for row in np.flatnonzero(keep).tolist():
        day: date = answer.days[row].astype(object)
        fault = _fault(float(answer.close[row]), day in sessions, doubled=bool(count[position[row]] > 1))
        if fault:
            left_out[day], keep[row] = fault, False
    bars = TradedBars(
        answer.days,
        answer.open * factor,
        answer.high * factor,
        answer.low * factor,
        answer.close * factor,
        np.rint(answer.volume / factor),
    ).at(keep)
    dividends = _dividends(symbol, answer, ledger, left_out)
    actions = tuple(action for action in [*ledger, *dividends] if action.ex_date <= through)
    return TradedHistory(bars, actions, left_out)


def differences(stored: StoredSeries, history: TradedHistory) -> Differences:
    """Compare the answer with what is stored, which must reach back at least as far as the answer does."""
    bars = history.bars
    place = np.searchsorted(stored.days, bars.days)
    found = np.zeros(len(bars.days), dtype=bool)
    inside = place < len(stored.days)
    found[inside] = stored.days[place[inside]] == bars.days[inside]
    changed = np.zeros(len(bars.days), dtype=bool)
    before = stored.closes[place[found]]
    changed[found] = np.abs(bars.close[found] / before - 1) > CLOSE_TOLERANCE
    answered = {(action.ex_date, action.kind): action for action in history.actions}
    written = tuple(action for key, action in answered.items() if not _same(action, stored.actions.get(key)))
    first = bars.days[0].astype(object) if len(bars.days) else date.max
    vanished = tuple(
        action for key, action in stored.actions.items() if key not in answered and action.ex_date >= first
    )
    return Differences(changed, ~found, written, vanished)


def wrong_series(history: TradedHistory, stored: StoredSeries, found: Differences) -> str | None:
    """Why the overlap is no correction of the stored series but another one; None where it may be the same.

    Three or more changed closes are. When they changed by one ratio the provider has adjusted for a split that it does
    not list, or lists one that it has not adjusted for: undoing it would be a guess either way.
    """
    count = int(found.changed.sum())
    if count < WRONG_SERIES:
        return None
    days = history.bars.days[found.changed]
    before = stored.closes[np.searchsorted(stored.days, days)]
    ratios = history.bars.close[found.changed] / before
    if np.ptp(ratios) < CLOSE_TOLERANCE * ratios.mean():
        return (
            f"{count} stored closes from {days[0]} to {days[-1]} came back times {ratios.mean():.6g}: the answer's "
            "prices and its list of splits do not fit together"
        )
    return f"{count} stored closes from {days[0]} to {days[-1]} came back changed, and not by one ratio: another series"


def _fault(close: float, is_session: bool, *, doubled: bool) -> str | None:
    if not is_session:
        return "the exchange held no session that day"
    if doubled:
        return "the day is there twice"
    return None if close > 0 and np.isfinite(close) else f"a close of {close}"


def _dividends(
    symbol: str, answer: ProviderBars, ledger: list[CorporateAction], left_out: dict[date, str]
) -> list[CorporateAction]:
    days = np.array([day for day, _ in answer.dividends], dtype="datetime64[D]")
    amounts = as_declared_dividends(
        days, np.array([amount for _, amount in answer.dividends], dtype=np.float64), ledger
    )
    dividends = []
    for (day, _), amount in zip(answer.dividends, amounts.tolist(), strict=True):
        if amount > 0 and np.isfinite(amount):
            dividends.append(CorporateAction(symbol, day, "dividend", amount=amount))
        else:
            left_out[day] = f"a dividend of {amount}"
    return dividends


def _same(ours: CorporateAction, theirs: CorporateAction | None) -> bool:
    if theirs is None:
        return False
    one, other = ours.ratio or ours.amount or 0.0, theirs.ratio or theirs.amount or 0.0
    return abs(one / other - 1) <= ACTION_TOLERANCE
