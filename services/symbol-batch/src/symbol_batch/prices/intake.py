"""Prices of many symbols for a session: ask, undo splits, check, compare with what is stored, store.

Sessions that an edition has published never change under it. What an answer adds to them or corrects in them (a late
price, a corrected close, an action that appeared) is kept aside as a `Revision`, for the transaction that publishes
the next edition. Everything newer is committed chunk by chunk, which is where a killed run resumes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.messaging import crash_points
from riskstream.runtime.clock import Clock
from symbol_batch import telemetry
from symbol_batch.actions import CorporateAction
from symbol_batch.bars import (
    Differences,
    StoredSeries,
    TradedBars,
    TradedHistory,
    differences,
    traded_history,
    wrong_series,
)
from symbol_batch.calendar import Calendar
from symbol_batch.providers.provider import BarsAnswer, Outcome, Provider
from symbol_batch.store import editions, runs
from symbol_batch.store import prices as store
from symbol_batch.store.fences import Fence

OVERLAP = 10
"""Sessions that are asked for again, to see whether they still say the same."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Revision:
    """What changes in a symbol's published sessions with the next edition, and from which session on."""

    symbol: str
    bars: TradedBars
    written: tuple[CorporateAction, ...]
    vanished: tuple[CorporateAction, ...]
    source: str

    @property
    def revised_from(self) -> date:
        days: list[date] = self.bars.days.tolist()
        return min([*days, *(action.ex_date for action in (*self.written, *self.vanished))])


@dataclass(frozen=True)
class Taken:
    """What came of one symbol. Bars and actions are those not stored yet, or not so, beyond any published session."""

    symbol: str
    outcome: Outcome
    detail: str | None = None
    new: TradedBars | None = None
    replaced: TradedBars | None = None
    written: tuple[CorporateAction, ...] = ()
    vanished: tuple[CorporateAction, ...] = ()
    revision: Revision | None = None


@dataclass(frozen=True)
class _Known:
    """What is known of a symbol before it is asked for."""

    last: date | None
    stored: StoredSeries | None
    published: date | None
    """The session of the edition that contains the symbol."""


class PriceIntake:
    """Takes prices from one provider into the database."""

    def __init__(
        self, engine: AsyncEngine, provider: Provider, clock: Clock, *, history_from: date, chunk_symbols: int = 100
    ) -> None:
        self._engine = engine
        self._provider = provider
        self._clock = clock
        self._history_from = history_from
        self._chunk_symbols = chunk_symbols

    async def take(
        self, symbols: Sequence[str], session: date, calendar: Calendar, *, fence: Fence, run_id: UUID | None = None
    ) -> list[Taken]:
        """Bring every symbol's prices up to `session`, a committed chunk at a time; one result per symbol asked.

        With `run_id` the outcomes are recorded with it. A symbol whose revision is pending is recorded as done only by
        the transaction that writes the revision: a run that dies before asks for it again. A chunk of which nothing
        was answered ends the taking: asking on would keep a refusal up, and wait for an outage symbol by symbol.
        FencedError when the lease is lost.
        """
        taken: list[Taken] = []
        for begin in range(0, len(symbols), self._chunk_symbols):
            chunk = await self._fetch_chunk(symbols[begin : begin + self._chunk_symbols], session, calendar)
            await self._store_chunk(chunk, fence, run_id)
            taken += chunk
            if run_id is not None:
                crash_points.reached("night.after_chunk")
            for one in chunk:
                telemetry.FETCHES.labels(one.outcome).inc()
            if all(one.outcome.is_refusal for one in chunk):
                log.warning(
                    "the provider refuses or cannot be reached; not asking on", asked=len(taken), of=len(symbols)
                )
                break
        return taken

    async def _fetch_chunk(self, symbols: Sequence[str], session: date, calendar: Calendar) -> list[Taken]:
        async with self._engine.connect() as connection:
            last = await store.last_stored(connection, symbols, session)
            starts = {symbol: calendar.back(day, OVERLAP - 1) for symbol, day in last.items()}
            stored = await store.stored_series(connection, starts, session)
            published = await editions.published_sessions(connection, symbols)
        known = {symbol: _Known(last.get(symbol), stored.get(symbol), published.get(symbol)) for symbol in symbols}
        return await asyncio.gather(*(self._fetch(symbol, known[symbol], session, calendar) for symbol in symbols))

    async def _fetch(self, symbol: str, known: _Known, session: date, calendar: Calendar) -> Taken:
        start = self._history_from if known.last is None else calendar.back(known.last, OVERLAP - 1)
        history = await self._ask(symbol, start, session, calendar)
        if isinstance(history, Taken):
            return history
        stored = known.stored or StoredSeries(np.array([], dtype="datetime64[D]"), np.array([]), {})
        found = differences(stored, history)
        wrong = wrong_series(history, stored, found)
        if wrong is not None:
            return Taken(symbol, Outcome.BAD_DATA, wrong)
        if known.last is not None and _contradicts(found, known.last):
            history = await self._ask(symbol, self._history_from, session, calendar)
            if isinstance(history, Taken):
                return history
            async with self._engine.connect() as connection:
                whole = await store.stored_series(connection, {symbol: date.min}, session)
            found = differences(whole[symbol], history)
        return self._sorted_out(symbol, history, found, known.published, session)

    async def _ask(self, symbol: str, start: date, session: date, calendar: Calendar) -> TradedHistory | Taken:
        answer: BarsAnswer = await self._provider.history(symbol, start)
        if answer.bars is None:
            return Taken(symbol, answer.outcome, answer.detail)
        try:
            return traded_history(symbol, answer.bars, calendar, session)
        except ValueError as error:
            return Taken(symbol, Outcome.BAD_DATA, str(error))

    def _sorted_out(
        self, symbol: str, history: TradedHistory, found: Differences, published: date | None, session: date
    ) -> Taken:
        outcome, detail = _judged(history, session)
        behind = history.bars.days <= np.datetime64(published or date.min, "D")
        written = [action for action in found.actions if not _is_behind(action, published)]
        vanished = [action for action in found.vanished if not _is_behind(action, published)]
        revision = Revision(
            symbol,
            history.bars.at((found.changed | found.absent) & behind),
            tuple(action for action in found.actions if _is_behind(action, published)),
            tuple(action for action in found.vanished if _is_behind(action, published)),
            self._provider.name,
        )
        is_revised = bool(len(revision.bars.days) or revision.written or revision.vanished)
        return Taken(
            symbol,
            outcome,
            detail,
            history.bars.at(found.absent & ~behind),
            history.bars.at(found.changed & ~behind),
            tuple(written),
            tuple(vanished),
            revision if is_revised else None,
        )

    async def _store_chunk(self, chunk: Sequence[Taken], fence: Fence, run_id: UUID | None) -> None:
        now = self._clock.now()
        new, replaced = await asyncio.to_thread(_rows, chunk, self._provider.name, now)
        async with self._engine.begin() as connection:
            await fence.hold(connection)
            await store.insert_prices(connection, new)
            await store.insert_prices(connection, replaced, replace=True)
            await store.write_actions(
                connection,
                [action for one in chunk for action in one.written],
                [action for one in chunk for action in one.vanished],
                self._provider.name,
                now,
            )
            if run_id is not None:
                settled = [(one.symbol, one.outcome, one.detail) for one in chunk if one.revision is None]
                await runs.record_fetches(connection, run_id, settled, now)


async def write_revisions(connection: AsyncConnection, revisions: Sequence[Revision], now: datetime) -> None:
    """Write what was kept aside, in the transaction that publishes the edition it belongs to."""
    for revision in revisions:
        rows = store.price_rows(revision.symbol, revision.bars, revision.source, now)
        await store.insert_prices(connection, rows, replace=True)
        await store.write_actions(connection, revision.written, revision.vanished, revision.source, now)


def _judged(history: TradedHistory, session: date) -> tuple[Outcome, str | None]:
    faults = "; ".join(f"{day}: {reason}" for day, reason in list(history.left_out.items())[:5]) or None
    days = history.bars.days
    if len(days) and days[-1] == np.datetime64(session, "D"):
        return Outcome.OK, f"left out {faults}" if faults else None
    if session in history.left_out:
        return Outcome.BAD_DATA, f"{session}: {history.left_out[session]}"
    last = f"the last bar is of {days[-1]}" if len(days) else "no bar up to then"
    return Outcome.STALE, f"no bar for {session}, {last}"


def _contradicts(found: Differences, last: date) -> bool:
    """Whether the overlap says something else than what is stored: reason enough to ask for the whole history."""
    late = any(action.ex_date <= last for action in found.actions)
    return bool(found.changed.any()) or late or bool(found.vanished)


def _is_behind(action: CorporateAction, published: date | None) -> bool:
    return published is not None and action.ex_date <= published


def _rows(
    chunk: Sequence[Taken], source: str, now: datetime
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    new = [row for one in chunk if one.new for row in store.price_rows(one.symbol, one.new, source, now)]
    replaced = [row for one in chunk if one.replaced for row in store.price_rows(one.symbol, one.replaced, source, now)]
    return new, replaced
