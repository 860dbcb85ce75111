"""How old what readers see is, as the nights that are due count; and how complete the last night was."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.runtime.clock import Clock
from riskstream.runtime.health import State
from symbol_batch import telemetry
from symbol_batch.calendar import Calendar, calendar_at, due_at
from symbol_batch.store import editions, runs

Level: TypeAlias = Literal["fine", "warning", "critical"]

GRACE = timedelta(hours=2)
"""After 21:00 until a night that is not published is worth a warning."""
CRITICAL = 2


def sessions_behind(published: date | None, calendar: Calendar, now: datetime) -> int:
    """Sessions after `published` whose night is due. Before the first edition every one of the calendar's is missing,
    which is told as two: there is nothing that could be any older.
    """
    due = len(calendar.due(now, after=published))
    return due if published is not None else min(due, CRITICAL)


def level_of(published: date | None, calendar: Calendar, now: datetime) -> Level:
    """Nothing due is fine, and so is one session until 23:00 in New York; then it is a warning; two are critical."""
    behind = sessions_behind(published, calendar, now)
    if behind >= CRITICAL:
        return "critical"
    late = behind == 1 and now >= due_at(calendar.due(now, after=published)[-1]) + GRACE
    return "warning" if late else "fine"


def overdue_since(published: date | None, calendar: Calendar, now: datetime) -> datetime | None:
    """When the night of the oldest session after `published` was due that has none, None where none is due. Before the
    first edition it is the newest session that counts, as it is the one that will be run.
    """
    due = calendar.due(now, after=published)
    if not due:
        return None
    return due_at(due[-1] if published is None else due[0])


class Freshness:
    """Measures, for the metric and for the detail of readiness. Old data is served with its age: never a reason to be
    unready.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._calendar: Calendar | None = None
        self._published: date | None = None

    async def measure(self) -> None:
        """Look which session is published. Where the database is away, what was seen last goes on ageing."""
        self._calendar = await asyncio.to_thread(calendar_at, self._clock.today())
        try:
            async with self._engine.connect() as connection:
                current = await editions.current_edition(connection)
                coverage = await runs.last_coverage(connection)
            self._published = None if current is None else current.session
            if coverage is not None:
                telemetry.COVERAGE.set(coverage)
        finally:
            self._show(self._calendar)

    def _show(self, calendar: Calendar) -> None:
        now = self._clock.now()
        since = overdue_since(self._published, calendar, now)
        telemetry.FRESHNESS.set(sessions_behind(self._published, calendar, now))
        telemetry.OVERDUE.set(0.0 if since is None else (now - since).total_seconds())
        telemetry.DUE_SESSION.set(due_at(calendar.due(now)[-1]).timestamp())
        if self._published is not None:
            telemetry.PUBLISHED_SESSION.set(due_at(self._published).timestamp())

    def state(self) -> State:
        """For the readiness endpoint."""
        if self._calendar is None:
            return State(detail={"measured": False})
        now = self._clock.now()
        return State(
            detail={
                "session": None if self._published is None else self._published.isoformat(),
                "sessions_behind": sessions_behind(self._published, self._calendar, now),
                "level": level_of(self._published, self._calendar, now),
            }
        )
