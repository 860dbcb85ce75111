"""Runs: who works on which session, since when, and what came of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SETTLED = ("OK", "NOT_FOUND")
"""Outcomes that a resumed run does not ask for again."""


@dataclass(frozen=True, slots=True)
class RunState:
    """A session's run as the reconciler looks at it."""

    session: date
    state: str
    attempt: int
    reason: str | None
    claimable: bool
    """Its lease has run out, or its next attempt is due."""


async def last_completed(connection: AsyncConnection) -> date | None:
    """The last session that was published."""
    found = await connection.execute(
        text("SELECT max(session) FROM symbols.batch_runs WHERE state IN ('completed', 'completed_with_warnings')")
    )
    day: date | None = found.scalar_one()
    return day


async def last_coverage(connection: AsyncConnection) -> float | None:
    """Priced over active symbols of the newest night that has counted them, published or not."""
    found = await connection.execute(
        text(
            "SELECT CAST(counts ->> 'priced' AS float) / CAST(counts ->> 'active' AS float) FROM symbols.batch_runs "
            "WHERE kind = 'night' AND counts ->> 'active' IS NOT NULL ORDER BY session DESC LIMIT 1"
        )
    )
    ratio: float | None = found.scalar_one_or_none()
    return ratio


async def run_states(connection: AsyncConnection, sessions: Sequence[date]) -> dict[date, RunState]:
    """The runs there are of the sessions."""
    rows = await connection.execute(
        text(
            "SELECT session, state, attempt, reason, "
            "CASE state WHEN 'running' THEN lease_until < clock_timestamp() "
            "WHEN 'failed' THEN next_attempt_at <= clock_timestamp() ELSE false END AS claimable "
            "FROM symbols.batch_runs WHERE kind = 'night' AND session = ANY(CAST(:sessions AS date[]))"
        ),
        {"sessions": list(sessions)},
    )
    return {row.session: RunState(*row) for row in rows}


# A run is unique twice, by its id and by its session and kind, and whoever comes second may meet either index first. An
# upsert names one of them and fails on the other; DO NOTHING without a target waits for the other's commit on both.
_FIRST_CLAIM = text(
    "INSERT INTO symbols.batch_runs (run_id, session, kind, state, fence, leased_by, lease_until, started_at, "
    "code_version) VALUES (:run_id, :session, 'night', 'running', nextval('symbols.fences'), :holder, "
    "clock_timestamp() + make_interval(secs => :lease), :now, :code_version) "
    "ON CONFLICT DO NOTHING RETURNING fence, attempt"
)

_LATER_CLAIM = text(
    "UPDATE symbols.batch_runs SET state = 'running', fence = nextval('symbols.fences'), leased_by = :holder, "
    "lease_until = clock_timestamp() + make_interval(secs => :lease), attempt = attempt + 1, "
    "next_attempt_at = NULL, finished_at = NULL, reason = NULL, steps = '[]', counts = '{}', "
    "started_at = :now, code_version = :code_version "
    "WHERE session = :session AND kind = 'night' AND ((state = 'running' AND lease_until < clock_timestamp()) "
    "OR (state = 'failed' AND (:at_once OR next_attempt_at <= clock_timestamp()))) "
    "RETURNING fence, attempt"
)


async def claim(
    connection: AsyncConnection,
    run_id: UUID,
    session: date,
    *,
    holder: str,
    lease_seconds: float,
    now: datetime,
    code_version: str,
    at_once: bool = False,
) -> tuple[int, int] | None:
    """Take the session's run: (fence, attempt), or None where somebody holds it or it is not to be tried yet.

    Possible where there is no run, its lease has run out, or it failed and its next attempt is due, with `at_once`
    also before. Every claim has a fence of its own, so that whoever held the run before writes nothing more.
    """
    claimant = {
        "run_id": run_id,
        "session": session,
        "holder": holder,
        "lease": lease_seconds,
        "now": now,
        "code_version": code_version,
    }
    row = (await connection.execute(_FIRST_CLAIM, claimant)).first()
    if row is None:
        row = (await connection.execute(_LATER_CLAIM, claimant | {"at_once": at_once})).first()
    return None if row is None else (row.fence, row.attempt)


async def running_session(connection: AsyncConnection) -> date | None:
    """The session whose night somebody is working on; None where nobody is."""
    found = await connection.execute(
        text("SELECT min(session) FROM symbols.batch_runs WHERE state = 'running' AND lease_until > clock_timestamp()")
    )
    session: date | None = found.scalar_one()
    return session


async def renew(connection: AsyncConnection, run_id: UUID, fence: int, lease_seconds: float) -> bool:
    """Hold the run for longer; False where it is not ours any more."""
    renewed = await connection.execute(
        text(
            "UPDATE symbols.batch_runs SET lease_until = clock_timestamp() + make_interval(secs => :lease) "
            "WHERE run_id = :run_id AND fence = :fence AND state = 'running'"
        ),
        {"run_id": run_id, "fence": fence, "lease": lease_seconds},
    )
    return renewed.rowcount == 1


async def release(connection: AsyncConnection, run_id: UUID, fence: int) -> None:
    """Let any replica take the run over at once: its holder is stopping."""
    await connection.execute(
        text(
            "UPDATE symbols.batch_runs SET lease_until = '-infinity' "
            "WHERE run_id = :run_id AND fence = :fence AND state = 'running'"
        ),
        {"run_id": run_id, "fence": fence},
    )


async def supersede(connection: AsyncConnection, session: date) -> None:
    """Give up every earlier session that was left failed or abandoned: the run of `session` takes its prices along."""
    await connection.execute(
        text(
            "UPDATE symbols.batch_runs SET state = 'skipped', fence = nextval('symbols.fences'), "
            "reason = concat_ws('; ', CAST(:why AS text), reason), next_attempt_at = NULL, leased_by = NULL, "
            "lease_until = NULL WHERE session < :session AND kind = 'night' "
            "AND (state = 'failed' OR (state = 'running' AND lease_until < clock_timestamp()))"
        ),
        {"session": session, "why": f"superseded by the run of {session}"},
    )


async def _record_providers(connection: AsyncConnection, run_id: UUID) -> None:
    """How many symbols of the run have whose bars: also those that an earlier attempt fetched."""
    await connection.execute(
        text(
            "UPDATE symbols.batch_runs AS run SET providers = "
            "(SELECT coalesce(jsonb_object_agg(source, symbols), '{}') FROM "
            "(SELECT bar.source, count(*) AS symbols FROM symbols.run_fetches AS asked "
            "JOIN symbols.traded_bars AS bar ON bar.symbol = asked.symbol AND bar.session = run.session "
            "WHERE asked.run_id = run.run_id AND asked.outcome = 'OK' GROUP BY bar.source) AS mix) "
            "WHERE run_id = :run_id"
        ),
        {"run_id": run_id},
    )


async def complete(
    connection: AsyncConnection,
    run_id: UUID,
    *,
    state: str,
    reason: str | None,
    edition: int,
    steps: Sequence[dict[str, Any]],
    counts: dict[str, Any],
    now: datetime,
) -> None:
    """Record a published run, in the publishing transaction."""
    await _record_providers(connection, run_id)
    await connection.execute(
        text(
            "UPDATE symbols.batch_runs SET state = :state, reason = :reason, edition = :edition, "
            "steps = CAST(:steps AS jsonb), counts = CAST(:counts AS jsonb), finished_at = :now, leased_by = NULL, "
            "lease_until = NULL WHERE run_id = :run_id"
        ),
        {
            "run_id": run_id, "state": state, "reason": reason, "edition": edition, "now": now,
            "steps": json.dumps(steps), "counts": json.dumps(counts),
        },
    )  # fmt: skip


async def fail(
    connection: AsyncConnection,
    run_id: UUID,
    fence: int,
    *,
    reason: str,
    steps: Sequence[dict[str, Any]],
    counts: dict[str, Any],
    retry_seconds: float,
    now: datetime,
) -> None:
    """Record why a run published nothing, and when it is tried again; nothing where the run is not ours any more."""
    ours = await connection.execute(
        text(
            "UPDATE symbols.batch_runs SET state = 'failed', reason = :reason, steps = CAST(:steps AS jsonb), "
            "counts = CAST(:counts AS jsonb), finished_at = :now, leased_by = NULL, lease_until = NULL, "
            "next_attempt_at = clock_timestamp() + make_interval(secs => :retry) "
            "WHERE run_id = :run_id AND fence = :fence AND state = 'running'"
        ),
        {
            "run_id": run_id, "fence": fence, "reason": reason, "retry": retry_seconds, "now": now,
            "steps": json.dumps(steps), "counts": json.dumps(counts),
        },
    )  # fmt: skip
    if ours.rowcount:
        await _record_providers(connection, run_id)


_SKIP_UNBEGUN = text(
    "INSERT INTO symbols.batch_runs (run_id, session, kind, state, reason, fence, attempt, started_at, finished_at) "
    "SELECT id, session, 'night', 'skipped', :reason, nextval('symbols.fences'), 0, :now, :now "
    "FROM unnest(CAST(:ids AS uuid[]), CAST(:sessions AS date[])) AS given_up(id, session) "
    "ON CONFLICT DO NOTHING RETURNING session"
)

_SKIP_LEFT_BEHIND = text(
    "UPDATE symbols.batch_runs SET state = 'skipped', reason = concat_ws('; ', CAST(:reason AS text), reason), "
    "fence = nextval('symbols.fences'), next_attempt_at = NULL, finished_at = coalesce(finished_at, :now), "
    "leased_by = NULL, lease_until = NULL "
    "WHERE kind = 'night' AND session = ANY(CAST(:sessions AS date[])) "
    "AND (state = 'failed' OR (state = 'running' AND lease_until < clock_timestamp())) RETURNING session"
)


async def skip(
    connection: AsyncConnection, runs: Sequence[tuple[UUID, date]], reason: str, now: datetime
) -> list[date]:
    """Give the sessions up, where nobody is working on them and none is published. Returns those given up now."""
    given_up = {
        "ids": [run_id for run_id, _ in runs],
        "sessions": [day for _, day in runs],
        "reason": reason,
        "now": now,
    }
    never_begun = await connection.execute(_SKIP_UNBEGUN, given_up)
    left_behind = await connection.execute(_SKIP_LEFT_BEHIND, given_up)
    return sorted([*never_begun.scalars(), *left_behind.scalars()])


async def record_fetches(
    connection: AsyncConnection, run_id: UUID, fetches: Sequence[tuple[str, str, str | None]], now: datetime
) -> None:
    """Record (symbol, outcome, detail), in the transaction that commits the prices: a hundred rows, one statement."""
    await connection.execute(
        text(
            "INSERT INTO symbols.run_fetches AS known (run_id, symbol, outcome, detail, fetched_at) "
            "SELECT :run_id, symbol, outcome, detail, :now FROM unnest(CAST(:symbols AS text[]), "
            "CAST(:outcomes AS text[]), CAST(:details AS text[])) AS fetched (symbol, outcome, detail) "
            "ON CONFLICT (run_id, symbol) DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail, "
            "fetched_at = excluded.fetched_at"
        ),
        {
            "run_id": run_id,
            "now": now,
            "symbols": [symbol for symbol, _, _ in fetches],
            "outcomes": [str(outcome) for _, outcome, _ in fetches],
            "details": [detail for _, _, detail in fetches],
        },
    )


async def fetched_so_far(connection: AsyncConnection) -> tuple[date, int, int] | None:
    """The session somebody is working on, how many symbols were asked for and how many are to be; None: nobody is."""
    row = await connection.execute(
        text(
            "SELECT session, (SELECT count(*) FROM symbols.run_fetches AS f WHERE f.run_id = r.run_id), "
            "(SELECT count(*) FROM symbols.symbol_universe WHERE status = 'active') FROM symbols.batch_runs AS r "
            "WHERE state = 'running' AND lease_until > clock_timestamp() ORDER BY session LIMIT 1"
        )
    )
    found = row.first()
    return None if found is None else (found[0], found[1], found[2])


async def fetches(connection: AsyncConnection, run_id: UUID) -> dict[str, tuple[str, str | None]]:
    """(outcome, detail) by symbol."""
    rows = await connection.execute(
        text("SELECT symbol, outcome, detail FROM symbols.run_fetches WHERE run_id = :run_id"), {"run_id": run_id}
    )
    return {row.symbol: (row.outcome, row.detail) for row in rows}


async def list_runs(
    connection: AsyncConnection, *, session: date | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Runs as the API shows them, newest session first."""
    rows = await connection.execute(
        text(
            "SELECT run_id, session, kind, state, reason, attempt, edition, steps, counts, providers, code_version, "
            "leased_by, lease_until, started_at, finished_at, next_attempt_at FROM symbols.batch_runs "
            "WHERE session = coalesce(CAST(:session AS date), session) ORDER BY session DESC LIMIT :limit"
        ),
        {"limit": limit, "session": session},
    )
    return [dict(row._mapping) for row in rows]


async def run_of(connection: AsyncConnection, session: date) -> dict[str, Any] | None:
    """A session's run, with how many symbols were asked for and what became of those that brought no usable price."""
    found = await list_runs(connection, session=session)
    if not found:
        return None
    asked = await fetches(connection, found[0]["run_id"])
    unpriced = {
        symbol: {"outcome": outcome, "detail": detail} for symbol, (outcome, detail) in asked.items() if outcome != "OK"
    }
    held = await _held_back(connection, session)
    return found[0] | {"fetched": len(asked), "unpriced": dict(sorted((unpriced | held).items()))}


async def _held_back(connection: AsyncConnection, session: date) -> dict[str, dict[str, str]]:
    """The symbols whose bar the session's own night held back, whatever was decided about it since."""
    rows = await connection.execute(
        text(
            "SELECT symbol, rule, reason FROM symbols.quarantined_bars WHERE session = :session "
            "AND held_in = :session AND (state <> 'confirmed' OR decided_at > held_at)"
        ),
        {"session": session},
    )
    return {row.symbol: {"outcome": "QUARANTINED", "detail": f"{row.rule}: {row.reason}"} for row in rows}
