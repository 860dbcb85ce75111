"""Which night is to be run, and by whom.

Every replica looks every `reconcile_seconds` for the earliest NYSE session after the last published one whose 21:00 in
New York has passed (with nothing published yet: the latest one), and claims its run. The claim is a row: a lease,
renewed while the night runs, and a fence, checked by every transaction that writes. When a holder dies the lease runs
out, another replica takes the run over under a new fence and resumes it, and the old holder, should it wake, writes
nothing.

A failed night is retried with backoff until the next session is due. Then it is given up as `skipped`, saying what it
failed of: the next night's fetch reaches back over it, so its prices arrive and portfolios are folded through it; only
its own exposures are never computed. While sessions are being caught up the next one is always due, so there a failed
night has `night_attempts` attempts before it is given up. Of more than ten sessions behind, the oldest are skipped.
"""

import asyncio
import contextlib
import time
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.runtime import tracing
from riskstream.runtime.clock import Clock
from riskstream.runtime.health import State
from riskstream.runtime.outages import Outage
from symbol_batch import telemetry
from symbol_batch.calendar import Calendar, calendar_at
from symbol_batch.leases import holder_name, under_lease
from symbol_batch.nightly import Night, NightFailed, Steps
from symbol_batch.store import runs
from symbol_batch.store.fences import FencedError, NightFence
from symbol_batch.store.runs import RunState
from symbol_batch.store.sessions import publish_sessions

NAMESPACE = UUID("1f8d3c5e-52b1-5c43-8a67-1c0f6b8e9d24")
PACKAGE = "riskstream-symbol-batch"
MOST_CAUGHT_UP = 10
LONGEST_RETRY_SECONDS = 900.0

log = structlog.get_logger(__name__)


def run_id_of(session: date) -> UUID:
    """The same run on every replica and at every attempt."""
    return uuid5(NAMESPACE, f"night:{session.isoformat()}")


@dataclass(frozen=True)
class RunSummary:
    """One attempt of a night, as the command prints it."""

    session: date
    state: str
    reason: str | None
    edition: int | None
    attempt: int
    seconds: float
    steps: list[dict[str, Any]]
    counts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"session": self.session.isoformat()}


class NotResumable(Exception):
    """A run that cannot be tried again; the message says why."""


@dataclass(frozen=True)
class _Claim:
    session: date
    fence: NightFence
    attempt: int

    def attributes(self) -> tracing.Attributes:
        """What its span says."""
        return {"riskstream.session": self.session.isoformat(), "riskstream.attempt": self.attempt}


class Reconciler:
    """Runs due nights, one after the other. A part of the process, and the whole of the command `reconcile`."""

    def __init__(
        self,
        engine: AsyncEngine,
        night: Night,
        clock: Clock,
        *,
        every: float = 30.0,
        lease_seconds: float = 120.0,
        retry_seconds: float = 60.0,
        attempts: int = 3,
        build: str = "",
    ) -> None:
        """`build` names what the code was built from, for the record of each run, beside the package's version."""
        self._engine = engine
        self._night = night
        self._clock = clock
        self._every = every
        self._lease_seconds = lease_seconds
        self._retry_seconds = retry_seconds
        self._attempts = attempts
        self._code_version = "+".join(filter(None, [version(PACKAGE), build]))
        self._holder = holder_name()
        self._published_on: date | None = None
        self._stopping = asyncio.Event()
        self._turn: asyncio.Task[list[RunSummary]] | None = None
        self._error: str | None = None
        self._outage = Outage("reconciling")

    async def run(self) -> None:
        """Reconcile every few seconds until `stop`; a failing turn is logged once and the next one tries again."""
        while not self._stopping.is_set():
            self._turn = asyncio.create_task(self.reconcile())
            try:
                await self._turn
                self._error = None
                self._outage.over()
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise
            except Exception as error:
                self._error = f"{type(error).__name__}: {error}"
                self._outage.failed(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._every)

    def stop(self) -> None:
        """End at once: a night under way gives its lease back and is resumed by whoever comes next."""
        self._stopping.set()
        if self._turn is not None:
            self._turn.cancel()

    def health(self) -> State:
        """Never a reason to restart the process: a failed night is the provider's trouble more often than ours."""
        return State(detail={} if self._error is None else {"last_error": self._error})

    async def reconcile(self, *, at_once: bool = False, through: date | None = None) -> list[RunSummary]:
        """Run what is due until nothing is, or a run fails or is lost; each attempt's summary.

        `at_once` does not wait for a failed run's next attempt. Sessions after `through` are left for later.
        """
        done: list[RunSummary] = []
        while True:
            calendar = await self.calendar()
            session = await self._next(calendar, at_once=at_once, through=through)
            claim = None if session is None else await self._claim(session, at_once=at_once)
            if claim is None:
                return done
            done.append(await self._attempt(claim, calendar))
            if done[-1].state in {"failed", "fenced"}:
                return done

    async def resume(self, session: date) -> RunSummary:
        """Try a failed or abandoned run again, now. Earlier ones still open are given up: it takes their prices along.

        NotResumable where there is no such run, somebody is working on it, or it has ended for good.
        """
        async with self._engine.connect() as connection:
            run = (await runs.run_states(connection, [session])).get(session)
        if run is None:
            raise NotResumable(f"there is no run of {session}; `riskstream runs start` begins one that is due")
        if run.state == "running" and not run.claimable:
            raise NotResumable(f"somebody works on the run of {session}; `riskstream runs show {session}` says who")
        if run.state not in {"running", "failed"}:
            raise NotResumable(f"the run of {session} is {run.state}; only a failed or abandoned one is tried again")
        calendar = await self.calendar()
        claim = await self._claim(session, at_once=True)
        if claim is None:
            raise NotResumable(f"somebody else took the run of {session} at this moment")
        return await self._attempt(claim, calendar)

    async def calendar(self) -> Calendar:
        """Today's calendar, published to the table when the date has changed."""
        today = self._clock.today()
        calendar = await asyncio.to_thread(calendar_at, today)
        if self._published_on != today:
            async with self._engine.begin() as connection:
                await publish_sessions(connection, calendar.sessions)
            self._published_on = today
        return calendar

    async def _next(self, calendar: Calendar, *, at_once: bool, through: date | None) -> date | None:
        now = self._clock.now()
        async with self._engine.begin() as connection:
            last = await runs.last_completed(connection)
            due = [day for day in calendar.due(now, after=last) if through is None or day <= through]
            due, too_old = due[-MOST_CAUGHT_UP:] if last else due[-1:], due[:-MOST_CAUGHT_UP] if last else []
            if too_old:
                why = f"more than {MOST_CAUGHT_UP} sessions behind"
                skipped = await runs.skip(connection, [(run_id_of(day), day) for day in too_old], why, now)
                if skipped:
                    log.warning("sessions skipped", sessions=[day.isoformat() for day in skipped], reason=why)
            states = await runs.run_states(connection, due)
        return _earliest(due, states, attempts=self._attempts, at_once=at_once)

    async def _claim(self, session: date, *, at_once: bool) -> _Claim | None:
        run_id = run_id_of(session)
        async with self._engine.begin() as connection:
            claimed = await runs.claim(
                connection,
                run_id,
                session,
                holder=self._holder,
                lease_seconds=self._lease_seconds,
                now=self._clock.now(),
                code_version=self._code_version,
                at_once=at_once,
            )
            if claimed is None:
                return None
            await runs.supersede(connection, session)
        fence, attempt = claimed
        log.info("night claimed", session=session.isoformat(), fence=fence, attempt=attempt)
        return _Claim(session, NightFence(run_id, fence), attempt)

    async def _attempt(self, claim: _Claim, calendar: Calendar) -> RunSummary:
        steps = Steps()
        begun = time.monotonic()
        work = self._night.run(claim.session, calendar, claim.fence, steps)
        edition, reason = None, None
        try:
            with tracing.span("night", attributes=claim.attributes()):
                published = await under_lease(work, lambda: self._renew(claim), self._lease_seconds)
            state, edition = published.state, published.edition.number
            telemetry.RUN_SECONDS.observe(time.monotonic() - begun)
        except asyncio.CancelledError:
            await asyncio.shield(self._release(claim))
            raise
        except FencedError as error:
            state, reason = "fenced", str(error)
        except Exception as error:
            state, reason = (
                "failed",
                str(error) if isinstance(error, NightFailed) else f"{type(error).__name__}: {error}",
            )
            if not isinstance(error, NightFailed):
                log.exception("the night ended unexpectedly", session=claim.session.isoformat())
            await self._fail(claim, reason, steps)
        telemetry.RUNS.labels(state).inc()
        seconds = round(time.monotonic() - begun, 3)
        log.info("night ended", session=claim.session.isoformat(), state=state, reason=reason, seconds=seconds)
        return RunSummary(claim.session, state, reason, edition, claim.attempt, seconds, steps.rows, steps.counts)

    async def _renew(self, claim: _Claim) -> bool:
        async with self._engine.begin() as connection:
            return await runs.renew(connection, claim.fence.run_id, claim.fence.number, self._lease_seconds)

    async def _release(self, claim: _Claim) -> None:
        async with self._engine.begin() as connection:
            await runs.release(connection, claim.fence.run_id, claim.fence.number)

    async def _fail(self, claim: _Claim, reason: str, steps: Steps) -> None:
        retry = min(self._retry_seconds * 2 ** (claim.attempt - 1), LONGEST_RETRY_SECONDS)
        async with self._engine.begin() as connection:
            await runs.fail(
                connection,
                claim.fence.run_id,
                claim.fence.number,
                reason=reason,
                steps=steps.rows,
                counts=steps.counts,
                retry_seconds=retry,
                now=self._clock.now(),
            )


def _earliest(due: list[date], states: dict[date, RunState], *, attempts: int, at_once: bool) -> date | None:
    """The earliest due session that may be claimed; None while an earlier one is being worked on or waits."""
    for session in due:
        run = states.get(session)
        if run is None:
            return session
        if run.state == "skipped":
            continue
        if run.state == "failed" and session != due[-1] and run.attempt >= attempts:
            continue
        return session if run.claimable or (at_once and run.state == "failed") else None
    return None
