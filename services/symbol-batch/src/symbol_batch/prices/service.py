"""The price service: as-traded bars and actions of symbols, with where they come from and whether they are in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from symbol_batch.actions import CorporateAction
from symbol_batch.bars import NO_BARS, SOURCE_TOLERANCE, TradedBars
from symbol_batch.factors.arrays import Floats
from symbol_batch.store import prices as store
from symbol_batch.store import quarantine
from symbol_batch.store.prices import Figure
from symbol_batch.store.quarantine import OUT_OF_USE, QuarantinedBar, State, quarantined

BarState: TypeAlias = Literal["passed"] | State
"""passed: the gate found nothing. confirmed and accepted: it did, and somebody agreed with the bar. pending and
rejected: it did, and the bar is in no number."""


@dataclass(frozen=True)
class PriceSeries:
    """A symbol's bars, oldest first, what is known of each, and the actions between the sessions asked for.

    `sources`, `fetched_at` and `states` are as long as the bars. `actions` are the ledger: those that are held back
    with a bar are not in it.
    """

    symbol: str
    bars: TradedBars
    sources: tuple[str, ...]
    fetched_at: tuple[datetime, ...]
    states: tuple[BarState, ...]
    actions: tuple[CorporateAction, ...]

    def state_of(self, day: date) -> BarState | None:
        """How the gate stands to the bar of a day; None where there is none."""
        days = self.bars.days.tolist()
        return self.states[days.index(day)] if day in days else None

    def suspect(self, day: date, *, rule: str, reason: str, now: datetime, held_in: date) -> QuarantinedBar:
        """The bar of a day as one to hold back; ValueError where there is none."""
        row = self.bars.days.tolist().index(day)
        return quarantined(
            self.symbol,
            self.bars,
            row,
            source=self.sources[row],
            fetched_at=self.fetched_at[row],
            actions=[action for action in self.actions if self.bars.day_of(action) == day],
            rule=rule,
            reason=reason,
            now=now,
            held_in=held_in,
        )


class Prices:
    """Answers what was traded. Nothing else reads the stored prices."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def bars(
        self, symbols: Sequence[str], first: date, last: date, *, with_held: bool = False
    ) -> dict[str, PriceSeries]:
        """The series of every symbol between two days, both included; an empty one where nothing is stored.

        With `with_held` also the bars that are held back, where no other is stored of their session.
        """
        async with self._engine.connect() as connection:
            stored = await store.stored_bars(connection, dict.fromkeys(symbols, first), last)
            ledger = await store.actions(connection, symbols, first, last)
            doubted = await quarantine.quarantined_bars(connection, symbols)
        doubted = [bar for bar in doubted if first <= bar.session <= last]
        return {
            symbol: _series(
                symbol,
                stored.get(symbol, (NO_BARS, (), ())),
                [action for action in ledger if action.symbol == symbol],
                {bar.session: bar for bar in doubted if bar.symbol == symbol},
                with_held=with_held,
            )
            for symbol in symbols
        }

    async def panel(self, figure: Figure, symbols: Sequence[str], sessions: Sequence[date]) -> Floats:
        """A figure (T, S) of increasing `sessions`, a column a symbol, NaN where no bar passed."""
        async with self._engine.connect() as connection:
            return await store.panel_of(connection, figure, symbols, sessions)

    async def actions(self, symbols: Sequence[str], first: date, last: date) -> list[CorporateAction]:
        """The ledger of the symbols between two ex-dates, both included."""
        async with self._engine.connect() as connection:
            return await store.actions(connection, symbols, first, last)

    async def out_of_use(self, session: date) -> dict[str, str]:
        """The symbols whose bar of the session is held back, without another price of it, and why."""
        async with self._engine.connect() as connection:
            return await quarantine.out_of_use(connection, session)

    async def pending(self) -> dict[str, int]:
        """How many bars are held back that nobody has decided about, by the rule that they break."""
        async with self._engine.connect() as connection:
            return await quarantine.pending_by_rule(connection)

    async def quarantined(
        self,
        symbols: Sequence[str] | None = None,
        *,
        states: Sequence[State] | None = None,
        session: date | None = None,
        limit: int | None = None,
    ) -> list[QuarantinedBar]:
        """The bars that are or were held back, newest session first."""
        async with self._engine.connect() as connection:
            return await quarantine.quarantined_bars(connection, symbols, states=states, session=session, limit=limit)


async def copy_history(connection: AsyncConnection, old: str, new: str) -> None:
    """Give a symbol's bars, held bars and actions to its new name; what the new name has of its own stays as it is.

    The old name keeps them: published editions were computed from them.
    """
    await store.copy_history(connection, old, new)
    await quarantine.copy_held(connection, old, new)


async def closes_apart(connection: AsyncConnection, one: str, other: str) -> tuple[int, int]:
    """On how many sessions two symbols closed differently, and how many they have in common."""
    stored = await store.stored_bars(connection, {one: date.min, other: date.min}, date.max)
    if len(stored) < 2:
        return 0, 0
    ours, theirs = stored[one][0], stored[other][0]
    _, place, opposite = np.intersect1d(ours.days, theirs.days, assume_unique=True, return_indices=True)
    apart = np.abs(ours.close[place] / theirs.close[opposite] - 1) > SOURCE_TOLERANCE
    return int(apart.sum()), len(place)


def _series(
    symbol: str,
    stored: tuple[TradedBars, tuple[str, ...], tuple[datetime, ...]],
    actions: Sequence[CorporateAction],
    doubted: dict[date, QuarantinedBar],
    *,
    with_held: bool,
) -> PriceSeries:
    bars, sources, fetched = stored
    days: list[date] = bars.days.tolist()
    released = {day: bar.state for day, bar in doubted.items() if bar.state not in OUT_OF_USE}
    states: list[BarState] = [released.get(day, "passed") for day in days]
    held = [bar for day, bar in doubted.items() if with_held and bar.state in OUT_OF_USE and day not in days]
    told = [*zip(days, sources, fetched, states, strict=True)]
    told += [(bar.session, bar.source, bar.fetched_at, bar.state) for bar in held]
    told.sort(key=lambda row: row[0])
    return PriceSeries(
        symbol,
        TradedBars.joined([bars, *(bar.bars for bar in held)]),
        tuple(source for _, source, _, _ in told),
        tuple(moment for _, _, moment, _ in told),
        tuple(state for _, _, _, state in told),
        tuple(actions),
    )
