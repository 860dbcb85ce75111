"""Turns to ask one provider: the line in which this process's requests wait for the slots that all processes share."""

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextvars import ContextVar
from datetime import UTC, datetime

import structlog

from symbol_batch.providers.breaker import LONGEST_OPEN, BreakerState
from symbol_batch.providers.http_session import Closed, Headers, NotSent, RequestHook
from symbol_batch.providers.limit import Heard, Limit, Limits, heard_from
from symbol_batch.providers.provider import Failure, Outcome
from symbol_batch.providers.waiting_line import Waiting, WaitingLine

EVERY = 0.1
"""Seconds between exchanges with the other processes: no turn is given on older knowledge, no refusal kept longer."""
LATE = 0.5
"""A slot that nobody took for so long has lapsed."""
PROBE_LOOKS = 0.2
AFTER_TROUBLE = 1.0
LAST_WORDS = 2.0

IS_URGENT: ContextVar[bool] = ContextVar("IS_URGENT", default=False)
"""Whether somebody waits for what is being asked: such requests go first."""

log = structlog.get_logger(__name__)


class Turns(RequestHook):
    """Every request of the provider waits here, in its thread, until it may go.

    Made and closed on the event loop, which keeps the line. What was heard and what is wanted is exchanged with all
    other processes a few times a second, a refusal at once.
    """

    def __init__(
        self, provider: str, limits: Limits, *, patience: float = 30.0, waits_for_breaker: bool = True
    ) -> None:
        """`patience` is how long a request waits for the end of a pause, in seconds; a longer pause refuses it at once,
        and so does an open breaker where `waits_for_breaker` is False: somebody else can be asked instead. A breaker
        whose probes went on failing is waited for by nobody: each of a night's symbols would wait for one more probe.
        """
        self._provider = provider
        self._limits = limits
        self._patience = patience
        self._waits_for_breaker = waits_for_breaker
        self._loop = asyncio.get_running_loop()
        self._mine = threading.local()
        self._in_line = WaitingLine()
        self._heard: dict[int, Heard] = {}
        self._slots: deque[float] = deque()
        self._limit: Limit | None = None
        self._looked = -math.inf
        self._ahead = 0.0
        """Of the database's clock, over this process's."""
        self._again = -math.inf
        self._dealt = 0
        self._exchanging = asyncio.Lock()
        self._news = asyncio.Event()
        self._is_bad_news = False
        self._is_closed = False
        self._dealer: asyncio.Task[None] | None = None

    def before_request(self) -> None:
        """Block until the request may go. NotSent where the provider is not to be asked for longer than it may wait."""
        waiting = Waiting()
        try:
            self._loop.call_soon_threadsafe(self._line_up, waiting, IS_URGENT.get())
        except RuntimeError as error:
            raise Closed from error
        while not waiting.turn.done():
            with contextlib.suppress(TimeoutError):
                waiting.turn.exception(timeout=1.0)
            if self._loop.is_closed() and not waiting.turn.done():
                raise Closed
        self._mine.epoch = waiting.turn.result()

    def after_response(self, status: int | None, headers: Headers) -> None:
        """Learn from what came back."""
        # Without a loop there is nobody left to learn from it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.learn, self._mine.epoch, status, headers)

    def join(self, *, is_urgent: bool) -> "Future[int]":
        """`before_request` for who is on the event loop: what it gives is done when the request may go, or may not.

        Its result is the epoch to `learn` with.
        """
        waiting = Waiting()
        self._line_up(waiting, is_urgent)
        return waiting.turn

    def learn(self, epoch: int, status: int | None, headers: Headers) -> None:
        """`after_response` for who is on the event loop."""
        heard = heard_from(epoch, status, headers)
        self._keep(heard)
        self._is_bad_news |= not heard.answered
        self._wake()

    def closing(self) -> None:
        """Send everybody in the line away, now and from now on."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._close)

    async def closed(self) -> Failure | None:
        """Why the provider is not to be asked now, if so: asking would be refused without a request."""
        if not self._is_fresh:
            await self._refresh()
        return self._refusal(time.monotonic())

    async def aclose(self) -> None:
        """Send everybody in the line away and tell the others what was heard last."""
        self._close()
        if self._dealer is not None:
            self._dealer.cancel()
            await asyncio.gather(self._dealer, return_exceptions=True)
        if self._heard:
            try:
                async with asyncio.timeout(LAST_WORDS):
                    await self._exchange(0)
            except Exception as error:
                log.warning("what a provider said last is not passed on", provider=self._provider, error=repr(error))

    def _close(self) -> None:
        self._is_closed = True
        self._send_all_away(Closed)

    def _line_up(self, waiting: Waiting, is_urgent: bool) -> None:
        if self._is_closed:
            waiting.turn.set_exception(Closed())
            return
        self._in_line.join(waiting, is_urgent=is_urgent)
        self._wake()

    def _keep(self, heard: Heard) -> None:
        known = self._heard.get(heard.epoch)
        self._heard[heard.epoch] = heard if known is None else known + heard

    def _wake(self) -> None:
        self._news.set()
        if self._dealer is None and not self._is_closed:
            self._dealer = self._loop.create_task(self._deal())

    async def _deal(self) -> None:
        while True:
            try:
                await self._step()
            except Exception as error:
                log.warning("the pace of a provider is not known", provider=self._provider, error=repr(error))
                said = f"not asked: the pace of {self._provider} could not be read ({type(error).__name__}: {error})"
                self._send_all_away(NotSent, said)
                await asyncio.sleep(AFTER_TROUBLE)

    async def _step(self) -> None:
        """Do the next thing there is to do, or wait for it."""
        now = time.monotonic()
        while self._slots and self._slots[0] < now - LATE:
            self._slots.popleft()
        known_for = now - self._looked
        if self._is_bad_news:
            await self._exchange(0)
        elif self._heard and known_for >= EVERY:
            await self._refresh()
        elif not self._in_line:
            await self._wait(EVERY - known_for if self._heard else None)
        elif not self._slots:
            await self._seek_slots(now, known_for)
        elif self._slots[0] > now:
            await self._wait(self._slots[0] - now)
        elif known_for >= EVERY:
            await self._refresh()
        else:
            self._slots.popleft()
            self._give_turn()

    async def _seek_slots(self, now: float, known_for: float) -> None:
        if now >= self._again:
            await self._exchange(self._wanted(known_for))
        elif self._refusal(now) is None:
            await self._wait(self._again - now)
        elif known_for >= EVERY:
            await self._refresh()
        else:
            self._send_late_away(now)

    def _give_turn(self) -> None:
        assert self._limit is not None
        self._dealt += 1
        self._in_line.give_turn(self._limit.epoch)

    def _wanted(self, seconds: float) -> int:
        """Slots for who is in the line and who will have joined it before the next exchange, if all goes on so."""
        rate = self._limit.pace.rate if self._limit is not None else 1.0
        soon = 1.5 * self._dealt * EVERY / max(seconds, EVERY)
        return max(1, min(math.ceil(rate * EVERY), math.ceil(max(len(self._in_line), soon))))

    async def _wait(self, seconds: float | None) -> None:
        """Until there is news, or for so long."""
        self._news.clear()
        if self._is_bad_news:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    @property
    def _is_fresh(self) -> bool:
        return self._limit is not None and time.monotonic() - self._looked < EVERY

    async def _refresh(self) -> None:
        """Exchange, where nobody has while this waited to."""
        async with self._exchanging:
            if not self._is_fresh:
                await self._exchange_alone(0)

    async def _exchange(self, wanted: int) -> None:
        async with self._exchanging:
            await self._exchange_alone(wanted)

    async def _exchange_alone(self, wanted: int) -> None:
        heard, self._heard = self._heard, {}
        self._is_bad_news = False
        try:
            grant = await self._limits.exchange(self._provider, list(heard.values()), wanted)
        except BaseException:
            for one in heard.values():
                self._keep(one)
            raise
        now = time.monotonic()
        if self._limit is not None and grant.limit.epoch != self._limit.epoch:
            self._slots.clear()
            self._say(self._limit, grant.limit)
        self._limit, self._looked, self._ahead = grant.limit, now, grant.now - now
        self._slots.extend(slot - self._ahead for slot in grant.slots)
        if wanted:
            self._dealt = 0
        self._look_again(now)

    def _look_again(self, now: float) -> None:
        """Say when to ask for slots again."""
        assert self._limit is not None
        opens = self._limit.closed_until - self._ahead
        is_probed = self._limit.breaker.state is BreakerState.HALF_OPEN
        self._again = now + PROBE_LOOKS if is_probed else min(opens, now + 1.0)
        self._send_late_away(now)

    def _send_late_away(self, now: float) -> None:
        """Send those away for whom the provider opens too late."""
        assert self._limit is not None
        refusal = self._refusal(now)
        if refusal is not None:
            self._send_all_away(NotSent, refusal.detail)
        elif self._limit.breaker.state is BreakerState.HALF_OPEN and not self._slots:
            detail = self._sentence(self._limit)
            self._in_line.send_away(lambda one: NotSent(detail) if now - one.since > self._patience else None)

    def _refusal(self, now: float) -> Failure | None:
        assert self._limit is not None
        wait = self._limit.closed_until - self._ahead - now
        state = self._limit.breaker.state
        is_probed = state is BreakerState.HALF_OPEN
        patience = self._patience
        if state is not BreakerState.CLOSED:
            patience = min(patience, LONGEST_OPEN / 2) if self._waits_for_breaker else 0.0
        if wait <= patience or (is_probed and (self._slots or self._waits_for_breaker)):
            return None
        return Failure(self._limit.last_failure or Outcome.RATE_LIMITED, self._sentence(self._limit))

    def _sentence(self, limit: Limit) -> str:
        why = "gave no answers" if limit.last_failure is Outcome.TRANSPORT else "refused"
        if limit.breaker.state is BreakerState.HALF_OPEN:
            return f"not asked: {self._provider} {why}, and is being tried with one request"
        until = datetime.fromtimestamp(limit.closed_until, UTC)
        return f"not asked: {self._provider} {why}, and is left alone until {until:%Y-%m-%d %H:%M:%S} UTC"

    def _say(self, before: Limit, after: Limit) -> None:
        if before.breaker.state is not after.breaker.state:
            log.info("breaker of a provider", provider=self._provider, state=after.breaker.state)
        if before.pace.rate != after.pace.rate:
            log.info("pace of a provider", provider=self._provider, rate=round(after.pace.rate, 3))

    def _send_all_away(self, kind: type[Exception], *said: str) -> None:
        self._in_line.send_away(lambda _: kind(*said))
