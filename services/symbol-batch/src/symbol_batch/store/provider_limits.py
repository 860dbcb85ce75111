"""Limits of providers, a row each: what all who ask one share, and a restart remembers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.runtime import tracing
from symbol_batch.providers.breaker import Breaker, BreakerState
from symbol_batch.providers.limit import Grant, Heard, Limit, step
from symbol_batch.providers.pacing import FIRST_RAISE, Pace
from symbol_batch.providers.provider import Outcome

INSTANTS = ("next_slot", "paused_until", "stage_began", "probe_at")


class SharedLimits:
    """`Limits` in Postgres: each exchange is a short transaction of its own, on the database's clock."""

    def __init__(self, engine: AsyncEngine, *, first_rate: float) -> None:
        """`first_rate` is the rate of a provider that nobody has asked yet, in requests a second."""
        self._engine = engine
        self._first_rate = first_rate

    async def exchange(self, provider: str, heard: Sequence[Heard], wanted: int) -> Grant:
        """See `Limits`. Whoever comes meanwhile waits for the row."""
        with tracing.untold():
            return await self._exchange(provider, heard, wanted)

    async def _exchange(self, provider: str, heard: Sequence[Heard], wanted: int) -> Grant:
        async with self._engine.begin() as connection:
            row = await _locked(connection, provider, self._first_rate)
            now = row["now"].timestamp()
            limit, slots = step(_limit(row), heard, wanted, now)
            await _write(connection, provider, limit)
        return Grant(limit, slots, now)


@dataclass(frozen=True, slots=True)
class ProviderLimit:
    """A provider's limit as an operator reads it."""

    provider: str
    rate: float
    """Requests a second at present."""
    refused_rate: float | None
    breaker: str
    paused_until: datetime | None
    """Nobody asks it before; None where it may be asked."""
    failures: int
    answered: int
    refused: int
    lost: int
    refused_at: datetime | None
    last_failure: str | None
    updated_at: datetime


async def provider_limits(connection: AsyncConnection) -> dict[str, ProviderLimit]:
    """What is known of every provider that was ever asked, by name."""
    rows = await connection.execute(
        text(
            "SELECT provider, rate, refused_rate, breaker, CASE WHEN closed_until > clock_timestamp() "
            "THEN closed_until END AS paused_until, failures, answered, refused, lost, refused_at, last_failure, "
            "updated_at FROM symbols.provider_limits, LATERAL (SELECT greatest(paused_until, "
            "CASE WHEN breaker <> 'closed' THEN probe_at END)) AS closed (closed_until)"
        )
    )
    return {row.provider: ProviderLimit(*row) for row in rows}


async def _locked(connection: AsyncConnection, provider: str, first_rate: float) -> RowMapping:
    """The provider's row, ours until the transaction ends, and the database's clock; a new one where there is none."""
    row = await _select(connection, provider)
    if row is None:
        await connection.execute(
            text(
                "INSERT INTO symbols.provider_limits (provider, rate, raised_by) VALUES (:provider, :rate, :raised_by) "
                "ON CONFLICT DO NOTHING"
            ),
            {"provider": provider, "rate": first_rate, "raised_by": FIRST_RAISE},
        )
        row = await _select(connection, provider)
    assert row is not None
    return row


async def _select(connection: AsyncConnection, provider: str) -> RowMapping | None:
    # The clock is read above the lock: below it would be read before waiting for the row. Nobody waits for the disk:
    # a pace that a crash of the database forgets is a tenth of a second old, and a request waits for this commit.
    found = await connection.execute(
        text(
            "WITH locked AS MATERIALIZED (SELECT * FROM symbols.provider_limits WHERE provider = :provider FOR UPDATE) "
            "SELECT locked.*, clock_timestamp() AS now, set_config('synchronous_commit', 'off', true) FROM locked"
        ),
        {"provider": provider},
    )
    return found.mappings().first()


async def _write(connection: AsyncConnection, provider: str, limit: Limit) -> None:
    await connection.execute(
        text(
            "UPDATE symbols.provider_limits SET rate = :rate, next_slot = :next_slot, paused_until = :paused_until, "
            "pauses = :pauses, proven_rate = :proven_rate, refused_rate = :refused_rate, "
            "refused_tries = :refused_tries, raised_by = :raised_by, stage_began = :stage_began, "
            "stage_answered = :stage_answered, breaker = :breaker, failures = :failures, opened = :opened, "
            "probe_at = :probe_at, epoch = :epoch, answered = :answered, refused = :refused, lost = :lost, "
            "refused_at = :refused_at, last_failure = :last_failure, updated_at = clock_timestamp() "
            "WHERE provider = :provider"
        ),
        {"provider": provider, **_columns(limit)},
    )


def _limit(row: RowMapping) -> Limit:
    at: dict[str, float] = {name: row[name].timestamp() for name in INSTANTS}
    pace = Pace(
        rate=row["rate"],
        next_slot=at["next_slot"],
        paused_until=at["paused_until"],
        pauses=row["pauses"],
        proven_rate=row["proven_rate"],
        refused_rate=row["refused_rate"],
        refused_tries=row["refused_tries"],
        raised_by=row["raised_by"],
        stage_began=at["stage_began"],
        stage_answered=row["stage_answered"],
    )
    return Limit(
        pace=pace,
        breaker=Breaker(BreakerState(row["breaker"]), row["failures"], row["opened"], at["probe_at"]),
        epoch=row["epoch"],
        answered=row["answered"],
        refused=row["refused"],
        lost=row["lost"],
        refused_at=None if row["refused_at"] is None else row["refused_at"].timestamp(),
        last_failure=None if row["last_failure"] is None else Outcome(row["last_failure"]),
    )


def _columns(limit: Limit) -> dict[str, Any]:
    pace, breaker = limit.pace, limit.breaker
    return {
        "rate": pace.rate,
        "next_slot": _instant(pace.next_slot),
        "paused_until": _instant(pace.paused_until),
        "pauses": pace.pauses,
        "proven_rate": pace.proven_rate,
        "refused_rate": pace.refused_rate,
        "refused_tries": pace.refused_tries,
        "raised_by": pace.raised_by,
        "stage_began": _instant(pace.stage_began),
        "stage_answered": pace.stage_answered,
        "breaker": breaker.state,
        "failures": breaker.failures,
        "opened": breaker.opened,
        "probe_at": _instant(breaker.until),
        "epoch": limit.epoch,
        "answered": limit.answered,
        "refused": limit.refused,
        "lost": limit.lost,
        "refused_at": None if limit.refused_at is None else _instant(limit.refused_at),
        "last_failure": limit.last_failure,
    }


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
