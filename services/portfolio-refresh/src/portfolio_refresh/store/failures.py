"""Portfolios that cannot be valued: what each run left out, and who cannot be valued now and is tried again when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

FIRST_PAUSE_SECONDS = 3_600
LONGEST_PAUSE_SECONDS = 86_400
"""A new version or edition is tried at once; the same again only because code or a server may have been mended."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A portfolio that was left out, at the version and edition it could not be valued at."""

    portfolio_id: UUID
    owner_id: str
    portfolio_version: int
    edition: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Failing:
    """A portfolio that cannot be valued now."""

    portfolio_id: UUID
    portfolio_version: int
    edition: int
    reason: str
    detail: str
    attempts: int
    failing_since: datetime
    next_attempt_at: datetime


ADD_FAILURES = text("""
INSERT INTO valuations.refresh_failures
    (run_id, portfolio_id, owner_id, portfolio_version, edition, reason, detail)
VALUES (:run_id, :portfolio_id, :owner_id, :portfolio_version, :edition, :reason, :detail)
ON CONFLICT (run_id, portfolio_id) DO UPDATE
SET portfolio_version = excluded.portfolio_version, edition = excluded.edition,
    reason = excluded.reason, detail = excluded.detail
""")

# A failure that another fold has overtaken says nothing any more.
NOTE_FAILING = text("""
INSERT INTO valuations.failing_portfolios AS f
    (portfolio_id, owner_id, portfolio_version, edition, reason, detail,
     attempts, failing_since, last_attempt_at, next_attempt_at)
SELECT :portfolio_id, :owner_id, :portfolio_version, :edition, :reason, :detail,
    1, now(), now(), now() + make_interval(secs => :first)
WHERE NOT EXISTS (
    SELECT FROM valuations.valuation_heads h
    WHERE h.portfolio_id = :portfolio_id AND h.portfolio_version >= :portfolio_version AND h.edition >= :edition
)
ON CONFLICT (portfolio_id) DO UPDATE
SET portfolio_version = excluded.portfolio_version, edition = excluded.edition,
    reason = excluded.reason, detail = excluded.detail, last_attempt_at = now(),
    attempts = CASE WHEN (f.portfolio_version, f.edition) = (excluded.portfolio_version, excluded.edition)
        THEN f.attempts + 1 ELSE 1 END,
    next_attempt_at = now() + make_interval(secs => CASE
        WHEN (f.portfolio_version, f.edition) = (excluded.portfolio_version, excluded.edition)
        THEN least(:first * power(2, least(f.attempts, 20)), :longest) ELSE :first END)
WHERE (f.portfolio_version, f.edition) <= (excluded.portfolio_version, excluded.edition)
""")

FORGET_MENDED = text("""
DELETE FROM valuations.failing_portfolios f
WHERE NOT EXISTS (
        SELECT FROM portfolios.portfolios p WHERE p.portfolio_id = f.portfolio_id AND p.deleted_at IS NULL
    )
    OR EXISTS (
        SELECT FROM valuations.valuation_heads h
        WHERE h.portfolio_id = f.portfolio_id
            AND h.portfolio_version >= f.portfolio_version AND h.edition >= f.edition
    )
""")

FAILING_NOW = text("""
SELECT portfolio_id, portfolio_version, edition, reason, detail, attempts, failing_since, next_attempt_at
FROM valuations.failing_now ORDER BY failing_since, portfolio_id
""")

COUNT_FAILING = text("SELECT count(*) FROM valuations.failing_now")

FAILURES_OF_RUN = text("""
SELECT portfolio_id, portfolio_version, edition, reason, detail FROM valuations.refresh_failures
WHERE run_id = :run_id ORDER BY portfolio_id LIMIT CAST(:limit AS bigint)
""")

ASKED_FOR = text("""
SELECT p.portfolio_id, p.owner_id, p.version, e.edition
FROM portfolios.portfolios p CROSS JOIN symbols.current_edition e
WHERE p.portfolio_id = ANY(:portfolio_ids)
""")


async def add_failures(connection: AsyncConnection, run_id: UUID, failures: Sequence[Failure]) -> None:
    """Record what a run left out; of a portfolio left out twice, the last reason."""
    if failures:
        await connection.execute(ADD_FAILURES, [{"run_id": run_id, **_as_row(failure)} for failure in failures])


async def note_failing(connection: AsyncConnection, failures: Sequence[Failure]) -> None:
    """Remember who cannot be valued now: an attempt more, and a longer pause, at the same version and edition."""
    if failures:
        pauses = {"first": FIRST_PAUSE_SECONDS, "longest": LONGEST_PAUSE_SECONDS}
        ordered = sorted(failures, key=lambda failure: failure.portfolio_id)
        await connection.execute(NOTE_FAILING, [_as_row(failure) | pauses for failure in ordered])


async def forget_mended(connection: AsyncConnection) -> None:
    """Drop the rows of those who have been valued since, or are gone; nobody counts them any more."""
    await connection.execute(FORGET_MENDED)


async def failing_now(connection: AsyncConnection) -> list[Failing]:
    """Who cannot be valued now, the longest failing first."""
    return [Failing(*row) for row in await connection.execute(FAILING_NOW)]


async def count_failing(connection: AsyncConnection) -> int:
    return int((await connection.execute(COUNT_FAILING)).scalar_one())


async def failures_of(connection: AsyncConnection, run_id: UUID, limit: int | None = None) -> list[dict[str, Any]]:
    """Whom a run left out and why, by id; the first `limit` of them."""
    rows = await connection.execute(FAILURES_OF_RUN, {"run_id": run_id, "limit": limit})
    return [dict(row) for row in rows.mappings()]


async def broken_folds(connection: AsyncConnection, errors: dict[UUID, Exception]) -> list[Failure]:
    """The failures of portfolios whose fold raised something that no arithmetic foresaw."""
    rows = await connection.execute(ASKED_FOR, {"portfolio_ids": list(errors)})
    return [
        Failure(portfolio_id, owner_id, version, edition, "fold_broke", f"report this defect: {errors[portfolio_id]!r}")
        for portfolio_id, owner_id, version, edition in rows
    ]


def _as_row(failure: Failure) -> dict[str, Any]:
    return {
        "portfolio_id": failure.portfolio_id,
        "owner_id": failure.owner_id,
        "portfolio_version": failure.portfolio_version,
        "edition": failure.edition,
        "reason": failure.reason,
        "detail": failure.detail,
    }
