"""New symbols: what is asked for comes into the current edition through the same steps as in the night.

The handler of `symbol.requested` answers at once where it can, and otherwise only writes a row. Workers of all replicas
share three leases on those rows; what a dead process held is taken up by another. Before the first edition there is
nothing to add to: requests wait in the queue.

A company's profile is asked for once its symbol is ready, so that nobody waits for it: the next edition has it, and so
has who reads profiles as they are. What is lost with the process is taken up by the next night.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.events.symbol import SymbolFactorsUpdated, SymbolFailed, SymbolReady, SymbolRequested
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging.outbox import Outbox
from riskstream.runtime import tracing
from riskstream.runtime.clock import Clock
from riskstream.runtime.outages import Outage
from riskstream.symbology import InvalidSymbolError, normalise
from symbol_batch import telemetry
from symbol_batch.calendar import Calendar, calendar_at
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.factors.risk_model import Loadings
from symbol_batch.figures import Figures, exposure_rows, exposures_of, metric_rows, metrics_of
from symbol_batch.leases import holder_name, under_lease
from symbol_batch.panel import Panel, load_panel
from symbol_batch.prices import PriceIntake, Prices, Taken
from symbol_batch.providers.provider import Outcome
from symbol_batch.risk import estimate_loadings_in, write_loadings
from symbol_batch.store import editions, requests, universe
from symbol_batch.store.editions import Edition
from symbol_batch.store.fences import FencedError, RequestFence
from symbol_batch.store.requests import Request

NAMESPACE = UUID("7c2b8f5d-0e64-5b7c-b1f9-3a9d27e4c806")
ATTEMPTS = 3
WORKERS = requests.LEASES
"""In one process: it may take all leases where it is the only one."""

log = structlog.get_logger(__name__)


class SymbolRequests:
    """Answers `symbol.requested` on the consumer's own transaction."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def requested(self, connection: AsyncConnection, envelope: Envelope[Any]) -> None:
        """Say `symbol.ready` where the edition contains the symbol, `symbol.failed` where it failed within a day or can
        be no symbol, and otherwise queue it. Every request is answered in the end; the work is done once.
        """
        event: SymbolRequested = envelope.event
        answer = await self._answer(connection, event.symbol)
        if answer is not None:
            await self._outbox.publish(connection, [answer], cause=envelope)

    async def _answer(self, connection: AsyncConnection, asked: str) -> Event | None:
        try:
            symbol = normalise(asked)
        except InvalidSymbolError as error:
            return SymbolFailed(symbol=asked, reason="invalid_symbol", detail=str(error))
        edition = await editions.current_edition(connection)
        if edition is not None and symbol in await editions.published_sessions(connection, [symbol]):
            return SymbolReady(symbol=symbol, edition=edition.number, session=edition.session)
        onwards = (await universe.renamed(connection, [symbol])).get(symbol)
        if onwards is not None:
            detail = f"{symbol} goes on as {onwards[0]} since {onwards[1]}; ask for that"
            return SymbolFailed(symbol=symbol, reason="renamed", detail=detail)
        failure = await requests.recent_failure(connection, symbol)
        if failure is not None:
            return SymbolFailed(symbol=symbol, reason=failure[0], detail=failure[1])
        await requests.enqueue(connection, [symbol])
        return None


@dataclass(frozen=True)
class _Worked:
    """A symbol's figures, ready to be added to the edition they were computed for."""

    edition: Edition
    figures: Figures
    loadings: Loadings | None
    panel: Panel
    outcome: Outcome


@dataclass(frozen=True)
class _Unusable:
    """Why there is nothing to add: what the fetch came to."""

    outcome: Outcome
    detail: str


class NewSymbols:
    """Works on requested symbols. A part of the process; `drain` is for commands."""

    def __init__(
        self,
        engine: AsyncEngine,
        intake: PriceIntake,
        companies: CompanyIntake,
        outbox: Outbox,
        clock: Clock,
        *,
        poll_seconds: float = 2.0,
        lease_seconds: float = 120.0,
        retry_seconds: float = 30.0,
    ) -> None:
        self._engine = engine
        self._intake = intake
        self._companies = companies
        self._outbox = outbox
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._lease_seconds = lease_seconds
        self._retry_seconds = retry_seconds
        self._holder = holder_name()
        self._outage = Outage("taking up requested symbols")
        self._stopping = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._without_profile: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """Work until `stop`."""
        self._workers = [asyncio.create_task(self._work_on()) for _ in range(WORKERS)]
        self._workers.append(asyncio.create_task(self._complete_profiles()))
        await asyncio.gather(*self._workers, return_exceptions=True)
        for worker in self._workers:
            if not worker.cancelled():
                worker.result()

    def stop(self) -> None:
        """End at once; what was under way is given back and begins again elsewhere."""
        self._stopping.set()
        for worker in self._workers:
            worker.cancel()

    async def drain(self) -> list[tuple[str, str]]:
        """Work until nothing is due; (symbol, what came of it) of each attempt."""
        done = []
        while (request := await self._claim()) is not None:
            done.append((request.symbol, await self._attempt(request)))
        while not self._without_profile.empty():
            await self._companies.profiles_of_new(self._awaiting_profile())
        return done

    async def _work_on(self) -> None:
        while not self._stopping.is_set():
            try:
                request = await self._claim()
                self._outage.over()
                if request is not None:
                    await self._attempt(request)
                    continue
            except Exception as error:
                self._outage.failed(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._poll_seconds)

    async def _complete_profiles(self) -> None:
        while not self._stopping.is_set():
            first = await self._without_profile.get()
            await self._companies.profiles_of_new([first, *self._awaiting_profile()])

    def _awaiting_profile(self) -> list[str]:
        return [self._without_profile.get_nowait() for _ in range(self._without_profile.qsize())]

    async def _claim(self) -> Request | None:
        async with self._engine.begin() as connection:
            return await requests.claim(connection, self._holder, self._lease_seconds)

    async def _attempt(self, request: Request) -> str:
        """One attempt; what came of it: ready, failed, waiting_for_provider, queued (again later) or fenced."""
        try:
            told: tracing.Attributes = {"riskstream.symbol": request.symbol, "riskstream.attempt": request.attempt}
            asked = tracing.remote(request.traceparent)
            parent = None if asked is None else tracing.under(asked)
            with tracing.span("symbol request", parent=parent, attributes=told):
                end = await under_lease(self._bring_in(request), lambda: self._renew(request), self._lease_seconds)
        except asyncio.CancelledError:
            await asyncio.shield(self._postpone(request, "queued", 0, None, "the worker was stopped", used=False))
            raise
        except FencedError as error:
            end = "fenced"
            log.warning("the request was lost", symbol=request.symbol, error=str(error))
        except Exception as error:
            log.exception("a requested symbol ended unexpectedly", symbol=request.symbol, attempt=request.attempt)
            end = await self._used_up(request, "error", None, f"{type(error).__name__}: {error}")
        if end == "ready":
            self._without_profile.put_nowait(request.symbol)
        telemetry.REQUESTS.labels(end).inc()
        log.info("request worked on", symbol=request.symbol, attempt=request.attempt, end=end)
        return end

    async def _bring_in(self, request: Request) -> str:
        """Prices, exposures, metrics, into the edition; all of it again where a newer one was published meanwhile."""
        while True:
            async with self._engine.connect() as connection:
                edition = await editions.current_edition(connection)
                known = await editions.published_sessions(connection, [request.symbol])
            assert edition is not None, "requests are claimed only once there is an edition"
            if request.symbol in known:
                return await self._already_known(request, edition)
            worked = await self._work(request, edition)
            if isinstance(worked, _Unusable):
                return await self._refused(request, worked)
            if await self._added(request, worked):
                return "ready"
            log.info("a newer edition was published; computing again", symbol=request.symbol)

    async def _work(self, request: Request, edition: Edition) -> _Worked | _Unusable:
        calendar = await self._calendar()
        fence = RequestFence(request.symbol, request.fence)
        [taken] = await self._intake.take([request.symbol], edition.session, calendar, fence=fence)
        if taken.outcome not in {Outcome.OK, Outcome.STALE}:
            return _unusable(taken)
        await self._step(request, "exposures")
        symbols = [request.symbol]
        panel = await load_panel(self._engine, list(dict.fromkeys([*BENCHMARKS, *symbols])), edition.session, calendar)
        metrics = await asyncio.to_thread(metrics_of, panel, symbols)
        if metrics.data_quality[0] == 0:
            return _unusable(taken)
        exposures = await asyncio.to_thread(exposures_of, panel, symbols)
        loadings = await estimate_loadings_in(self._engine, edition, panel, symbols)
        held = symbols if request.symbol in await Prices(self._engine).out_of_use(edition.session) else ()
        return _Worked(edition, Figures(exposures, metrics, held), loadings, panel, taken.outcome)

    async def _added(self, request: Request, worked: _Worked) -> bool:
        """Add the symbol to the edition, under its lock; False, with nothing written, where it is not current now."""
        edition, figures = worked.edition, worked.figures
        run_id = uuid5(NAMESPACE, f"new:{request.symbol}:{edition.number}")
        async with self._engine.begin() as connection:
            await RequestFence(request.symbol, request.fence).hold(connection)
            current = await editions.current_edition(connection, lock=True)
            if current != edition:
                return False
            await editions.copy_exposures(connection, exposure_rows(figures, edition.number, run_id))
            if worked.loadings is not None:
                await write_loadings(connection, edition, worked.loadings)
            outcomes = {request.symbol: worked.outcome}
            await editions.copy_metrics(
                connection, metric_rows(figures, worked.panel.sessions, outcomes, edition.number, run_id)
            )
            await universe.activate(connection, [request.symbol], self._clock.now())
            await requests.finish(connection, request, "ready", outcome=worked.outcome)
            ready = SymbolReady(symbol=request.symbol, edition=edition.number, session=edition.session)
            updated = SymbolFactorsUpdated(
                symbol=request.symbol, reason="new", session=edition.session, edition=edition.number
            )
            await self._outbox.publish(connection, [ready, updated], root=f"{run_id}:{edition.number}")
        return True

    async def _already_known(self, request: Request, edition: Edition) -> str:
        async with self._engine.begin() as connection:
            await RequestFence(request.symbol, request.fence).hold(connection)
            await requests.finish(connection, request, "ready", outcome=None)
            ready = SymbolReady(symbol=request.symbol, edition=edition.number, session=edition.session)
            await self._outbox.publish(connection, [ready], root=f"{request.symbol}:{request.fence}")
        return "ready"

    async def _refused(self, request: Request, unusable: _Unusable) -> str:
        outcome, detail = unusable.outcome, unusable.detail
        if outcome.is_refusal:
            seconds = self._retry_seconds * random.uniform(0.5, 1.5)  # noqa: S311  # jitter, not a secret
            return await self._postpone(request, "waiting_for_provider", seconds, outcome, detail, used=False)
        if outcome is Outcome.NOT_FOUND:
            return await self._fail(request, "not_found", outcome, detail)
        reason = "no_prices" if outcome in {Outcome.STALE, Outcome.OK} else "bad_data"
        return await self._used_up(request, reason, outcome, detail)

    async def _used_up(self, request: Request, reason: str, outcome: Outcome | None, detail: str) -> str:
        if request.attempt >= ATTEMPTS:
            return await self._fail(request, reason, outcome, detail)
        seconds = self._retry_seconds * 2 ** (request.attempt - 1)
        return await self._postpone(request, "queued", seconds, outcome, detail, used=True)

    async def _fail(self, request: Request, reason: str, outcome: Outcome | None, detail: str) -> str:
        async with self._engine.begin() as connection:
            await RequestFence(request.symbol, request.fence).hold(connection)
            await requests.finish(connection, request, "failed", outcome=outcome, reason=reason, detail=detail)
            failed = SymbolFailed(symbol=request.symbol, reason=reason, detail=detail)
            await self._outbox.publish(connection, [failed], root=f"{request.symbol}:{request.fence}")
        return "failed"

    async def _postpone(
        self, request: Request, state: str, seconds: float, outcome: Outcome | None, detail: str, *, used: bool
    ) -> str:
        async with self._engine.begin() as connection:
            await requests.postpone(
                connection, request, state, seconds, outcome=outcome, detail=detail, attempt_used=used
            )
        return state

    async def _renew(self, request: Request) -> bool:
        async with self._engine.begin() as connection:
            return await requests.renew(connection, request, self._lease_seconds)

    async def _step(self, request: Request, step: str) -> None:
        async with self._engine.begin() as connection:
            await requests.set_step(connection, request, step)

    async def _calendar(self) -> Calendar:
        return await asyncio.to_thread(calendar_at, self._clock.today())


def _unusable(taken: Taken) -> _Unusable:
    return _Unusable(taken.outcome, taken.detail or f"the provider's answer was {taken.outcome}, with no usable close")
