"""Answering before somebody asks: after a fold, the questions that were asked lately about that portfolio."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from cachetools import LRUCache

from analytics.cache.answer import Question
from analytics.metrics import WARMED, WARMING_DROPPED

log = structlog.get_logger(__name__)

Ask = Callable[[str, UUID, Question], Awaitable[object]]


class RecentQuestions:
    """The last few questions about each of the portfolios asked about last."""

    def __init__(self, portfolios: int, questions: int) -> None:
        self._questions = questions
        self._by_portfolio: LRUCache[UUID, OrderedDict[str, Question]] = LRUCache(portfolios)

    def remember(self, portfolio: UUID, question: Question) -> None:
        if self._by_portfolio.maxsize < 1 or self._questions < 1:
            return
        asked = self._by_portfolio.get(portfolio)
        if asked is None:
            asked = self._by_portfolio[portfolio] = OrderedDict()
        asked[question.identity] = question
        asked.move_to_end(question.identity)
        while len(asked) > self._questions:
            asked.popitem(last=False)

    def of(self, portfolio: UUID) -> tuple[Question, ...]:
        """Oldest first; does not count as being asked about."""
        return tuple(self._by_portfolio[portfolio].values()) if portfolio in self._by_portfolio else ()


class Warming:
    """A part that asks again, one portfolio after the other, so that requests keep the machine for themselves.

    What does not fit is left out, and what fails is logged and left: both are computed when somebody asks.
    """

    def __init__(self, recent: RecentQuestions, ask: Ask, *, waiting: int) -> None:
        self._recent = recent
        self._ask = ask
        self._most = waiting
        self._owners: OrderedDict[UUID, str] = OrderedDict()
        self._work = asyncio.Event()
        self._stopping = False

    def request(self, owner: str, portfolio: UUID) -> None:
        """Warm the portfolio soon, once however often it is requested, if anybody asked about it lately."""
        if not self._recent.of(portfolio):
            return
        if portfolio not in self._owners and len(self._owners) >= self._most:
            WARMING_DROPPED.inc()
            return
        self._owners[portfolio] = owner
        self._work.set()

    async def run(self) -> None:
        while not self._stopping:
            await self._work.wait()
            self._work.clear()
            while self._owners and not self._stopping:
                portfolio, owner = self._owners.popitem(last=False)
                await self._warm(owner, portfolio)

    def stop(self) -> None:
        self._stopping = True
        self._work.set()

    async def _warm(self, owner: str, portfolio: UUID) -> None:
        """What was asked last comes first: it is likeliest to be asked next."""
        for question in reversed(self._recent.of(portfolio)):
            try:
                await self._ask(owner, portfolio, question)
                WARMED.inc()
            except Exception as error:
                log.warning("not warmed", portfolio=str(portfolio), measure=question.measure.name, error=repr(error))
