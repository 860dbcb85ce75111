"""Prices of many symbols for a session: ask, undo splits, judge, compare with what is known, store.

Sessions that an edition has published never change under it. What an answer adds to them or corrects in them (a late
price, a corrected close, an action that appeared, a bar that was held back) is kept aside as a `Revision`, for the
transaction that publishes the next edition. Everything newer is committed chunk by chunk, which is where a killed run
resumes. Bars that the quality gate holds back go into quarantine and nowhere else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby, islice
from typing import TypeAlias
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.messaging import crash_points
from riskstream.runtime import tracing
from riskstream.runtime.clock import Clock
from symbol_batch import telemetry
from symbol_batch.bars import NO_BARS, NOTHING_STORED, traded_history
from symbol_batch.calendar import Calendar
from symbol_batch.prices.comparison import Comparison, Known, Taken
from symbol_batch.prices.second_source import NEAR, agreeing
from symbol_batch.prices.storing import store_chunk
from symbol_batch.providers.provider import BarsAnswer, Outcome, Provider
from symbol_batch.quality import BARS_BEFORE
from symbol_batch.store import editions, quarantine
from symbol_batch.store import prices as store
from symbol_batch.store.fences import Fence
from symbol_batch.store.quarantine import QuarantinedBar

OVERLAP = 10
"""Sessions that are asked for again, to see whether they still say the same."""
LEDGER_BEFORE = timedelta(days=460)
"""So far before the stored bars that are read their last four dividends have gone ex."""
_UNSTORED_CHUNKS = 2
"""Asked for and not committed: what a killed run asks for again. One is being stored while the next is asked for."""

log = structlog.get_logger(__name__)

_Question: TypeAlias = tuple[dict[str, Known], dict[str, date | None]]
"""What is known of each symbol of a chunk, and the session to ask it from."""


@dataclass(frozen=True)
class _Asked:
    """A chunk's answers, and what was known of its symbols before, both by symbol."""

    known: dict[str, Known]
    answers: dict[str, BarsAnswer]

    @property
    def is_refused(self) -> bool:
        """Whether nothing was answered."""
        return all(answer.outcome.is_refusal for answer in self.answers.values())


class PriceIntake:
    """Takes prices from a provider into the database.

    `second_sources` are asked about bars that would be held back; the one that gave the bar is passed over.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        provider: Provider,
        clock: Clock,
        *,
        history_from: date,
        chunk_symbols: int = 100,
        second_sources: Sequence[Provider] = (),
    ) -> None:
        self._engine = engine
        self._provider = provider
        self._clock = clock
        self._history_from = history_from
        self._chunk_symbols = chunk_symbols
        self._second_sources = second_sources

    async def take(
        self, symbols: Sequence[str], session: date, calendar: Calendar, *, fence: Fence, run_id: UUID | None = None
    ) -> list[Taken]:
        """Bring every symbol's prices up to `session`, a committed chunk at a time; one result per symbol asked.

        With `run_id` the outcomes are recorded with it. A symbol whose revision is pending is recorded as done only by
        the transaction that writes the revision: a run that dies before asks for it again. A chunk of which nothing
        was answered ends the taking: asking on would keep a refusal up, and wait for an outage symbol by symbol.
        FencedError when the lease is lost.

        A chunk is stored while the next one is judged; they are committed in order, one at a time.
        """
        taken: list[Taken] = []
        room = asyncio.Semaphore(_UNSTORED_CHUNKS)
        storing: asyncio.Task[None] | None = None
        try:
            async with aclosing(self._asked(symbols, session, calendar, room)) as chunks:
                async for asked in chunks:
                    chunk = await self._compare_chunk(asked, session, calendar)
                    if storing is not None:
                        await storing
                    storing = asyncio.create_task(self._settle_chunk(chunk, fence, run_id, room))
                    # Without the bars, which are stored: of thousands of first loads they would be gigabytes.
                    taken += [replace(one, new=NO_BARS, replaced=NO_BARS) for one in chunk]
            if storing is not None:
                await storing
        finally:
            if storing is not None:
                await _ended(storing)
        if len(taken) < len(symbols):
            log.warning("the provider refuses or cannot be reached; not asking on", asked=len(taken), of=len(symbols))
        return taken

    async def take_again(
        self, symbols: Sequence[str], since: date, session: date, calendar: Calendar
    ) -> AsyncIterator[list[Taken]]:
        """Ask for everything from `since` on again, however complete it looks, a chunk of symbols at a time.

        `session` is the current edition's. What differs in published sessions is in each symbol's `revision`, for
        `Revisions.publish`; what is held back, and what symbols outside the edition lack, is committed with the chunk.
        """
        room = asyncio.Semaphore(_UNSTORED_CHUNKS)
        async with aclosing(self._asked(symbols, session, calendar, room, since)) as chunks:
            async for asked in chunks:
                chunk = await self._compare_chunk(asked, session, calendar)
                await store_chunk(self._engine, chunk, self._clock.now())
                room.release()
                yield chunk

    async def _asked(
        self,
        symbols: Sequence[str],
        session: date,
        calendar: Calendar,
        room: asyncio.Semaphore,
        since: date | None = None,
    ) -> AsyncGenerator[_Asked, None]:
        """The answers, a chunk of symbols at a time. Ends behind a chunk of which nothing was answered.

        While the caller works on a chunk the provider works on the next one: what is known of it was read before. Once
        a chunk was answered the next one is begun before the last answers, so that these leave no place empty. Each
        takes a place in `room` before it is asked for; the caller gives it back with the chunk stored.
        """
        chunks = (symbols[n : n + self._chunk_symbols] for n in range(0, len(symbols), self._chunk_symbols))
        knowing: deque[asyncio.Task[_Question]] = deque()
        asking: deque[asyncio.Task[_Asked]] = deque()

        def read_ahead() -> None:
            for names in islice(chunks, 1):
                knowing.append(asyncio.create_task(self._known(names, session, calendar, since)))

        def ask_on(at_once: int) -> None:
            while knowing and len(asking) < at_once:
                asking.append(asyncio.create_task(self._answered(knowing.popleft(), session, calendar, room)))
                read_ahead()

        try:
            read_ahead()
            ask_on(1)
            while asking:
                asked = await asking.popleft()
                if asked.is_refused:
                    yield asked
                    return
                ask_on(_UNSTORED_CHUNKS)
                yield asked
        finally:
            for task in (*knowing, *asking):
                task.cancel()

    async def _answered(
        self, knowing: asyncio.Task[_Question], session: date, calendar: Calendar, room: asyncio.Semaphore
    ) -> _Asked:
        known, starts = await knowing
        await room.acquire()
        return _Asked(known, await self._ask(list(starts), starts, session, calendar))

    async def _compare_chunk(self, asked: _Asked, session: date, calendar: Calendar) -> list[Taken]:
        with tracing.span("compare chunk", attributes={"riskstream.symbols": len(asked.known)}):
            # In one thread: a hundred would wait for each other, and the event loop for all of them.
            seen = await asyncio.to_thread(self._seen_all, asked, session, calendar)
            return await asyncio.gather(*(self._settled(one, session, calendar) for one in seen))

    def _seen_all(self, asked: _Asked, session: date, calendar: Calendar) -> list[Taken | Comparison]:
        answers = asked.answers
        return [self._seen(known, answers[symbol], session, calendar) for symbol, known in asked.known.items()]

    async def _known(self, symbols: Sequence[str], session: date, calendar: Calendar, since: date | None) -> _Question:
        """What is known of each symbol, and the session to ask from: None where its whole history is to be asked for.

        A symbol with bars in quarantine is asked from the first of them on: only an answer that covers a bar can
        confirm it.
        """
        async with self._engine.connect() as connection:
            last = await store.last_stored(connection, symbols, session)
            held = await quarantine.quarantined_bars(connection, symbols)
            first = {
                symbol: min([calendar.back(day, OVERLAP - 1), *_pending(held, symbol, session)])
                for symbol, day in last.items()
            }
            if since is not None:
                first = dict.fromkeys(symbols, since)
            reach = {symbol: calendar.back(day, BARS_BEFORE) for symbol, day in first.items()}
            stored = await store.stored_series(connection, reach, session, actions_before=LEDGER_BEFORE)
            published = await editions.published_sessions(connection, symbols)
        known = {
            symbol: Known(
                symbol,
                published.get(symbol),
                stored.get(symbol, NOTHING_STORED),
                {bar.session: bar for bar in held if bar.symbol == symbol and bar.session <= session},
            )
            for symbol in symbols
        }
        return known, {symbol: first.get(symbol) for symbol in symbols}

    async def _ask(
        self, symbols: Sequence[str], starts: dict[str, date | None], session: date, calendar: Calendar
    ) -> dict[str, BarsAnswer]:
        """Ask for the overlap of many symbols at once, and for the history of those it does not do for."""
        overlap = calendar.back(session, NEAR)
        near: list[tuple[date, str]] = []
        far: list[tuple[date, str]] = []
        for symbol in symbols:
            start = starts[symbol]
            (near if start is not None and start >= overlap else far).append((start or self._history_from, symbol))
        groups = [
            (start, [symbol for _, symbol in group])
            for start, group in groupby(sorted(near), key=lambda begun: begun[0])
        ]
        asked = await asyncio.gather(
            *(self._provider.session_bars(names, calendar.between(start, session)) for start, names in groups),
            asyncio.gather(*(self._provider.history(symbol, start) for start, symbol in far)),
        )
        return {answer.symbol: answer for answers in asked for answer in answers}

    def _seen(self, known: Known, answer: BarsAnswer, session: date, calendar: Calendar) -> Taken | Comparison:
        """What comes of an answer; its comparison where that cannot be said before somebody is asked more."""
        compared = self._compared(known, answer, session, calendar)
        if isinstance(compared, Taken):
            return compared
        other = compared.other_series()
        if other is not None:
            return Taken(known.symbol, Outcome.BAD_DATA, answer.source, other)
        if compared.contradicts():
            return compared
        taken = compared.taken()
        return compared if taken.held else taken

    async def _settled(self, seen: Taken | Comparison, session: date, calendar: Calendar) -> Taken:
        if isinstance(seen, Taken):
            return seen
        if seen.contradicts():
            known = seen.known
            # A backfill may have asked for more than is kept by itself.
            start = min([self._history_from, *seen.history.bars.days[:1].tolist()])
            answer = await self._provider.history(known.symbol, start)
            again = self._compared(await self._whole(known, session), answer, session, calendar)
            if isinstance(again, Taken):
                return again
            seen = again
        taken = await asyncio.to_thread(seen.taken)
        confirmed = await agreeing(self._second_sources, taken.held, session, calendar)
        return seen.taken(confirmed) if confirmed else taken

    def _compared(self, known: Known, answer: BarsAnswer, session: date, calendar: Calendar) -> Comparison | Taken:
        if answer.bars is None:
            return Taken(known.symbol, answer.outcome, answer.source, answer.detail)
        try:
            history = traded_history(known.symbol, answer.bars, calendar, session)
        except ValueError as error:
            return Taken(known.symbol, Outcome.BAD_DATA, answer.source, str(error))
        return Comparison(known, history, answer.source, session, self._clock.now())

    async def _whole(self, known: Known, session: date) -> Known:
        async with self._engine.connect() as connection:
            whole = await store.stored_series(
                connection, {known.symbol: date.min}, session, actions_before=timedelta(0)
            )
        return replace(known, stored=whole[known.symbol])

    async def _settle_chunk(
        self, chunk: Sequence[Taken], fence: Fence, run_id: UUID | None, room: asyncio.Semaphore
    ) -> None:
        with tracing.span("store chunk", attributes={"riskstream.symbols": len(chunk)}):
            await store_chunk(self._engine, chunk, self._clock.now(), fence=fence, run_id=run_id)
        room.release()
        if run_id is not None:
            crash_points.reached("night.after_chunk")
        for one in chunk:
            telemetry.FETCHES.labels(one.outcome).inc()


async def _ended(task: asyncio.Task[None]) -> None:
    """Leave nothing running behind an error: a chunk that is being stored is rolled back."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _pending(held: Sequence[QuarantinedBar], symbol: str, session: date) -> list[date]:
    return [bar.session for bar in held if bar.symbol == symbol and bar.state == "pending" and bar.session <= session]
