"""What happens to the companies: splits, distributions, dividends, gaps, listings, one delisting.

Events are planted in the *stage*, the calendar year of the reference day and the one before, so that a simulator
restarted on another day of the same year tells the same story. One company is the exception: it is always listed 40
sessions before the reference day, so that there is a history too short for any regression.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from market_simulator.market import Split
from market_simulator.sessions import Sessions

SPLIT_RATIOS: tuple[float, ...] = (2.0, 1.5, 0.1)
DISTRIBUTION_RATIOS: tuple[float, ...] = (1.281, 1.034, 1.127)

_SPLITTING_EVERY = 50
_GAPS_EVERY = 50
_LISTED_EVERY = 60
_LISTED_LATELY = 7
_DELISTED = 6
_FEWEST_BARS_BEFORE_EVENT = 5


@dataclass(frozen=True)
class Life:
    """One symbol's events, as session indices."""

    splits: tuple[Split, ...] = ()
    dividend_yields: dict[int, float] = field(default_factory=dict)
    """Ex session → dividend as a share of the close before."""
    gaps: frozenset[int] = frozenset()
    first: int = 0
    delisted: int | None = None


def stage_of(sessions: Sessions, reference: date) -> tuple[int, int]:
    """Indices of the first session of the year before `reference` and of the first one of the year after it."""
    return sessions.first_from(date(reference.year - 1, 1, 1)), sessions.first_from(date(reference.year + 1, 1, 1))


def fund_life(sessions: Sessions, number: int) -> Life:
    """Funds never split and never miss a session. The second one pays monthly, the others quarterly."""
    monthly = number == 1
    return Life(dividend_yields=_dividends(sessions, number, 0.003 if monthly else 0.004, monthly=monthly))


def company_life(sessions: Sessions, reference: date, seed: int, number: int) -> Life:
    """The life of company `number`: of every fifty, four split or distribute and two have gaps."""
    stage = stage_of(sessions, reference)
    random = np.random.default_rng([seed, 2, number])
    pays = number % 5 < 3
    dividends = _dividends(sessions, number, random.uniform(0.002, 0.01), monthly=False) if pays else {}
    within = int(random.integers(stage[0] + _FEWEST_BARS_BEFORE_EVENT, stage[1]))
    splits = _splits(number, within)
    busy = set(dividends) | {split.session for split in splits}
    return Life(
        splits=splits,
        dividend_yields=dividends,
        gaps=_gaps(random, stage, busy) if number % _GAPS_EVERY in (4, 5) else frozenset(),
        first=_listing(sessions, reference, number, within),
        delisted=_delisting(sessions, stage) if number == _DELISTED else None,
    )


def _splits(number: int, session: int) -> tuple[Split, ...]:
    turn = number % _SPLITTING_EVERY
    if turn < len(SPLIT_RATIOS):
        return (Split(session, SPLIT_RATIOS[turn]),)
    if turn == len(SPLIT_RATIOS):
        return (Split(session, DISTRIBUTION_RATIOS[number // _SPLITTING_EVERY % len(DISTRIBUTION_RATIOS)]),)
    return ()


def _dividends(sessions: Sessions, number: int, yield_: float, *, monthly: bool) -> dict[int, float]:
    months = sessions.dates.astype("datetime64[M]")
    firsts = np.flatnonzero(np.concatenate([[True], months[1:] != months[:-1]]))
    month_numbers = months[firsts].astype(int)
    due = firsts if monthly else firsts[month_numbers % 3 == number % 3]
    ex = due + number * 7 % 15
    return {int(session): yield_ for session in ex[(ex > 0) & (ex < len(sessions))]}


def _gaps(random: np.random.Generator, stage: tuple[int, int], busy: set[int]) -> frozenset[int]:
    starts = random.integers(stage[0] + _FEWEST_BARS_BEFORE_EVENT, stage[1], size=3)
    missing = {int(start) + day for length, start in enumerate(starts, start=1) for day in range(length)}
    return frozenset(missing - busy)


def _listing(sessions: Sessions, reference: date, number: int, within: int) -> int:
    if number == _LISTED_LATELY:
        return sessions.first_from(reference) - 40
    return within if number % _LISTED_EVERY == _LISTED_LATELY else 0


def _delisting(sessions: Sessions, stage: tuple[int, int]) -> int:
    return sessions.first_from(date(sessions.day(stage[0]).year, 9, 15))
