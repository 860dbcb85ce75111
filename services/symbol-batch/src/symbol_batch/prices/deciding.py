"""What an operator's verdict on a held bar does to the prices."""

from dataclasses import replace
from datetime import date
from typing import Literal, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from symbol_batch.prices.revision import Revision
from symbol_batch.store import quarantine
from symbol_batch.store.quarantine import OUT_OF_USE, Decision, QuarantinedBar

Verdict: TypeAlias = Literal["accept", "reject"]


class NotDecidable(Exception):
    """A verdict that cannot be carried out; the message says why, and what to do."""


async def bar_to_decide(connection: AsyncConnection, symbol: str, session: date, verdict: Verdict) -> QuarantinedBar:
    """The held bar, locked to the end of the transaction. NotDecidable where there is none or it is so already."""
    bar = await quarantine.lock(connection, symbol, session)
    if bar is None:
        raise NotDecidable(
            f"no bar of {symbol} on {session} is or was held back: `riskstream quarantine list` has them"
        )
    if bar.state == ("accepted" if verdict == "accept" else "rejected"):
        by = f"by {bar.decided_by} at {bar.decided_at:%Y-%m-%d %H:%M} UTC" if bar.decided_at else ""
        raise NotDecidable(f"the bar of {symbol} on {session} was {bar.state} before {by}".rstrip())
    if verdict == "accept" and bar.state == "confirmed":
        raise NotDecidable(f"the bar of {symbol} on {session} is in use already: {bar.decided_by} confirmed it")
    return bar


def change_of(bar: QuarantinedBar, verdict: Verdict, who: str, note: str | None) -> Revision:
    """What the verdict changes: an accepted bar becomes a price, a rejected one that was a price is one no longer."""
    decision = Decision(bar.symbol, bar.session, "accepted" if verdict == "accept" else "rejected", who, note)
    change = Revision(bar.symbol, bar.source, decisions=(decision,))
    if verdict == "accept":
        return replace(change, bars=bar.bars, written=bar.actions)
    return change if bar.state in OUT_OF_USE else replace(change, removed=(bar.session,), vanished=bar.actions)
