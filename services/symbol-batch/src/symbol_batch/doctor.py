"""What symbol-batch tells `riskstream doctor` about itself: calendar, freshness, work that stands still."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from sqlalchemy import text

from riskstream.doctor import Check, ExaminedService, Finding, Verdict, Visit
from symbol_batch import schema
from symbol_batch.calendar import calendar_at
from symbol_batch.freshness import level_of, sessions_behind
from symbol_batch.store import editions

ROLE = "symbol_batch"
CALENDAR_DAYS = 300
"""So far ahead sessions must be known: options expire on them, and a night publishes them a year ahead."""

_RUN = "symbol-batch reconcile, which also publishes the calendar"

_LAST_SESSION = text("SELECT max(session) FROM symbols.trading_sessions")
_STANDING = text("""
SELECT session, state, attempt, reason, extract(epoch FROM clock_timestamp() - lease_until)::float8 AS expired
FROM symbols.batch_runs
WHERE (state = 'running' AND lease_until < clock_timestamp() - interval '5 minutes')
    OR (state = 'failed' AND session > coalesce(
        (SELECT max(session) FROM symbols.batch_runs WHERE state IN ('completed', 'completed_with_warnings')),
        '-infinity'))
ORDER BY session
""")
_REQUESTS = text("""
SELECT state, count(*) AS count, max(extract(epoch FROM clock_timestamp() - requested_at))::float8 AS oldest
FROM symbols.symbol_requests
WHERE state IN ('queued', 'running', 'waiting_for_provider') AND requested_at < clock_timestamp() - interval '1 hour'
GROUP BY state ORDER BY state
""")


async def look_at_calendar(visit: Visit) -> AsyncIterator[Finding]:
    """Trading sessions are published for long enough ahead."""
    async with visit.acting_as(ROLE) as connection:
        last = await connection.scalar(_LAST_SESSION)
    if last is None:
        yield Finding("trading_sessions", "failed", "none is published", _RUN)
        return
    wanted = visit.clock.today() + timedelta(days=CALENDAR_DAYS)
    found = f"sessions up to {last}"
    if last >= wanted:
        yield Finding("trading_sessions", "ok", found)
    else:
        yield Finding("trading_sessions", "failed", f"{found}, needed are those up to {wanted}", _RUN)


async def look_at_freshness(visit: Visit) -> AsyncIterator[Finding]:
    """How many due sessions the current edition is behind."""
    async with visit.acting_as(ROLE) as connection:
        current = await editions.current_edition(connection)
    published = None if current is None else current.session
    calendar, now = await asyncio.to_thread(calendar_at, visit.clock.today()), visit.clock.now()
    level = level_of(published, calendar, now)
    behind = sessions_behind(published, calendar, now)
    verdict: Verdict = {"fine": "ok", "warning": "warning", "critical": "failed"}[level]  # type: ignore[assignment]
    found = "no edition yet" if published is None else f"session {published}, {behind} behind"
    yield Finding(
        "edition", verdict, found, None if verdict == "ok" else "riskstream runs list; symbol-batch reconcile"
    )


async def look_at_runs(visit: Visit) -> AsyncIterator[Finding]:
    """No night stands still, and no newer one than the edition's has failed; no requested symbol waits for an hour."""
    async with visit.acting_as(ROLE) as connection:
        runs = (await connection.execute(_STANDING)).all()
        requests = (await connection.execute(_REQUESTS)).all()
    for run in runs:
        why = "failed" if run.state == "failed" else f"running, its lease over for {run.expired:.0f} s"
        found = f"{why} at attempt {run.attempt}{f': {run.reason}' if run.reason else ''}"
        yield Finding(
            f"night {run.session}", "failed", found, f"riskstream runs show {run.session}; symbol-batch reconcile"
        )
    for one in requests:
        found = f"{one.count} {one.state}, the oldest for {one.oldest / 3600:.1f} h"
        yield Finding("requested symbols", "warning", found, "riskstream symbols requests; riskstream providers status")
    if not runs and not requests:
        yield Finding("nights and requested symbols", "ok", "none stands still")


EXAMINED = ExaminedService(
    name="symbol-batch",
    role=ROLE,
    package="symbol_batch",
    schema=schema.SCHEMA,
    partitioned=schema.PARTITIONED,
    checks=(
        Check("calendar", look_at_calendar),
        Check("freshness", look_at_freshness),
        Check("nights", look_at_runs),
    ),
)
