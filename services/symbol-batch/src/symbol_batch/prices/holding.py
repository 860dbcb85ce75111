"""Bars that are stored and come under suspicion only among the others: out of the prices, into quarantine."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from symbol_batch.store import prices as store
from symbol_batch.store import quarantine
from symbol_batch.store.quarantine import QuarantinedBar


async def set_aside(connection: AsyncConnection, bars: Sequence[QuarantinedBar]) -> None:
    """Take stored bars out of the prices, and what goes ex with them out of the ledger, and hold them back.

    One that is confirmed already stays in the prices; only the finding is recorded.
    """
    pending = [bar for bar in bars if bar.state == "pending"]
    await store.take_out(connection, [(bar.symbol, bar.session) for bar in pending])
    await store.remove_actions(connection, [action for bar in pending for action in bar.actions])
    await quarantine.hold(connection, bars)
