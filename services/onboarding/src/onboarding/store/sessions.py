"""Which days are trading sessions, which one is published, and what a portfolio was worth on one."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PUBLISHED_SESSION = text("SELECT session FROM symbols.current_edition")
_LATEST_SESSION = text("SELECT max(session) FROM symbols.trading_sessions WHERE session <= :day")
_NEXT_SESSION = text("SELECT min(session) FROM symbols.trading_sessions WHERE session >= :day")
_IS_SESSION = text("SELECT EXISTS (SELECT FROM symbols.trading_sessions WHERE session = :day)")

_WORTH = text("""
SELECT s.session, s.nav, h.portfolio_version
FROM valuations.portfolio_snapshots s JOIN valuations.valuation_heads h ON h.portfolio_id = s.portfolio_id
WHERE s.portfolio_id = :portfolio AND s.session <= :session ORDER BY s.session DESC LIMIT 1
""")

_SPLITS = text("""
SELECT ratio FROM symbols.corporate_actions
WHERE symbol = :symbol AND kind = 'split' AND ex_date > :after AND ex_date <= :until
ORDER BY ex_date
""")


@dataclass(frozen=True, slots=True)
class Worth:
    """What a portfolio was worth after a session."""

    session: date
    nav: Decimal
    version: int
    """The version of the portfolio that was valued: what came with a later one is not in it."""


async def published_session(connection: AsyncConnection) -> date | None:
    """The session of the current edition; null before the first night."""
    session: date | None = (await connection.execute(_PUBLISHED_SESSION)).scalar()
    return session


async def latest_session(connection: AsyncConnection, day: date) -> date | None:
    """The last trading session on or before `day`; null where none is published."""
    session: date | None = (await connection.execute(_LATEST_SESSION, {"day": day})).scalar()
    return session


async def next_session(connection: AsyncConnection, day: date) -> date | None:
    """The first trading session on or after `day`, on which it counts; null where none is published."""
    session: date | None = (await connection.execute(_NEXT_SESSION, {"day": day})).scalar()
    return session


async def is_session(connection: AsyncConnection, day: date) -> bool:
    return bool((await connection.execute(_IS_SESSION, {"day": day})).scalar())


async def worth_on(connection: AsyncConnection, portfolio: UUID, session: date) -> Worth | None:
    """The portfolio's NAV of `session` or of the last one before that has a snapshot; null where none has."""
    row = (await connection.execute(_WORTH, {"portfolio": portfolio, "session": session})).one_or_none()
    return None if row is None else Worth(row.session, row.nav, row.portfolio_version)


async def split_ratios(connection: AsyncConnection, symbol: str, after: date, until: date) -> list[Decimal]:
    """New shares per old one of each split that went ex after `after` and not after `until`."""
    ratios = await connection.execute(_SPLITS, {"symbol": symbol, "after": after, "until": until})
    return [Decimal(str(ratio)) for ratio in ratios.scalars()]
