"""What the symbol layer has published of one symbol, each answer from one instant of the database."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import asyncpg

from analytics.calendar import Calendar
from analytics.factors import FACTOR_NAMES, FACTORS
from analytics.freshness import age
from analytics.symbol_answers import Bar, ExposureHistory, SymbolExposures, SymbolMetrics, SymbolPrices, SymbolProfile
from analytics.symbol_rows import (
    action_of,
    bar_of,
    exposure_of,
    loadings_of,
    metrics_of,
    past_exposure_of,
    profile_of,
)
from riskstream.runtime.clock import Clock

USUAL_BARS = 252
"""Sessions of prices that are given to who names no beginning."""
MOST_BARS = 3_000
"""In one answer; actions likewise."""

# Where the symbol stands: the name it has now, the edition that readers use, and whether that contains it.
STANDING = """
WITH named AS (
    SELECT coalesce((SELECT renamed_to FROM symbols.symbol_renames WHERE symbol = $1), $1) AS symbol
)
SELECT named.symbol, edition, current.session, m.symbol IS NOT NULL AS in_edition,
    coalesce(m.run_id, published.run_id) AS run_id, r.state AS request, r.reason AS request_reason
FROM named
LEFT JOIN symbols.current_edition current ON only_row
LEFT JOIN symbols.editions published USING (edition)
LEFT JOIN symbols.symbol_daily_metrics m USING (edition, symbol)
LEFT JOIN symbols.symbol_requests r USING (symbol)
"""

# Whether anything is kept of a symbol that the edition does not contain.
KEPT = """
SELECT EXISTS (SELECT FROM symbols.company_profiles WHERE symbol = $1)
    OR EXISTS (SELECT FROM symbols.traded_bars WHERE symbol = $1)
"""

EXPOSURES = "SELECT * FROM symbols.symbol_factor_exposures WHERE session = $1 AND edition = $2 AND symbol = $3"

# The symbol's loadings beside what they are loadings of; of an edition without a model there is no row.
LOADINGS = """
SELECT m.factors, m.reason AS model_reason, l.betas, l.specific_variance, l.observations, l.status, l.reason,
    l.carried_from
FROM symbols.risk_models m LEFT JOIN symbols.risk_loadings l ON l.edition = m.edition AND l.symbol = $2
WHERE m.edition = $1
"""

# The names that the symbol had before.
OLD_NAMES = "SELECT symbol FROM symbols.symbol_renames WHERE renamed_to = $1"

# One factor's exposures in the last edition of each session, newest first, until there are enough. Before a renaming
# they stand under an old name; where an edition has several of the names, the first one's. The bounds are said twice:
# those of `e` prune partitions.
HISTORY = """
SELECT x.* FROM (
    SELECT session, max(edition) AS edition FROM symbols.editions
    WHERE session BETWEEN $3 AND $4 AND edition <= $5 GROUP BY session ORDER BY session DESC
) AS last
CROSS JOIN LATERAL (
    SELECT * FROM symbols.symbol_factor_exposures e
    WHERE e.session = last.session AND e.edition = last.edition AND e.symbol = ANY ($1::text[]) AND e.factor = $2
        AND e.session BETWEEN $3 AND $4
    ORDER BY array_position($1, e.symbol) LIMIT 1
) AS x
ORDER BY last.session DESC LIMIT $6
"""

BARS = """
SELECT * FROM symbols.traded_bars WHERE symbol = $1 AND session BETWEEN $2 AND $3 ORDER BY session DESC LIMIT $4
"""

ACTIONS = """
SELECT * FROM symbols.corporate_actions WHERE symbol = $1 AND ex_date BETWEEN $2 AND $3
ORDER BY ex_date DESC, kind LIMIT $4
"""

PROFILE = "SELECT * FROM symbols.company_profiles WHERE symbol = $1"

METRICS = "SELECT * FROM symbols.symbol_daily_metrics WHERE edition = $1 AND symbol = $2"


class NothingPublishedError(LookupError):
    """No edition was ever published."""


class UnknownSymbolError(LookupError):
    """The current edition does not contain the symbol; `request` and `reason`: what came of asking for it, if asked."""

    def __init__(self, symbol: str, request: str | None, reason: str | None) -> None:
        super().__init__(symbol)
        self.symbol = symbol
        self.request = request
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Reading:
    """A symbol in the current edition, and the connection that sees it as it was at one instant."""

    connection: asyncpg.Connection
    symbol: str
    session: date
    edition: int
    head: dict[str, Any]
    """What every answer says."""


class SymbolFigures:
    """Reads what was published of a symbol, asked for by dash form; nothing is cached, each statement goes by key.

    Every question raises NothingPublishedError, UnknownSymbolError, and what asyncpg raises.
    """

    def __init__(self, pool: asyncpg.Pool, calendar: Calendar, clock: Clock) -> None:
        self._pool = pool
        self._calendar = calendar
        self._clock = clock

    @property
    def today(self) -> date:
        """The New York date. Nothing is known of later ones."""
        return self._clock.today()

    async def exposures(self, symbol: str) -> SymbolExposures:
        """To the twelve factors, and what the symbol holds of the risk model's eight, in the current edition."""
        async with self._reading(symbol, past=False) as read:
            rows = await read.connection.fetch(EXPOSURES, read.session, read.edition, read.symbol)
            loadings = await read.connection.fetchrow(LOADINGS, read.edition, read.symbol)
        stored = {row["factor"]: row for row in rows}
        exposures = tuple(exposure_of(factor, stored.get(factor)) for factor in FACTORS)
        return SymbolExposures(**read.head, exposures=exposures, risk=loadings_of(loadings))

    async def history(
        self, symbol: str, factor: str, since: date | None, until: date | None, limit: int
    ) -> ExposureHistory:
        """The newest `limit` exposures to a factor of the sessions from `since` to `until`, both included."""
        async with self._reading(symbol, past=True) as read:
            last = min(until or read.session, read.session)
            names = [read.symbol, *(row["symbol"] for row in await read.connection.fetch(OLD_NAMES, read.symbol))]
            rows = await read.connection.fetch(HISTORY, names, factor, since or date.min, last, read.edition, limit + 1)
        return ExposureHistory(
            **read.head,
            factor=factor,
            name=FACTOR_NAMES[factor],
            since=since,
            until=last,
            points=tuple(past_exposure_of(row) for row in rows[:limit]),
            next_until=rows[limit]["session"] if len(rows) > limit else None,
        )

    async def prices(self, symbol: str, since: date | None, until: date | None) -> SymbolPrices:
        """The bars from `since` to `until`, the newest 3,000 of them; without `since` those of 252 sessions."""
        sessions = await self._calendar.sessions()
        async with self._reading(symbol, past=True) as read:
            last = min(until or read.session, read.session)
            first = since or _usual_first(sessions, last)
            found = await read.connection.fetch(BARS, read.symbol, first, last, MOST_BARS + 1)
            rows, older = found[:MOST_BARS], found[MOST_BARS:]
            actions_from = rows[-1]["session"] if older else first
            actions = await read.connection.fetch(ACTIONS, read.symbol, actions_from, last, MOST_BARS)
        traded = {row["session"] for row in rows}
        expected = _between(sessions, rows[-1]["session"], last) if rows else ()
        return SymbolPrices(
            **read.head,
            since=first,
            until=last,
            bars=await _bars(rows),
            missing_sessions=tuple(session for session in reversed(expected) if session not in traded),
            actions=tuple(action_of(row) for row in actions),
            next_until=older[0]["session"] if older else None,
        )

    async def profile(self, symbol: str) -> SymbolProfile:
        """What its provider says of the company or fund."""
        async with self._reading(symbol, past=True) as read:
            row = await read.connection.fetchrow(PROFILE, read.symbol)
        if row is None:
            return SymbolProfile(**read.head, profile=None, reason="no_profile")
        return SymbolProfile(**read.head, profile=profile_of(row, read.session), reason=None)

    async def metrics(self, symbol: str) -> SymbolMetrics:
        """Price, returns, betas and company figures in the current edition."""
        async with self._reading(symbol, past=False) as read:
            row = await read.connection.fetchrow(METRICS, read.edition, read.symbol)
        return SymbolMetrics(**read.head, metrics=metrics_of(row))

    @asynccontextmanager
    async def _reading(self, symbol: str, *, past: bool) -> AsyncIterator[_Reading]:
        """Where the symbol stands. For questions about the `past` it may have been left out of the edition since."""
        sessions = await self._calendar.sessions()
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            standing = await connection.fetchrow(STANDING, symbol)
            if standing["edition"] is None:
                raise NothingPublishedError
            name = standing["symbol"]
            if not standing["in_edition"] and not (past and await connection.fetchval(KEPT, name)):
                raise UnknownSymbolError(name, standing["request"], standing["request_reason"])
            head = {
                "symbol": name,
                "renamed_from": symbol if name != symbol else None,
                "as_of": standing["session"],
                "edition": standing["edition"],
                "in_edition": standing["in_edition"],
                "run_id": standing["run_id"],
                "age": age(standing["session"], self._clock.now(), sessions),
            }
            yield _Reading(connection, name, standing["session"], standing["edition"], head)


async def _bars(rows: Sequence[asyncpg.Record]) -> tuple[Bar, ...]:
    """4 µs each: of a year they are made at once, of more beside the loop."""
    if len(rows) <= USUAL_BARS:
        return tuple(map(bar_of, rows))
    return await asyncio.to_thread(lambda: tuple(map(bar_of, rows)))


def _usual_first(sessions: Sequence[date], last: date) -> date:
    """The first of the usual number of sessions up to `last`; a year before where the calendar does not reach back."""
    upto = bisect_right(sessions, last)
    return sessions[upto - USUAL_BARS] if upto >= USUAL_BARS else last - timedelta(days=366)


def _between(sessions: Sequence[date], first: date, last: date) -> Sequence[date]:
    return sessions[bisect_left(sessions, first) : bisect_right(sessions, last)]
