"""What changes in a symbol's published sessions: kept aside for the transaction that publishes the next edition."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from symbol_batch.actions import CorporateAction
from symbol_batch.bars import NO_BARS, TradedBars
from symbol_batch.store import prices as store
from symbol_batch.store import quarantine
from symbol_batch.store.price_rows import price_rows
from symbol_batch.store.quarantine import Decision


@dataclass(frozen=True)
class Revision:
    """What changes in a symbol's published sessions with the next edition, and from which session on.

    `bars` are written over what is stored, those of `removed` taken out, and `decisions` are what brought it about.
    """

    symbol: str
    source: str
    bars: TradedBars = NO_BARS
    written: tuple[CorporateAction, ...] = ()
    vanished: tuple[CorporateAction, ...] = ()
    removed: tuple[date, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def revised_from(self) -> date:
        """The first session whose price or action changes."""
        days: list[date] = self.bars.days.tolist()
        return min([*days, *self.removed, *(action.ex_date for action in (*self.written, *self.vanished))])

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not (len(self.bars.days) or self.removed or self.written or self.vanished)


async def write_revisions(connection: AsyncConnection, revisions: Sequence[Revision], now: datetime) -> None:
    """Write what was kept aside, in the transaction that publishes the edition it belongs to."""
    spans = {one.symbol: _span(one) for one in revisions if len(one.bars.days)}
    there = await store.with_bars_between(connection, spans)
    corrected, added = await asyncio.to_thread(_rows, revisions, there, now)
    await store.insert_prices(connection, corrected, replace=True)
    await store.add_prices(connection, added)
    await store.take_out(connection, [(one.symbol, day) for one in revisions for day in one.removed])
    for source in {one.source for one in revisions if one.written or one.vanished}:
        own = [one for one in revisions if one.source == source]
        written = [action for one in own for action in one.written]
        await store.write_actions(connection, written, [action for one in own for action in one.vanished], source, now)
    await quarantine.decide(connection, [decision for one in revisions for decision in one.decisions], now)


def _span(revision: Revision) -> tuple[date, date]:
    days: list[date] = revision.bars.days.tolist()
    return days[0], days[-1]


def _rows(revisions: Sequence[Revision], there: Collection[str], now: datetime) -> tuple[bytes, bytes]:
    """The bars of symbols that are `there` in their range, and those where nothing can stand in the way."""
    corrected: list[bytes] = []
    added: list[bytes] = []
    for one in revisions:
        rows = corrected if one.symbol in there else added
        rows.append(price_rows(one.symbol, one.bars, one.source, now))
    return b"".join(corrected), b"".join(added)
