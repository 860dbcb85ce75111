"""Revisions between nights: an edition of the current session with corrected prices and what follows from them.

The figures of the symbols concerned are computed anew, all others are copied inside the database. A benchmark concerns
every symbol. Readers see the corrected prices and the figures made of them at the same moment.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.events.symbol import SymbolFactorsUpdated
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock
from symbol_batch.calendar import Calendar, calendar_at
from symbol_batch.factors.risk_model import Loadings
from symbol_batch.figures import Figures, exposure_rows, exposures_of, metric_rows, metrics_of
from symbol_batch.panel import Panel, load_panel
from symbol_batch.prices import (
    NotDecidable,
    Prices,
    QuarantinedBar,
    Revision,
    Verdict,
    bar_to_decide,
    change_of,
    write_revisions,
)
from symbol_batch.risk import estimate_loadings_in, estimate_risk_model, write_loadings
from symbol_batch.risk_figures import RiskModel
from symbol_batch.store import editions, risk_models, runs
from symbol_batch.store.editions import Edition

NAMESPACE = UUID("5d1c0c1e-3f6a-5b0e-9c55-6f0a4b1d7e32")

Guard = Callable[[AsyncConnection], Awaitable[object]]
"""Called in the publishing transaction before anything is written; raises where the revision has no ground any more."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Decided:
    """A verdict carried out. `edition` is the revision that it took; None where no published price changed."""

    bar: QuarantinedBar
    state: str
    edition: Edition | None


@dataclass(frozen=True)
class _Computed:
    """What a revision of an edition consists of. `model` is there where the factors themselves change."""

    figures: Figures
    panel: Panel
    loadings: Loadings | None
    model: RiskModel | None
    earlier: Edition | None


class Revisions:
    """Publishes revisions of the current edition. Any process may: the edition's lock puts them one after the other."""

    def __init__(self, engine: AsyncEngine, outbox: Outbox, clock: Clock) -> None:
        self._engine = engine
        self._outbox = outbox
        self._clock = clock
        self._prices = Prices(engine)

    async def publish(
        self, revisions: Sequence[Revision], reason: str, *, guard: Guard | None = None
    ) -> Edition | None:
        """Write the revisions, which concern sessions up to the current edition's, as a new edition of its session.

        Where another edition is published meanwhile the figures are computed again. None where the edition contains
        none of the symbols: then their prices are corrected, and nobody has figures of them.
        """
        revised = [revision for revision in revisions if not revision.is_empty]
        while revised:
            async with self._engine.connect() as connection:
                current = await editions.current_edition(connection)
                known = [] if current is None else await editions.symbols_of(connection, current)
            touched = _touched(revised, known)
            if current is None or not touched:
                await self._write_only(revised, guard)
                return None
            calendar = await asyncio.to_thread(calendar_at, self._clock.today())
            computed = await self._computed(current, touched, revised, calendar)
            edition = await self._published(current, computed, revised, guard)
            if edition is not None:
                log.info("revision published", edition=edition.number, symbols=len(touched), reason=reason)
                return edition
            log.info("a newer edition was published; computing the revision again", reason=reason)
        return None

    async def decide(
        self, symbol: str, session: date, verdict: Verdict, *, who: str, note: str | None = None
    ) -> Decided:
        """Accept or reject a held bar: a revision where it concerns a published session.

        NotDecidable where no such bar is held, it is decided so already, or a night is running, whose own judgement of
        the bar would cross this one.
        """

        async def still_so(connection: AsyncConnection) -> QuarantinedBar:
            running = await runs.running_session(connection)
            if running is not None:
                raise NotDecidable(f"the night of {running} is running: decide when it has ended")
            return await bar_to_decide(connection, symbol, session, verdict)

        async with self._engine.begin() as connection:
            bar = await still_so(connection)
            current = await editions.current_edition(connection)
            change = change_of(bar, verdict, who, note)
            if current is None or session > current.session or change.is_empty:
                await write_revisions(connection, [change], self._clock.now())
                return Decided(bar, change.decisions[0].state, None)
        edition = await self.publish([change], f"{who} said {verdict}", guard=still_so)
        return Decided(bar, change.decisions[0].state, edition)

    async def _write_only(self, revisions: Sequence[Revision], guard: Guard | None) -> None:
        async with self._engine.begin() as connection:
            if guard is not None:
                await guard(connection)
            await write_revisions(connection, revisions, self._clock.now())

    async def _computed(
        self, current: Edition, touched: Sequence[str], revisions: Sequence[Revision], calendar: Calendar
    ) -> _Computed:
        symbols = list(dict.fromkeys([*BENCHMARKS, *touched]))
        own = [revision for revision in revisions if revision.symbol in symbols]
        panel = await load_panel(self._engine, symbols, current.session, calendar, own)
        held = await self._held(current.session, own) & set(touched)
        async with self._engine.connect() as connection:
            earlier = await editions.edition_before(connection, current.session)
            carried = await _carried(connection, current, earlier, held)
        exposures = await asyncio.to_thread(exposures_of, panel, touched)
        metrics = await asyncio.to_thread(metrics_of, panel, touched)
        figures = Figures(exposures, metrics, held, carried)
        if any(revision.symbol in BENCHMARKS for revision in own):
            model = await estimate_risk_model(self._engine, panel, touched, calendar, own)
            return _Computed(figures, panel, model.loadings, model, earlier)
        loadings = await estimate_loadings_in(self._engine, current, panel, touched)
        return _Computed(figures, panel, loadings, None, earlier)

    async def _held(self, session: date, revisions: Sequence[Revision]) -> set[str]:
        """The symbols without a usable bar of the session once the revisions are written."""
        released = {revision.symbol for revision in revisions if session in revision.bars.days.tolist()}
        rejected = {revision.symbol for revision in revisions if session in revision.removed}
        return ((await self._prices.out_of_use(session)).keys() - released) | rejected

    async def _published(
        self, current: Edition, computed: _Computed, revisions: Sequence[Revision], guard: Guard | None
    ) -> Edition | None:
        """One transaction; None, with nothing written, where `current` is not the current edition any more."""
        now = self._clock.now()
        run_id = uuid5(NAMESPACE, f"{current.number}:{current.session}:{now.isoformat()}")
        figures = computed.figures
        async with self._engine.begin() as connection:
            if guard is not None:
                await guard(connection)
            edition = await editions.begin_revision(connection, current, run_id, now)
            if edition is None:
                return None
            await write_revisions(connection, revisions, now)
            revised_from = {one.symbol: one.revised_from for one in revisions if one.symbol in figures.symbols}
            await editions.insert_revisions(connection, edition, revised_from)
            await editions.copy_edition(connection, current, edition, without=figures.symbols)
            await editions.copy_exposures(connection, exposure_rows(figures, edition.number, run_id))
            await editions.copy_metrics(
                connection, metric_rows(figures, computed.panel.sessions, {}, edition.number, run_id)
            )
            await self._write_risk_model(connection, current, edition, computed, run_id)
            updated = [
                SymbolFactorsUpdated(
                    symbol=symbol,
                    reason="revision",
                    session=edition.session,
                    edition=edition.number,
                    prices_revised_from=revised_from.get(symbol),
                )
                for symbol in figures.symbols
            ]
            await self._outbox.publish(connection, updated, root=f"{run_id}:{edition.number}")
            await editions.make_current(connection, edition)
        return edition

    async def _write_risk_model(
        self, connection: AsyncConnection, current: Edition, edition: Edition, computed: _Computed, run_id: UUID
    ) -> None:
        """The current edition's model with other loadings, or another model; held symbols keep earlier loadings."""
        figures, model, loadings = computed.figures, computed.model, computed.loadings
        if model is None:
            await risk_models.copy_edition(connection, current.number, edition.number, run_id, without=figures.symbols)
        else:
            await risk_models.insert_model(connection, edition, model.factors, model.typical, run_id)
        if loadings is None:
            return
        carried: set[str] = set()
        if computed.earlier is not None and figures.held:
            passed = sum(day > computed.earlier.session for day in computed.panel.sessions)
            carried = await risk_models.carry_loadings(connection, figures.held, computed.earlier, edition, passed)
        await write_loadings(connection, edition, loadings, without=carried)


def _touched(revisions: Sequence[Revision], known: Sequence[str]) -> list[str]:
    """The edition's symbols whose figures change: every one of them where a benchmark's prices do."""
    revised = {revision.symbol for revision in revisions}
    return list(known) if revised & set(BENCHMARKS) else [symbol for symbol in known if symbol in revised]


async def _carried(
    connection: AsyncConnection, current: Edition, earlier: Edition | None, held: set[str]
) -> dict[str, list[dict[str, Any]]]:
    """The exposures that held symbols keep: those carried before, else those of an earlier session."""
    if not held:
        return {}
    kept = await editions.exposures_of(connection, current, held)
    kept = {symbol: rows for symbol, rows in kept.items() if any(row["carried_from"] for row in rows)}
    before = {} if earlier is None else await editions.exposures_of(connection, earlier, held - kept.keys())
    return before | kept
