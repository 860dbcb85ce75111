"""Which days are trading sessions, which one is published, and what a portfolio was worth on one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PUBLISHED_SESSION = text("SELECT session FROM symbols.current_edition")
_LATEST_SESSION = text("SELECT max(session) FROM symbols.trading_sessions WHERE session <= :day")
_NEXT_SESSIONS = text("""
SELECT day, (SELECT min(session) FROM symbols.trading_sessions WHERE session >= day) AS session
FROM unnest(CAST(:days AS date[])) AS asked (day)
""")
_IS_SESSION = text("SELECT EXISTS (SELECT FROM symbols.trading_sessions WHERE session = :day)")

_WORTH = text("""
SELECT asked.session AS asked, last.session, last.nav, h.portfolio_version AS version
FROM valuations.valuation_heads h
CROSS JOIN unnest(CAST(:sessions AS date[])) AS asked (session)
CROSS JOIN LATERAL (SELECT s.session, s.nav FROM valuations.portfolio_snapshots s
                    WHERE s.portfolio_id = h.portfolio_id AND s.session <= asked.session
                    ORDER BY s.session DESC LIMIT 1) last
WHERE h.portfolio_id = :portfolio
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


async def next_sessions(connection: AsyncConnection, days: Iterable[date]) -> dict[date, date | None]:
    """For each of `days` the first trading session on or after it, on which it counts; null where none is published."""
    rows = await connection.execute(_NEXT_SESSIONS, {"days": sorted(set(days))})
    return {row.day: row.session for row in rows}


async def is_session(connection: AsyncConnection, day: date) -> bool:
    return bool((await connection.execute(_IS_SESSION, {"day": day})).scalar())


async def worth_on(connection: AsyncConnection, portfolio: UUID, sessions: Iterable[date]) -> dict[date, Worth]:
    """The portfolio's NAV of each session, or of the last one before that has a snapshot; without those where none has.

    All are of the same version.
    """
    rows = await connection.execute(_WORTH, {"portfolio": portfolio, "sessions": sorted(set(sessions))})
    return {row.asked: Worth(row.session, row.nav, row.version) for row in rows}


async def split_ratios(connection: AsyncConnection, symbol: str, after: date, until: date) -> list[Decimal]:
    """New shares per old one of each split that went ex after `after` and not after `until`."""
    ratios = await connection.execute(_SPLITS, {"symbol": symbol, "after": after, "until": until})
    return [Decimal(str(ratio)) for ratio in ratios.scalars()]
