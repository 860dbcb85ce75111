"""The published trading calendar."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from riskstream.database.bulk import copy_upsert
from symbol_batch.calendar import Session


async def publish_sessions(connection: AsyncConnection, sessions: Sequence[Session]) -> None:
    """Make the table say what the calendar says; a future session that the calendar lost to a closure goes."""
    await connection.execute(
        text("DELETE FROM symbols.trading_sessions WHERE session BETWEEN :first AND :last AND session <> ALL(:days)"),
        {"first": sessions[0].day, "last": sessions[-1].day, "days": [session.day for session in sessions]},
    )
    await copy_upsert(
        connection,
        "symbols.trading_sessions",
        ("session", "opens_at", "closes_at", "early_close"),
        [(session.day, session.opens_at, session.closes_at, session.early_close) for session in sessions],
        key=("session",),
        update=("opens_at", "closes_at", "early_close"),
        only_changed=True,
    )
