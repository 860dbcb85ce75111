"""Question in, answer out: head, process, Redis, computation, in that order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal
from uuid import UUID

from analytics.book import Book
from analytics.cache.answer import Answer, Key, Question
from analytics.cache.process import ProcessCache
from analytics.cache.redis import RedisCache
from analytics.calendar import Calendar
from analytics.evidence import Evidence
from analytics.flights import Flights
from analytics.freshness import Age, age
from analytics.heads import Heads
from analytics.lineage import Lineage
from analytics.metrics import ANSWERS, COMPUTE_SECONDS
from analytics.past import Wanted
from analytics.portfolios import Portfolios, Read
from analytics.symbols import Symbols
from analytics.together import in_step, owners_key, versions_hash
from riskstream.runtime import tracing
from riskstream.runtime.clock import Clock

Layer = Literal["process", "redis", "miss"]

LARGEST_ON_LOOP = 100
"""Positions. Up to here most measures take less than a millisecond: not worth a thread, and nobody waits long."""


@dataclass(frozen=True, slots=True)
class Served:
    """An answer as one request sees it: what changes with time stands beside it, never in it."""

    answer: Answer
    layer: Layer
    pending: bool
    """A change of the portfolio waits for its fold; the answer is the last valuation's."""
    age: Age


class Answers:
    """Answers for owners. Whatever is cached where, an answer is never older than the head read for this request."""

    def __init__(
        self,
        *,
        heads: Heads,
        portfolios: Portfolios,
        symbols: Symbols,
        calendar: Calendar,
        process: ProcessCache,
        redis: RedisCache,
        clock: Clock,
        lineage: Lineage,
    ) -> None:
        self._heads = heads
        self._portfolios = portfolios
        self._symbols = symbols
        self._calendar = calendar
        self._process = process
        self._redis = redis
        self._clock = clock
        self._lineage = lineage
        self._flights: Flights[Key, tuple[Answer, Layer]] = Flights()

    async def answer(self, owner: str, portfolio: UUID, question: Question) -> Served:
        """The answer to `question` about the owner's portfolio as of its newest valuation.

        Raises UnknownPortfolioError, NotValuedYetError, BookGoneError, UnanswerableError, and what asyncpg raises while
        Postgres is away.
        """
        head = await self._heads.head(owner, portfolio)
        key = Key(portfolio, head.valuation, head.edition, question.identity, self._lineage.name)

        async def read() -> tuple[Key, Read]:
            """The book as it is now, which may be newer than the head that was read: its key says so."""
            found = await self._portfolios.read(owner, portfolio, partial(_wants, question), head.valuation)
            return self._key(found[0], question.identity), found

        answer, layer = await self._answer(key, question, read)
        return await self._served(answer, layer, pending=answer.portfolio_version < head.current_version)

    async def answer_together(self, owner: str, question: Question) -> Served:
        """The answer to a question of `TOGETHER` about all the owner's portfolios, as of their newest valuations.

        Raises NoneValuedYetError, TooManyPortfoliosError, BookGoneError where there is no portfolio, UnanswerableError,
        and what asyncpg raises.
        """
        standings = await self._portfolios.standings(owner)
        inside, _ = in_step(standings)
        key = Key(
            owners_key(owner),
            sum(standing.valuation or 0 for standing in inside),
            max((standing.edition or 0 for standing in inside), default=0),
            f"{question.identity}:{versions_hash(standings)}",
            self._lineage.name,
        )

        async def read() -> tuple[Key, Read]:
            versions, found = await self._portfolios.read_together(owner, partial(_wants, question))
            return self._key(found[0], f"{question.identity}:{versions}"), found

        answer, layer = await self._answer(key, question, read)
        pending = any((standing.portfolio_version or 0) < standing.current_version for standing in standings)
        return await self._served(answer, layer, pending=pending)

    def _key(self, book: Book, question: str) -> Key:
        return Key(book.portfolio, book.valuation, book.edition, question, self._lineage.name)

    async def drop_older(self, portfolio: UUID, valuation: int) -> None:
        """Free what is kept for the portfolio's earlier valuations, here and in Redis."""
        await self._redis.drop(self._process.drop_older(portfolio, valuation))

    async def _answer(
        self, key: Key, question: Question, read: Callable[[], Awaitable[tuple[Key, Read]]]
    ) -> tuple[Answer, Layer]:
        layer: Layer = "process"
        answer = self._process.get(key)
        if answer is None:
            answer, layer = await self._flights.join(key, lambda: self._fetch(key, question, read))
        ANSWERS.labels(question.measure.name, layer).inc()
        return answer, layer

    async def _fetch(
        self, key: Key, question: Question, read: Callable[[], Awaitable[tuple[Key, Read]]]
    ) -> tuple[Answer, Layer]:
        stored = await self._redis.get(key, question)
        if stored is not None:
            self._process.put(stored)
            return stored, "redis"
        name = question.measure.name
        with COMPUTE_SECONDS.labels(name).time(), tracing.span(f"compute {name}"):
            answer = await self._compute(*await read(), question)
        self._process.put(answer)
        await self._redis.put(answer)
        return answer, "miss"

    async def _compute(self, key: Key, found: Read, question: Question) -> Answer:
        book, wanted, past = found
        edition = await self._symbols.edition(book.edition, book.estimable_symbols | wanted.symbols)
        evidence = Evidence(book, edition, past)
        if len(book.positions) <= LARGEST_ON_LOOP:
            data, coverage = _evaluate(evidence, question)
        else:
            data, coverage = await asyncio.to_thread(_evaluate, evidence, question)
        return Answer(
            key=key,
            portfolio_version=book.portfolio_version,
            session=book.session,
            run_id=book.run_id,
            coverage=coverage,
            computed_at=self._clock.now(),
            data=data,
        )

    async def _served(self, answer: Answer, layer: Layer, *, pending: bool) -> Served:
        sessions = await self._calendar.sessions()
        return Served(answer=answer, layer=layer, pending=pending, age=age(answer.session, self._clock.now(), sessions))


def _wants(question: Question, book: Book) -> Wanted:
    return question.measure.wants(book, question.parameters)


def _evaluate(evidence: Evidence, question: Question) -> tuple[bytes, float | None]:
    finding = question.measure.compute(evidence, question.parameters)
    return finding.result.model_dump_json().encode(), finding.coverage
