"""How far portfolios are, for as long as somebody watches: one poll of this process for all who do.

No event is listened to. Most of what is shown (a symbol's state, step, attempts, the provider's last answer) is said in
none, and what the database says is right with Kafka away, with any number of replicas, and after any of them has died.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from onboarding import store
from onboarding.store import PortfolioRecord
from riskstream.database.tenancy import act_for_owner
from riskstream.messaging.errors import is_transient

POLL_SHARE = 0.2
"""Of the time, at most, is spent on polling: where it takes long it comes seldom."""
POLL_TIMEOUT = 10.0

log = structlog.get_logger(__name__)


class ProgressUnknown(Exception):
    """The database does not say how far portfolios are, for now."""


@dataclass(eq=False)
class _Follower:
    """One who watches a portfolio: keeps the last reading, and whether it was looked at."""

    owner: str
    portfolio: UUID
    reading: PortfolioRecord | ProgressUnknown | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    told: bool = False

    def tell(self, reading: PortfolioRecord | ProgressUnknown | None) -> None:
        if not self.told or reading != self.reading:
            self.told, self.reading = True, reading
            self.news.set()

    async def next(self) -> PortfolioRecord | None:
        await self.news.wait()
        self.news.clear()
        if isinstance(self.reading, ProgressUnknown):
            raise self.reading
        return self.reading


class Progress:
    """Reads the portfolios that are followed, in one go, and hands on what changed. A part of the process."""

    def __init__(self, engine: AsyncEngine, *, poll_seconds: float) -> None:
        self._engine = engine
        self._poll_seconds = poll_seconds
        self._followers: set[_Follower] = set()
        self._somebody = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def followers(self) -> int:
        """How many follow a portfolio."""
        return len(self._followers)

    async def follow(self, owner: str, portfolio: UUID) -> AsyncGenerator[PortfolioRecord | None, None]:
        """The owner's portfolio as it is read from now on, whenever that has changed; None where there is none.

        Who is slow is told the newest reading only. Raises ProgressUnknown while the database is away.
        """
        follower = _Follower(owner, portfolio)
        self._followers.add(follower)
        self._somebody.set()
        try:
            while True:
                yield await follower.next()
        finally:
            self._followers.discard(follower)

    async def run(self) -> None:
        """Poll while anybody follows, until `stop`."""
        while not self._stopping.is_set():
            began = time.monotonic()
            if self._followers:
                await self._poll()
                pause = max(self._poll_seconds, (time.monotonic() - began) / POLL_SHARE)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
            else:
                self._somebody.clear()
                await self._somebody.wait()

    def stop(self) -> None:
        self._stopping.set()
        self._somebody.set()

    async def _poll(self) -> None:
        # Only who follows already: whoever comes meanwhile has seen something newer than what is read here.
        followers = list(self._followers)
        try:
            async with asyncio.timeout(POLL_TIMEOUT):
                for owner, theirs in _by_owner(followers).items():
                    await self._read(owner, theirs)
        except Exception as error:
            if not is_transient(error):
                log.exception("the progress of portfolios cannot be read", followers=len(followers))
            for follower in followers:
                follower.tell(ProgressUnknown(f"{type(error).__name__}: {error}"))

    async def _read(self, owner: str, followers: list[_Follower]) -> None:
        async with self._engine.begin() as connection:
            await act_for_owner(connection, store.API_ROLE, owner)
            portfolios = sorted({follower.portfolio for follower in followers})
            records = await store.find_portfolios(connection, owner, portfolios)
        for follower in followers:
            follower.tell(records.get(follower.portfolio))


def _by_owner(followers: Iterable[_Follower]) -> dict[str, list[_Follower]]:
    by_owner: defaultdict[str, list[_Follower]] = defaultdict(list)
    for follower in followers:
        by_owner[follower.owner].append(follower)
    return by_owner
