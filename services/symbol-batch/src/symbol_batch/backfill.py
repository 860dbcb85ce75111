"""Filling in by hand: prices of an earlier range, and exposures of sessions that are over.

Both go a piece at a time, in memory that does not grow with the range, and pass over what is there: a backfill that
was interrupted is simply begun again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.market.risk_factors import BENCHMARKS
from riskstream.runtime.clock import Clock
from symbol_batch.calendar import Calendar, calendar_at
from symbol_batch.figures import Figures, exposure_rows, exposures_of, metrics_of
from symbol_batch.panel import load_panel
from symbol_batch.prices import PriceIntake, Prices, Revision, Taken
from symbol_batch.revisions import Revisions
from symbol_batch.store import editions, runs, universe
from symbol_batch.store.editions import Edition

NAMESPACE = UUID("e4b7f6a0-6f0e-5d0c-9a35-2b8f8c1d7e11")
SYMBOLS_AT_ONCE = 500
BARS_AT_ONCE = 500_000
"""Published together: each revision copies the whole edition, and until then the bars are in memory."""

Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, at what."""

log = structlog.get_logger(__name__)


class BackfillRefused(Exception):
    """Nothing can be filled in; the message says why."""


@dataclass
class PricesFilled:
    """What a backfill of prices came to, in symbols; `bars` and `editions` are what it wrote and published."""

    complete_before: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    bars: int = 0
    editions: list[int] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many symbols were asked for."""
        return self.outcomes.total()

    def add(self, taken: Sequence[Taken]) -> None:
        """Count what came of some symbols. Their bars count where they are written: of symbols outside the edition."""
        self.outcomes.update(str(one.outcome) for one in taken)
        self.failures |= {one.symbol: one.detail for one in taken if one.detail is not None}
        self.bars += sum(len(one.new.days) for one in taken)


class PriceBackfill:
    """Asks again for a range of sessions and publishes what changes as revisions, so many bars at a time."""

    def __init__(self, engine: AsyncEngine, intake: PriceIntake, revisions: Revisions, clock: Clock) -> None:
        self._engine = engine
        self._intake = intake
        self._revisions = revisions
        self._clock = clock

    async def fill(self, symbols: Sequence[str] | None, first: date, last: date, progress: Progress) -> PricesFilled:
        """Bring the prices of `first` to `last` of the symbols, without any of the active ones and the benchmarks, to
        what the providers say. Symbols that have a bar of every session are not asked for. Ends with the first chunk
        of which nothing was answered; what came before it is published.

        BackfillRefused before the first edition, where the range has no session, or while a night is running.
        """
        calendar = await asyncio.to_thread(calendar_at, self._clock.today())
        sessions, current = await _range(self._engine, calendar, first, last)
        async with self._engine.connect() as connection:
            await _refuse_a_running_night(connection)
            active = await universe.active_symbols(connection)
        wanted = list(symbols) if symbols is not None else list(dict.fromkeys([*BENCHMARKS, *active]))
        lacking = await self._lacking(wanted, sessions)
        filled = PricesFilled(complete_before=len(wanted) - len(lacking))
        what = f"prices of {sessions[0]} to {sessions[-1]}"
        pending: list[Revision] = []
        async for taken in self._intake.take_again(lacking, sessions[0], current.session, calendar):
            filled.add(taken)
            progress(filled.asked, len(lacking), what)
            changes = [_within(one.revision, sessions[-1]) for one in taken if one.revision is not None]
            pending += [change for change in changes if not change.is_empty]
            refused = all(one.outcome.is_refusal for one in taken)
            if refused or sum(len(change.bars.days) for change in pending) >= BARS_AT_ONCE:
                await self._publish(pending, filled)
                pending = []
            if refused:
                break
        await self._publish(pending, filled)
        return filled

    async def _lacking(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[str]:
        lacking = []
        for begin in range(0, len(symbols), SYMBOLS_AT_ONCE):
            some = symbols[begin : begin + SYMBOLS_AT_ONCE]
            closes = await Prices(self._engine).panel("close", some, sessions)
            lacking += [symbol for column, symbol in enumerate(some) if np.isnan(closes[:, column]).any()]
        return lacking

    async def _publish(self, changes: Sequence[Revision], filled: PricesFilled) -> None:
        edition = await self._revisions.publish(changes, "backfill", guard=_refuse_a_running_night)
        filled.bars += sum(len(change.bars.days) for change in changes)
        filled.editions += [] if edition is None else [edition.number]


class ExposureBackfill:
    """Exposures of earlier sessions from the prices as they are known now, as rows of the current edition.

    Published editions stay as they were; whoever reads history takes the newest edition of each session.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def fill(self, first: date, last: date, progress: Progress) -> int:
        """Estimate the sessions between two days; returns how many rows are new. A session that has rows of the
        current edition for a symbol keeps them.

        BackfillRefused before the first edition and where the range has no session before that edition's.
        """
        calendar = await asyncio.to_thread(calendar_at, self._clock.today())
        sessions, current = await _range(self._engine, calendar, first, last)
        sessions = [session for session in sessions if session < current.session]
        if not sessions:
            raise BackfillRefused(f"the current edition is of {current.session}; only earlier sessions are filled in")
        written = 0
        for number, session in enumerate(sessions):
            progress(number, len(sessions), f"exposures of {session}")
            written += await self._session(session, calendar)
        progress(len(sessions), len(sessions), f"exposures of {sessions[-1]}")
        return written

    async def _session(self, session: date, calendar: Calendar) -> int:
        while True:
            async with self._engine.connect() as connection:
                current = await editions.current_edition(connection)
                assert current is not None, "there was one when the backfill began, and editions stay"
                past = Edition(current.number, session)
                there = await editions.symbols_with_exposures(connection, past)
                symbols = [one for one in await editions.symbols_of(connection, current) if one not in there]
            if not symbols:
                return 0
            panel = await load_panel(self._engine, list(dict.fromkeys([*BENCHMARKS, *symbols])), session, calendar)
            exposures = await asyncio.to_thread(exposures_of, panel, symbols)
            metrics = await asyncio.to_thread(metrics_of, panel, symbols)
            run_id = uuid5(NAMESPACE, f"exposures:{session}:{current.number}")
            figures = Figures(exposures, metrics)
            rows = await asyncio.to_thread(_rows, figures, current.number, run_id)
            async with self._engine.begin() as connection:
                unchanged = await editions.current_edition(connection, lock=True) == current
                # Two backfills of one session: the lock puts them one after the other, and the second finds the rows.
                if unchanged and await editions.symbols_with_exposures(connection, past) == there:
                    await editions.copy_exposures(connection, rows)
                    return len(rows)
            log.info("the edition changed meanwhile; estimating again", session=session.isoformat())


def _rows(figures: Figures, edition: int, run_id: UUID) -> list[tuple[Any, ...]]:
    return list(exposure_rows(figures, edition, run_id))


async def _range(engine: AsyncEngine, calendar: Calendar, first: date, last: date) -> tuple[list[date], Edition]:
    """The sessions up to the current edition's, and that edition."""
    async with engine.connect() as connection:
        current = await editions.current_edition(connection)
    if current is None:
        raise BackfillRefused("nothing is published yet; `riskstream runs start` begins with the latest session")
    sessions = calendar.between(first, min(last, current.session))
    if not sessions:
        raise BackfillRefused(
            f"no session from {first} to {min(last, current.session)}; the calendar begins on {calendar.days[0]}"
        )
    return sessions, current


async def _refuse_a_running_night(connection: AsyncConnection) -> None:
    running = await runs.running_session(connection)
    if running is not None:
        raise BackfillRefused(f"the night of {running} is running: begin again when it has ended")


def _within(revision: Revision, last: date) -> Revision:
    """The part of a revision up to a day."""
    return replace(
        revision,
        bars=revision.bars.at(revision.bars.days <= np.datetime64(last, "D")),
        written=tuple(action for action in revision.written if action.ex_date <= last),
        vanished=tuple(action for action in revision.vanished if action.ex_date <= last),
        removed=tuple(day for day in revision.removed if day <= last),
    )
