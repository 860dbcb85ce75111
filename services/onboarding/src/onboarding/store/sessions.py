"""Which days are trading sessions, and which one is published."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PUBLISHED_SESSION = text("SELECT session FROM symbols.current_edition")


_LATEST_SESSION = text("SELECT max(session) FROM symbols.trading_sessions WHERE session <= :day")


_IS_SESSION = text("SELECT EXISTS (SELECT FROM symbols.trading_sessions WHERE session = :day)")


async def published_session(connection: AsyncConnection) -> date | None:
    """The session of the current edition; null before the first night."""
    session: date | None = (await connection.execute(_PUBLISHED_SESSION)).scalar()
    return session


async def latest_session(connection: AsyncConnection, day: date) -> date | None:
    """The last trading session on or before `day`; null where none is published."""
    session: date | None = (await connection.execute(_LATEST_SESSION, {"day": day})).scalar()
    return session


async def is_session(connection: AsyncConnection, day: date) -> bool:
    return bool((await connection.execute(_IS_SESSION, {"day": day})).scalar())
