"""Live updates: whoever follows a portfolio is told of every newer valuation, and when what it waits for changes.

An event of Kafka says only that a look is worth while. What is told was read from Postgres, the portfolios that are
followed all together in one statement: at once after events, and every few seconds without any. So an event that is
lost, late, doubled or out of order changes nothing, and every replica tells the same.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias
from uuid import UUID

import structlog

from analytics.calendar import Calendar
from analytics.freshness import Age, age
from analytics.heads import Head, Heads, NotValuedYetError, UnknownPortfolioError
from analytics.metrics import LIVE_PORTFOLIOS, LIVE_READS
from riskstream.messaging.errors import is_transient
from riskstream.runtime.clock import Clock

GATHER_SECONDS = 0.02
"""Events that come this close together share a statement: a night's folds come by the thousand."""
POLL_SHARE = 0.2
"""Of the time, at most, is spent on polling: where it takes long it comes seldom."""

log = structlog.get_logger(__name__)

Followed: TypeAlias = tuple[str, UUID]
"""An owner and a portfolio, which may be somebody else's: then nothing is found."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a portfolio stands at one moment."""

    head: Head | None
    """Its newest valuation; None before the first."""
    pending: bool
    """A change waits for its valuation."""
    age: Age | None
    """Of the valuation."""

    @property
    def order(self) -> tuple[int, int]:
        """Grows with every valuation and every change."""
        return (self.head.valuation, self.head.current_version) if self.head else (0, 0)


@dataclass(eq=False)
class _Follower:
    """Keeps the newest standing only, however long its reader takes; None once the portfolio is gone."""

    newest: Standing | None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, standing: Standing | None) -> None:
        if self.newest is None or standing == self.newest:
            return
        if standing is not None and standing.order < self.newest.order:
            return
        self.newest = standing
        self.news.set()

    async def next(self) -> Standing | None:
        await self.news.wait()
        self.news.clear()
        return self.newest


class LiveUpdates:
    """Reads the heads of the portfolios that are followed, and hands on what changed. A part of the process."""

    def __init__(self, heads: Heads, calendar: Calendar, clock: Clock, *, poll_seconds: float) -> None:
        self._heads = heads
        self._calendar = calendar
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._followers: defaultdict[Followed, set[_Follower]] = defaultdict(set)
        self._due: set[Followed] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    @property
    def followers(self) -> int:
        """How many follow a portfolio."""
        return sum(map(len, self._followers.values()))

    async def standing(self, owner: str, portfolio: UUID) -> Standing:
        """How the owner's portfolio stands now.

        Raises UnknownPortfolioError, and what `Heads.head` raises while Postgres is away.
        """
        head: Head | NotValuedYetError
        try:
            head = await self._heads.head(owner, portfolio)
        except NotValuedYetError as error:
            head = error
        return self._standing(head, await self._calendar.sessions())

    async def follow(self, owner: str, portfolio: UUID, known: Standing) -> AsyncGenerator[Standing | None, None]:
        """Every standing that is not older than `known` and differs from the one before; None at last, once it is gone.

        Whoever is slow is given the newest only. What happened since `known` was read is looked up at once.
        """
        followed, follower = (owner, portfolio), _Follower(known)
        self._followers[followed].add(follower)
        LIVE_PORTFOLIOS.set(len(self._followers))
        self.look(owner, portfolio)
        try:
            while follower.newest is not None:
                yield await follower.next()
        finally:
            self._leave(followed, follower)

    def look(self, owner: str, portfolio: UUID) -> None:
        """Something may have happened to the portfolio: read it soon, if anybody here follows it."""
        if (owner, portfolio) in self._followers:
            self._due.add((owner, portfolio))
            self._wake.set()

    async def run(self) -> None:
        """Read what is followed, until `stop`: portfolios that `look` named at once, all of them now and then."""
        loop = asyncio.get_running_loop()
        poll_at = loop.time()
        while not self._stopping:
            await self._nap(poll_at - loop.time() if self._followers else None)
            await asyncio.sleep(GATHER_SECONDS)
            began = loop.time()
            polling = began >= poll_at
            asked, self._due = (set(self._followers) if polling else self._due), set()
            if asked and not self._stopping:
                await self._read(sorted(asked))
            if polling:
                poll_at = began + max(self._poll_seconds, (loop.time() - began) / POLL_SHARE)

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _nap(self, seconds: float | None) -> None:
        """Until there is something due; not longer than so many seconds, if any are given."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        if not self._stopping:
            self._wake.clear()

    async def _read(self, asked: Sequence[Followed]) -> None:
        try:
            heads = await self._heads.many(asked)
            sessions = await self._calendar.sessions()
        except Exception as error:
            LIVE_READS.labels("failed").inc()
            if is_transient(error):
                log.warning("the portfolios that are followed cannot be read for now", error=repr(error))
            else:
                log.exception("the portfolios that are followed cannot be read", portfolios=len(asked))
            return
        LIVE_READS.labels("done").inc()
        for followed, head in zip(asked, heads, strict=True):
            gone = isinstance(head, UnknownPortfolioError)
            _tell(self._followers.get(followed, ()), None if gone else self._standing(head, sessions))

    def _standing(self, head: Head | NotValuedYetError | UnknownPortfolioError, sessions: Sequence[date]) -> Standing:
        if not isinstance(head, Head):
            return Standing(head=None, pending=True, age=None)
        pending = head.portfolio_version < head.current_version
        return Standing(head=head, pending=pending, age=age(head.session, self._clock.now(), sessions))

    def _leave(self, followed: Followed, follower: _Follower) -> None:
        self._followers[followed].discard(follower)
        if not self._followers[followed]:
            del self._followers[followed]
        LIVE_PORTFOLIOS.set(len(self._followers))


def _tell(followers: Collection[_Follower], standing: Standing | None) -> None:
    for follower in followers:
        follower.tell(standing)
