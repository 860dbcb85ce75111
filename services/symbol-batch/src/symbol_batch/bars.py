"""A provider's answer as we keep it: as traded, checked, and compared with what is stored. No database, no network."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, fields
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
Mask: TypeAlias = npt.NDArray[np.bool_]
ActionKey: TypeAlias = tuple[date, str]

CLOSE_TOLERANCE = 1e-4
"""Relative: beyond it a close has changed, not been rounded differently."""
ACTION_TOLERANCE = 1e-3
"""Relative: providers round an adjusted dividend to few digits, so it comes back slightly different after a split."""
SOURCE_TOLERANCE = 1e-3
"""Relative: two sources of the same close agree within it; they take it from different prints."""
MOST_SHARES = 1e15
"""Beyond it no day's volume is one; the client makes a negative one of what it cannot hold."""
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

    def at(self, rows: Mask) -> "TradedBars":
        """The bars of the chosen rows."""
        return TradedBars(
            self.days[rows], self.open[rows], self.high[rows], self.low[rows], self.close[rows], self.volume[rows]
        )

    @classmethod
    def joined(cls, series: Sequence["TradedBars"]) -> "TradedBars":
        """Series of different days as one, oldest first."""
        columns = [np.concatenate([getattr(bars, column.name) for bars in series]) for column in fields(cls)]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    def on(self, days: Iterable[date]) -> Mask:
        """Which rows are of these days."""
        return among(self.days, np.array(sorted(days), dtype="datetime64[D]"))

    def day_of(self, action: CorporateAction) -> date | None:
        """The bar that shows the action: that of its ex-date, or the next one; None where there is none."""
        row = int(np.searchsorted(self.days, np.datetime64(action.ex_date, "D")))
        return self.days[row].astype(object) if row < len(self.days) else None


def among(days: Days, others: Days) -> Mask:
    """Which of the days are among others, which increase. A search: `np.isin` sorts both, ten times as long."""
    if not len(others):
        return np.zeros(len(days), dtype=bool)
    place = np.minimum(np.searchsorted(others, days), len(others) - 1)
    found: Mask = others[place] == days
    return found


NO_BARS = TradedBars(np.array([], dtype="datetime64[D]"), *(np.array([]) for _ in range(5)))


@dataclass(frozen=True)
class TradedHistory:
    """What a provider's answer holds for us. `left_out` says of each bar or action that was refused what and why."""

    bars: TradedBars
    actions: tuple[CorporateAction, ...]
    left_out: dict[date, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredSeries:
    """What is stored of one symbol from some session on. `sources` says of each bar who gave it."""

    bars: TradedBars
    sources: tuple[str, ...]
    actions: dict[ActionKey, CorporateAction]
    action_sources: dict[ActionKey, str]

    @property
    def last(self) -> date | None:
        """The last session stored."""
        return self.bars.days[-1].astype(object) if len(self.bars.days) else None


NOTHING_STORED = StoredSeries(NO_BARS, (), {}, {})


@dataclass(frozen=True)
class Differences:
    """How an answer differs from what is stored, in the range that the answer covers.

    `changed`, `disputed` and `absent` are masks over the answer's bars: stored with another close by the same source,
    stored with another close by another source, which is no correction, and not stored. `actions` are those to write,
    `vanished` the stored ones that their own source lists no longer.
    """

    changed: Mask
    disputed: Mask
    absent: Mask
    actions: tuple[CorporateAction, ...]
    vanished: tuple[CorporateAction, ...]


def traded_history(symbol: str, answer: ProviderBars, sessions: Container[date], through: date) -> TradedHistory:
    """Undo the answer's split adjustment, where it has one, and drop what comes after `through`.

    A bar is left out, with its reason, when the exchange held no session that day, when the day is there twice, or
    when the close is not positive; one without a close is a gap and no fault. So is an action with an impossible
    figure, unless it is a ratio: every earlier price depends on it, and ValueError says that the answer is unusable.
    An impossible volume is one that is not known.
    """
    left_out: dict[date, str] = {}
    ledger = [
        CorporateAction(symbol, day, classify_ratio(ratio), ratio=ratio) for day, ratio in answer.ratios if ratio != 1
    ]
    undone = ledger if answer.basis == "split_adjusted" else []
    factor = as_traded_closes(answer.days, np.ones(len(answer.days)), undone)
    keep = np.isfinite(answer.close) & (answer.days <= np.datetime64(through, "D"))
    days: list[date] = answer.days.tolist()
    in_session = np.fromiter(map(sessions.__contains__, days), dtype=bool, count=len(days))
    doubled = _doubled(answer.days)
    faulty = keep & (~in_session | doubled | (answer.close <= 0))
    for row in np.flatnonzero(faulty).tolist():
        left_out[days[row]] = _fault(float(answer.close[row]), bool(in_session[row]), doubled=bool(doubled[row]))
    keep &= ~faulty
    bars = TradedBars(
        answer.days,
        answer.open * factor,
        answer.high * factor,
        answer.low * factor,
        answer.close * factor,
        _volumes(np.rint(answer.volume / factor)),
    ).at(keep)
    dividends = _dividends(symbol, answer, undone, left_out)
    actions = tuple(action for action in [*ledger, *dividends] if action.ex_date <= through)
    return TradedHistory(bars, actions, left_out)


def differences(stored: StoredSeries, history: TradedHistory, source: str) -> Differences:
    """Compare the answer of `source` with what is stored, which must reach back at least as far as the answer does."""
    bars = history.bars
    place, found = _places(stored, bars)
    own = np.array([stored.sources[row] == source for row in place[found].tolist()], dtype=bool)
    apart = np.abs(bars.close[found] / stored.bars.close[place[found]] - 1)
    changed, disputed = np.zeros(len(found), dtype=bool), np.zeros(len(found), dtype=bool)
    changed[found] = own & (apart > CLOSE_TOLERANCE)
    disputed[found] = ~own & (apart > SOURCE_TOLERANCE)
    answered = {(action.ex_date, action.kind): action for action in history.actions}
    written = tuple(action for key, action in answered.items() if not _agrees(stored, key, action, source))
    first = bars.days[0].astype(object) if len(bars.days) else date.max
    vanished = tuple(
        action
        for key, action in stored.actions.items()
        if key not in answered and action.ex_date >= first and stored.action_sources[key] == source
    )
    return Differences(changed, disputed, ~found, written, vanished)


def other_series(history: TradedHistory, stored: StoredSeries, changed: Mask) -> str | None:
    """Why the overlap is no correction of the stored series but another one; None where it may be the same.

    Three or more changed closes are, unless one ratio leads from all of them to the answer's.
    """
    if changed.sum() < WRONG_SERIES or one_ratio(history, stored, changed) is not None:
        return None
    days = history.bars.days[changed]
    return f"{len(days)} stored closes from {days[0]} to {days[-1]} came back changed, and not by one ratio"


def detached_splits(history: TradedHistory, stored: StoredSeries, found: Differences) -> str | None:
    """Why an answer's prices and its list of splits do not fit together; None where they may.

    Compared over a symbol's whole history. Where every stored close comes back times one ratio the source has adjusted
    for a split that it does not list, or lists one that it has not adjusted for. So it has where a ratio is gone from
    the list and the closes before it come back divided by it: it would have to be undone, and is not.
    """
    ratio = one_ratio(history, stored, found.changed)
    if ratio is None:
        return None
    same = ~found.absent & ~found.changed & ~found.disputed
    if not same.any() and found.changed.sum() >= WRONG_SERIES:
        return f"every stored close came back times {ratio:.6g}: a split is listed or adjusted for, but not both"
    last = history.bars.days[found.changed][-1]
    for action in found.vanished:
        if action.ratio and abs(ratio * action.ratio - 1) < ACTION_TOLERANCE and last < np.datetime64(action.ex_date):
            return f"the ratio {action.ratio:.6g} of {action.ex_date} is listed no longer, but still adjusted for"
    return None


def one_ratio(history: TradedHistory, stored: StoredSeries, changed: Mask) -> float | None:
    """What leads from the stored closes to all of the changed ones; None where nothing does, or nothing changed."""
    if not changed.any():
        return None
    place, _ = _places(stored, history.bars)
    ratios = history.bars.close[changed] / stored.bars.close[place[changed]]
    mean = float(ratios.mean())
    return mean if np.ptp(ratios) < 2 * CLOSE_TOLERANCE * mean else None


def same_action(ours: CorporateAction, theirs: CorporateAction | None) -> bool:
    """Whether two lines of a ledger with the same key say the same."""
    if theirs is None:
        return False
    one, other = ours.ratio or ours.amount or 0.0, theirs.ratio or theirs.amount or 0.0
    return abs(one / other - 1) <= ACTION_TOLERANCE


def _places(stored: StoredSeries, bars: TradedBars) -> tuple[npt.NDArray[np.intp], Mask]:
    """(N,) each: where the bars' days are among those stored, and whether they are."""
    place = np.searchsorted(stored.bars.days, bars.days)
    found = np.zeros(len(bars.days), dtype=bool)
    inside = place < len(stored.bars.days)
    found[inside] = stored.bars.days[place[inside]] == bars.days[inside]
    return place, found


def _agrees(stored: StoredSeries, key: ActionKey, action: CorporateAction, source: str) -> bool:
    """Whether the ledger has the action already; a line of another source is not corrected."""
    theirs = stored.actions.get(key)
    return theirs is not None and (stored.action_sources[key] != source or same_action(action, theirs))


def _doubled(days: Days) -> Mask:
    """Which days are there more than once."""
    if (days[1:] > days[:-1]).all():
        return np.zeros(len(days), dtype=bool)
    _, position, count = np.unique(days, return_inverse=True, return_counts=True)
    doubled: Mask = count[position] > 1
    return doubled


def _fault(close: float, is_session: bool, *, doubled: bool) -> str:
    if not is_session:
        return "the exchange held no session that day"
    return "the day is there twice" if doubled else f"a close of {close}"


def _volumes(volume: Floats) -> Floats:
    known: Floats = np.where((volume >= 0) & (volume <= MOST_SHARES), volume, np.nan)
    return known


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
