"""The night: from the active symbols' prices to a published edition, step by step."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.events.event import Event
from riskstream.events.symbol import SymbolBatchCompleted, SymbolFactorsUpdated
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging import crash_points
from riskstream.messaging.outbox import Outbox
from riskstream.runtime import tracing
from riskstream.runtime.clock import Clock
from symbol_batch.calendar import Calendar
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.figures import QUARANTINED, Figures, exposure_rows, exposures_of, metric_rows, metrics_of
from symbol_batch.gate import MarketGate
from symbol_batch.panel import Panel, load_panel
from symbol_batch.prices import PriceIntake, Prices, Revision, Taken, write_revisions
from symbol_batch.providers.provider import Outcome, Provider
from symbol_batch.risk import estimate_risk_model, write_risk_model
from symbol_batch.risk_figures import RiskModel
from symbol_batch.store import editions, requests, risk_models, runs, universe
from symbol_batch.store.editions import Edition
from symbol_batch.store.fences import NightFence

REQUIRED_COVERAGE = 0.90
GOOD_COVERAGE = 0.99
NOT_ASKED = "NOT_ASKED"

log = structlog.get_logger(__name__)


class NightFailed(Exception):
    """The night may not publish; the message is the run's reason."""


@dataclass
class Steps:
    """What a run did, how long each step took, and its counts: `batch_runs.steps` and `batch_runs.counts`."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a step; what the body puts into the dict is recorded with it, also when the body fails."""
        row: dict[str, Any] = {"name": name, "seconds": 0.0}
        self.rows.append(row)
        begun = time.monotonic()
        try:
            with tracing.span(f"night {name}"):
                yield row
        finally:
            row["seconds"] = round(time.monotonic() - begun, 3)
            log.info("step", **row)


@dataclass(frozen=True)
class Coverage:
    """How many of the active symbols were priced for the session, and what became of the others."""

    active: int
    priced: int
    failures: dict[str, int]

    @property
    def ratio(self) -> float:
        return self.priced / self.active


@dataclass(frozen=True)
class Published:
    """A night that was published."""

    edition: Edition
    state: str
    coverage: Coverage


class Night:
    """Runs a session's batch under a fence. Holds what every night needs and nothing of any one night."""

    def __init__(
        self,
        engine: AsyncEngine,
        intake: PriceIntake,
        companies: CompanyIntake,
        outbox: Outbox,
        clock: Clock,
        *,
        residual_nights: int = 5,
        not_found_sessions: int = 20,
        second_sources: Sequence[Provider] = (),
    ) -> None:
        """`second_sources` are asked about bars that only the comparison with other symbols makes suspicious."""
        self._engine = engine
        self._intake = intake
        self._companies = companies
        self._outbox = outbox
        self._clock = clock
        self._residual_nights = residual_nights
        self._not_found_sessions = not_found_sessions
        self._gate = MarketGate(engine, Prices(engine), clock, second_sources)

    async def run(self, session: date, calendar: Calendar, fence: NightFence, steps: Steps) -> Published:
        """Publish the session's edition. NightFailed where it may not be published, FencedError where the run is lost.

        Safe to run again after any end: what was committed before is not asked for again.
        """
        with steps.step("active symbols") as row:
            symbols, settled = await self._symbols(fence.run_id)
            row |= {"symbols": len(symbols), "settled_before": len(settled)}
        with steps.step("profiles") as row:
            row.update(await self._companies.profiles(symbols, session, fence))
        with steps.step("fundamentals") as row:
            row.update(await self._companies.fundamentals(symbols, session, fence))
        with steps.step("prices") as row:
            asked = [symbol for symbol in symbols if symbol not in settled]
            taken = await self._intake.take(asked, session, calendar, fence=fence, run_id=fence.run_id)
            outcomes = settled | {one.symbol: one.outcome for one in taken}
            row |= {"asked": len(taken), "outcomes": _counted(one.outcome for one in taken)}
        revisions = [one.revision for one in taken if one.revision is not None]
        with steps.step("quality gate") as row:
            panel = await load_panel(self._engine, symbols, session, calendar, revisions)
            gated = await self._gate.hold(panel, await self._published(), calendar, fence)
            panel, held = gated.panel, gated.held
            row |= {"sessions": len(panel.sessions), "flagged": gated.flagged, "without_a_usable_bar": len(held)}
        with steps.step("benchmark checks"):
            check_benchmarks(session, outcomes, held, {one.symbol: one.detail for one in taken})
        with steps.step("coverage") as row:
            coverage = coverage_of(symbols, outcomes, held)
            row |= {"active": coverage.active, "priced": coverage.priced, "coverage": round(coverage.ratio, 4)}
            steps.counts |= {"active": coverage.active, "priced": coverage.priced, "failures": coverage.failures}
            check_coverage(coverage)
        with steps.step("exposures") as row:
            exposures = await asyncio.to_thread(exposures_of, panel, symbols)
            carried = await self._carried(held.keys() & set(symbols))
            row |= {"estimated": int(exposures.estimated.sum()), "carried": len(carried)}
        with steps.step("risk model") as row:
            risk = await estimate_risk_model(self._engine, panel, symbols, calendar, revisions)
            row.update(risk.counts())
        with steps.step("metrics"):
            metrics = await asyncio.to_thread(metrics_of, panel, symbols)
            figures = Figures(exposures, metrics, held.keys() & set(symbols), carried)
        return await self._publish(
            session=session,
            figures=figures,
            risk=risk,
            panel=panel,
            outcomes=outcomes,
            coverage=coverage,
            taken=taken,
            fence=fence,
            steps=steps,
        )

    async def _published(self) -> date | None:
        """The session of the edition that readers have."""
        async with self._engine.connect() as connection:
            current = await editions.current_edition(connection)
        return None if current is None else current.session

    async def _carried(self, held: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """The exposures that symbols whose bar is held back keep: those of the current edition."""
        if not held:
            return {}
        async with self._engine.connect() as connection:
            current = await editions.current_edition(connection)
            return {} if current is None else await editions.exposures_of(connection, current, held)

    async def _symbols(self, run_id: UUID) -> tuple[list[str], dict[str, Outcome]]:
        """The benchmarks and the active symbols, and those of them that an earlier attempt of the run has settled."""
        async with self._engine.connect() as connection:
            active = await universe.active_symbols(connection)
            fetched = await runs.fetches(connection, run_id)
        symbols = [*BENCHMARKS, *(symbol for symbol in active if symbol not in BENCHMARKS)]
        settled = {
            symbol: Outcome(fetched[symbol][0])
            for symbol in symbols
            if symbol in fetched and fetched[symbol][0] in runs.SETTLED
        }
        return symbols, settled

    async def _publish(
        self,
        *,
        session: date,
        figures: Figures,
        risk: RiskModel,
        panel: Panel,
        outcomes: dict[str, Outcome],
        coverage: Coverage,
        taken: Sequence[Taken],
        fence: NightFence,
        steps: Steps,
    ) -> Published:
        """One transaction: a reader sees all of the session or none of it."""
        now = self._clock.now()
        state = "completed" if coverage.ratio >= GOOD_COVERAGE else "completed_with_warnings"
        revised = {one.symbol: one.revision for one in taken if one.revision is not None}
        async with self._engine.begin() as connection:
            await fence.hold(connection)
            with steps.step("publish") as row:
                edition = await editions.begin_edition(connection, session, fence.run_id, now)
                await self._write_revisions(connection, edition, revised, taken, fence.run_id)
                rows = await asyncio.to_thread(lambda: list(exposure_rows(figures, edition.number, fence.run_id)))
                await editions.copy_exposures(connection, rows)
                await editions.copy_metrics(
                    connection, metric_rows(figures, panel.sessions, outcomes, edition.number, fence.run_id)
                )
                await write_risk_model(connection, edition, risk, panel, fence.run_id, held=figures.held)
                await risk_models.drop_old_residuals(connection, self._residual_nights)
                dropped = await universe.count_not_found(
                    connection, **_answered(outcomes), limit=self._not_found_sessions, now=now
                )
                why = f"not found on {self._not_found_sessions} sessions in a row"
                await requests.refuse(connection, dropped, "not_found", why, under_way=False)
                stragglers = await requests.enqueue_stragglers(connection, edition.number)
                events = _events(
                    session=session,
                    edition=edition,
                    figures=figures,
                    coverage=coverage,
                    run_id=fence.run_id,
                    revised=revised,
                )
                await self._outbox.publish(connection, events, root=f"{fence.run_id}:{edition.number}")
                await editions.make_current(connection, edition)
                row |= {"edition": edition.number, "exposures": len(rows), "events": len(events)}
            steps.counts |= {
                "with_exposures": figures.with_exposures,
                "revised": len(revised),
                "quarantined": len(figures.held),
                "deactivated": dropped,
                "stragglers": stragglers,
            }
            await runs.complete(
                connection,
                fence.run_id,
                state=state,
                reason=_warning(coverage) if state != "completed" else None,
                edition=edition.number,
                steps=steps.rows,
                counts=steps.counts,
                now=now,
            )
            crash_points.reached("night.before_publish_commit")
        crash_points.reached("night.after_publish_commit")
        return Published(edition, state, coverage)

    async def _write_revisions(
        self,
        connection: AsyncConnection,
        edition: Edition,
        revised: dict[str, Revision],
        taken: Sequence[Taken],
        run_id: UUID,
    ) -> None:
        now = self._clock.now()
        await write_revisions(connection, list(revised.values()), now)
        await editions.insert_revisions(
            connection, edition, {symbol: revision.revised_from for symbol, revision in revised.items()}
        )
        fetched = [(one.symbol, one.outcome, one.detail) for one in taken if one.revision is not None]
        await runs.record_fetches(connection, run_id, fetched, now)


def check_benchmarks(
    session: date, outcomes: Mapping[str, Outcome], held: Mapping[str, str], details: Mapping[str, str | None]
) -> None:
    """NightFailed, naming each, where a benchmark has no price for the session, or one that is held back: every
    exposure hangs on them.
    """
    missing = [
        f"{symbol} {outcomes.get(symbol, NOT_ASKED)}" + (f" ({details[symbol]})" if details.get(symbol) else "")
        for symbol in BENCHMARKS
        if symbol not in held and outcomes.get(symbol) is not Outcome.OK
    ]
    missing += [f"{symbol} {QUARANTINED} ({held[symbol]})" for symbol in BENCHMARKS if symbol in held]
    if missing:
        raise NightFailed(f"benchmarks without a price for {session}: {'; '.join(missing)}")


def coverage_of(symbols: Sequence[str], outcomes: Mapping[str, Outcome], held: Collection[str] = ()) -> Coverage:
    """Count the symbols by what their fetch came to; one whose bar is held back is not priced."""
    found = _counted(QUARANTINED if symbol in held else outcomes.get(symbol, NOT_ASKED) for symbol in symbols)
    priced = found.pop(Outcome.OK, 0)
    return Coverage(len(symbols), priced, found)


def check_coverage(coverage: Coverage) -> None:
    """NightFailed where fewer than nine in ten active symbols are priced."""
    if coverage.ratio < REQUIRED_COVERAGE:
        raise NightFailed(f"{_warning(coverage)}; {REQUIRED_COVERAGE:.0%} are needed to publish")


def _warning(coverage: Coverage) -> str:
    failures = ", ".join(f"{count} {outcome}" for outcome, count in sorted(coverage.failures.items()))
    return f"{coverage.priced} of {coverage.active} active symbols priced ({failures})"


def _answered(outcomes: dict[str, Outcome]) -> dict[str, Sequence[str]]:
    """Who was not found, who was known, and who may not be dropped for it."""
    return {
        "not_found": [symbol for symbol, outcome in outcomes.items() if outcome is Outcome.NOT_FOUND],
        "known": [
            symbol
            for symbol, outcome in outcomes.items()
            if outcome is not Outcome.NOT_FOUND and not outcome.is_refusal
        ],
        "spared": BENCHMARKS,
    }


def _events(
    *,
    session: date,
    edition: Edition,
    figures: Figures,
    coverage: Coverage,
    run_id: UUID,
    revised: dict[str, Revision],
) -> list[Event]:
    updated = [
        SymbolFactorsUpdated(
            symbol=symbol,
            reason="night",
            session=session,
            edition=edition.number,
            prices_revised_from=revised[symbol].revised_from if symbol in revised else None,
        )
        for symbol in figures.symbols
    ]
    completed = SymbolBatchCompleted(
        run=run_id,
        session=session,
        edition=edition.number,
        active=coverage.active,
        priced=coverage.priced,
        with_exposures=figures.with_exposures,
        coverage=coverage.ratio,
        failures=coverage.failures,
    )
    return [*updated, completed]


def _counted(outcomes: Iterator[str]) -> dict[str, int]:
    return {str(outcome): count for outcome, count in Counter(outcomes).items()}
