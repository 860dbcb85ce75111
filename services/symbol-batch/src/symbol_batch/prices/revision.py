"""What changes in a symbol's published sessions: kept aside for the transaction that publishes the next edition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from symbol_batch.actions import CorporateAction
from symbol_batch.bars import NO_BARS, TradedBars
from symbol_batch.store import prices as store
from symbol_batch.store import quarantine
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
    for revision in revisions:
        rows = store.price_rows(revision.symbol, revision.bars, revision.source, now)
        await store.insert_prices(connection, rows, replace=True)
        await store.take_out(connection, [(revision.symbol, day) for day in revision.removed])
        await store.write_actions(connection, revision.written, revision.vanished, revision.source, now)
        await quarantine.decide(connection, revision.decisions, now)
