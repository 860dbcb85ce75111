"""A source's answer about one symbol held against everything known of it: what to write, to hold back, to leave. Pure.

Three things are known: the stored series, the bars that are or were held back, and the session that readers have.
A held bar that the answer only repeats is no difference; one that it confirms is written; one that it corrects is
judged anew like any other bar.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from math import prod

import numpy as np

from symbol_batch.actions import CorporateAction
from symbol_batch.bars import (
    CLOSE_TOLERANCE,
    NO_BARS,
    SOURCE_TOLERANCE,
    Differences,
    Mask,
    StoredSeries,
    TradedBars,
    TradedHistory,
    detached_splits,
    differences,
    other_series,
    same_action,
)
from symbol_batch.prices.revision import Revision
from symbol_batch.providers.provider import Outcome
from symbol_batch.quality import Before, Finding, Rule, judge
from symbol_batch.quality.alone import JUMP
from symbol_batch.store.quarantine import OUT_OF_USE, Decision, QuarantinedBar, quarantined


@dataclass(frozen=True)
class Known:
    """What is known of a symbol before it is asked for. `published` is the session of the edition that contains it."""

    symbol: str
    published: date | None
    stored: StoredSeries
    quarantined: Mapping[date, QuarantinedBar] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """What came of one symbol. Bars and actions are those not stored yet, or not so, beyond any published session.

    `held` are the bars to hold back, wherever they belong; `decisions` what becomes of bars held before.
    """

    symbol: str
    outcome: Outcome
    source: str
    detail: str | None = None
    new: TradedBars = NO_BARS
    replaced: TradedBars = NO_BARS
    written: tuple[CorporateAction, ...] = ()
    vanished: tuple[CorporateAction, ...] = ()
    held: tuple[QuarantinedBar, ...] = ()
    decisions: tuple[Decision, ...] = ()
    revision: Revision | None = None


class Comparison:
    """An answer of `source`, fetched at `now` for `session`, beside what is known."""

    def __init__(self, known: Known, history: TradedHistory, source: str, session: date, now: datetime) -> None:
        self.known = known
        self.history = history
        self.source = source
        self.session = session
        self._now = now
        self.found: Differences = differences(known.stored, history, source)
        self.released: dict[date, Decision] = {}
        self._repeated: set[date] = set()
        self._pending = {day for day, bar in known.quarantined.items() if bar.state == "pending"}
        for day, bar in known.quarantined.items():
            self._sort_in(day, bar)
        self._aside = history.bars.on({*self._repeated, *self.released})

    def other_series(self) -> str | None:
        """Why this is another series than the stored one; None where it may be the same."""
        found, aside = self.found, self._aside
        return other_series(self.history, self.known.stored, (found.changed | found.disputed) & ~aside)

    def contradicts(self) -> bool:
        """Whether the answer says something else than what is stored: reason enough to ask for the whole history.

        What went ex before the first stored bar contradicts none of them.
        """
        last = self.known.stored.last
        if last is None:
            return False
        first: date = self.known.stored.bars.days[0].astype(object)
        late = any(first < action.ex_date <= last and not self._is_aside(action) for action in self.found.actions)
        vanished = any(not self._is_aside(action) for action in self.found.vanished)
        return bool((self.found.changed & ~self._aside).any()) or late or vanished

    def taken(self, confirmed: Mapping[date, str] | None = None) -> Taken:
        """What to do about the answer. `confirmed` names the sources that agree with bars that would be held back."""
        suspicious = self._suspicious()
        misfit = detached_splits(self.history, self.known.stored, self.found) or self._lost_ratio(suspicious)
        if misfit is not None:
            return Taken(self.known.symbol, Outcome.BAD_DATA, self.source, misfit)
        confirmed = confirmed or {}
        held = self._to_hold({day: finding for day, finding in suspicious.items() if day not in confirmed})
        days = {bar.session for bar in held}
        agreed = [
            replace(bar, state="confirmed", decided_at=self._now, decided_by=", ".join(sorted(set(confirmed.values()))))
            for bar in (self._to_hold(suspicious) if confirmed else ())
            if bar.session not in days
        ]
        return self._divided(held, agreed)

    def _sort_in(self, day: date, bar: QuarantinedBar) -> None:
        """Whether the answer confirms a held bar, repeats it, or says something else."""
        same_source = bar.source == self.source
        if bar.state not in OUT_OF_USE or not repeats(bar, self.history, same_source=same_source):
            return
        agrees = not same_source or (self.session > bar.held_in and not _taken_back(self.history, bar, self._pending))
        if bar.state == "pending" and agrees:
            by = f"{self.source} for {self.session}" if same_source else self.source
            self.released[day] = Decision(bar.symbol, day, "confirmed", by)
        else:
            self._repeated.add(day)

    def _suspicious(self) -> dict[date, Finding]:
        """The bars that break a rule by which they are held back, each with its first finding.

        Not those that are rejected, which nothing is compared with, nor those that somebody has approved.
        """
        rejected = {day for day in self._repeated if self.known.quarantined[day].state == "rejected"}
        approved = {
            day
            for day, bar in self.known.quarantined.items()
            if bar.state not in OUT_OF_USE and repeats(bar, self.history, same_source=bar.source == self.source)
        }
        judged = self.history
        if rejected:
            actions = (action for action in judged.actions if judged.bars.day_of(action) not in rejected)
            judged = TradedHistory(judged.bars.at(~judged.bars.on(rejected)), tuple(actions))
        found: dict[date, Finding] = {}
        for finding in judge(judged, self._before()):
            if finding.rule.holds and finding.session not in approved and finding.session not in self.released:
                found.setdefault(finding.session, finding)
        return found

    def _before(self) -> Before:
        """The stored series and the held bars: a level that stays is one finding, not one each night."""
        stored = self.known.stored
        there = set(stored.bars.days.tolist())
        pending = [
            bar for bar in self.known.quarantined.values() if bar.state == "pending" and bar.session not in there
        ]
        actions = (*stored.actions.values(), *(action for bar in pending for action in bar.actions))
        bars = TradedBars.joined([stored.bars, *(bar.bars for bar in pending)]) if pending else stored.bars
        return Before(bars, actions)

    def _lost_ratio(self, suspicious: Mapping[date, Finding]) -> str | None:
        for action in self.found.vanished:
            if action.ratio and self.history.bars.day_of(action) in suspicious:
                return f"the ratio {action.ratio:.6g} of {action.ex_date} is listed no longer, and prices still show it"
        return None

    def _to_hold(self, suspicious: Mapping[date, Finding]) -> list[QuarantinedBar]:
        """The bars to hold back: suspicious ones that are not stored so, and a whole correction that does not fit."""
        if not suspicious:
            return []
        bars, found = self.history.bars, self.found
        changed = found.changed & ~self._aside
        news = {bars.day_of(action) for action in found.actions if not self._is_aside(action)} - {None}
        wanted = (found.absent & ~self._aside) | changed | bars.on(day for day in news if day is not None)
        news_days = set(bars.days[wanted].tolist())
        why = {day: (str(finding.rule), finding.reason) for day, finding in suspicious.items() if day in news_days}
        junction = self._bad_junction(suspicious, changed)
        if junction is not None:
            misfit = f"part of a correction that does not fit: {junction.session}: {junction.reason}"
            why = {**dict.fromkeys(bars.days[changed].tolist(), (str(junction.rule), misfit)), **why}
        return [self._bar(day, *why[day]) for day in sorted(why)]

    def _bad_junction(self, suspicious: Mapping[date, Finding], changed: Mask) -> Finding | None:
        """The finding on a corrected bar, or on the one after it, that keeps the correction from being written."""
        after = np.zeros(len(changed), dtype=bool)
        after[1:] = changed[:-1]
        days: list[date] = self.history.bars.days[changed | after].tolist()
        return next((suspicious[day] for day in days if day in suspicious), None)

    def _bar(self, day: date, rule: str, reason: str) -> QuarantinedBar:
        bars = self.history.bars
        return quarantined(
            self.known.symbol,
            bars,
            int(np.searchsorted(bars.days, np.datetime64(day, "D"))),
            source=self.source,
            fetched_at=self._now,
            actions=[action for action in self.history.actions if bars.day_of(action) == day],
            rule=rule,
            reason=reason,
            now=self._now,
            held_in=self.session,
        )

    def _divided(self, held: list[QuarantinedBar], agreed: list[QuarantinedBar]) -> Taken:
        """Part what goes into published sessions, which a revision does, from what goes beyond them."""
        bars, found = self.history.bars, self.found
        kept_days = {*(bar.session for bar in held), *self._repeated}
        kept = bars.on(kept_days)
        behind = bars.days <= np.datetime64(self.known.published or date.min, "D")
        absent = found.absent & ~kept
        changed = (found.changed | (found.disputed & bars.on(self.released))) & ~kept
        written = [action for action in found.actions if bars.day_of(action) not in kept_days]
        decisions = [*self.released.values(), *self._superseded(kept_days)]
        revision = Revision(
            self.known.symbol,
            self.source,
            bars.at((changed | absent) & behind),
            tuple(action for action in written if self._is_behind(action.ex_date)),
            tuple(action for action in found.vanished if self._is_behind(action.ex_date)),
        )
        if not revision.is_empty:
            later = tuple(decision for decision in decisions if self._is_behind(decision.session))
            revision = replace(revision, decisions=later)
        outcome, detail = judged(self.history, self.session)
        reasons = [f"held back {bar.session}: {bar.rule}: {bar.reason}" for bar in held[-3:]]
        return Taken(
            self.known.symbol,
            outcome,
            self.source,
            "; ".join(filter(None, [*reasons, detail])) or None,
            bars.at(absent & ~behind),
            bars.at(changed & ~behind),
            tuple(action for action in written if not self._is_behind(action.ex_date)),
            tuple(action for action in found.vanished if not self._is_behind(action.ex_date)),
            (*held, *agreed),
            tuple(decision for decision in decisions if decision not in revision.decisions),
            None if revision.is_empty else revision,
        )

    def _superseded(self, kept_days: set[date]) -> Iterator[Decision]:
        """The pending bars that the source does not give any more."""
        answered = set(self.history.bars.days.tolist())
        for day, bar in self.known.quarantined.items():
            if bar.state == "pending" and day in answered and day not in kept_days and day not in self.released:
                yield Decision(
                    bar.symbol, day, "rejected", f"{self.source} for {self.session}", "gives another bar now"
                )

    def _is_behind(self, day: date) -> bool:
        return self.known.published is not None and day <= self.known.published

    def _is_aside(self, action: CorporateAction) -> bool:
        day = self.history.bars.day_of(action)
        return day in self._repeated or day in self.released


def repeats(bar: QuarantinedBar, history: TradedHistory, *, same_source: bool) -> bool:
    """Whether an answer gives a held bar again: the same close, and the same actions going ex with it."""
    rows = np.flatnonzero(history.bars.on([bar.session]))
    if not len(rows):
        return False
    tolerance = CLOSE_TOLERANCE if same_source else SOURCE_TOLERANCE
    ours = {(action.ex_date, action.kind): action for action in bar.actions}
    theirs = {(a.ex_date, a.kind): a for a in history.actions if history.bars.day_of(a) == bar.session}
    return (
        abs(float(history.bars.close[rows[0]]) / bar.close - 1) <= tolerance
        and ours.keys() == theirs.keys()
        and all(same_action(action, theirs[key]) for key, action in ours.items())
    )


def judged(history: TradedHistory, session: date) -> tuple[Outcome, str | None]:
    """What an answer comes to for the session, and what was left out of it."""
    faults = "; ".join(f"{day}: {reason}" for day, reason in list(history.left_out.items())[:5]) or None
    days = history.bars.days
    if len(days) and days[-1] == np.datetime64(session, "D"):
        return Outcome.OK, f"left out {faults}" if faults else None
    if session in history.left_out:
        return Outcome.BAD_DATA, f"{session}: {history.left_out[session]}"
    last = f"the last bar is of {days[-1]}" if len(days) else "no bar up to then"
    return Outcome.STALE, f"no bar for {session}, {last}"


def _taken_back(history: TradedHistory, bar: QuarantinedBar, held: Collection[date]) -> bool:
    """Whether a jump was followed by the way back: a level that nobody kept is no more right for being repeated.

    The bars that are held back after it share its fate: what counts is the first one beyond them.
    """
    bars = history.bars
    row = int(np.searchsorted(bars.days, np.datetime64(bar.session, "D")))
    while row + 1 < len(bars.days) and bars.days[row + 1].astype(object) in held:
        row += 1
    if bar.rule != Rule.JUMP or row + 1 == len(bars.days):
        return False
    following = bars.days[row + 1].astype(object)
    ratio = prod(a.ratio for a in history.actions if a.ratio is not None and bars.day_of(a) == following)
    return abs(ratio * float(bars.close[row + 1]) / float(bars.close[row]) - 1) > JUMP
