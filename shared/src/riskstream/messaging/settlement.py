"""What it means to be done with records: effects, inbox and dead letters, in one of two ways."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging import metrics
from riskstream.messaging.breaker import Breaker
from riskstream.messaging.crash_points import reached
from riskstream.messaging.dead_letters import DeadLetters
from riskstream.messaging.delivery import Delivery
from riskstream.messaging.errors import is_transient
from riskstream.messaging.inbox import Inbox
from riskstream.messaging.tracing import processing

log = structlog.get_logger(__name__)

Handler = Callable[[AsyncConnection, Envelope[Any]], Awaitable[None]]
"""Does an event's work on the connection, whose transaction the runtime commits. Must not commit it itself."""


@dataclass(frozen=True, slots=True)
class Together:
    """A handler that takes all events of its kind that follow each other in a batch at once, oldest first.

    For effects that one statement can have for many: a statement an event is most of what an event costs. Where one
    event of the batch is poison it is called with each alone.
    """

    handle: Callable[[AsyncConnection, Sequence[Envelope[Any]]], Awaitable[None]]

    async def __call__(self, connection: AsyncConnection, envelope: Envelope[Any]) -> None:
        await self.handle(connection, [envelope])


IdempotentHandler = Callable[[Envelope[Any]], Awaitable[None]]
"""Does an event's work in transactions of its own, and does nothing new when it is called again."""


@dataclass(frozen=True, slots=True)
class TogetherOutside:
    """An idempotent handler that takes all events of its kind that follow each other at once, oldest first.

    For work that many can share. Where it fails for good it is called with each alone.
    """

    handle: Callable[[Sequence[Envelope[Any]]], Awaitable[None]]

    async def __call__(self, envelope: Envelope[Any]) -> None:
        await self.handle([envelope])


TOGETHER_OUTSIDE = 50
"""Records: of more the share of each is hardly less, and a partition that is taken back waits for all of them."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a run of records: the first `records` of them are dealt with for good."""

    records: int
    breaker: Breaker
    """With the outcomes counted. If it is tripped, the records after `records` were not touched."""


class Settlement(Protocol):
    """One way of settling records of one partition."""

    at_once: int | None
    """How many records to settle together; null where as many as there are is best."""

    async def settle(self, deliveries: Sequence[Delivery], breaker: Breaker) -> Settled:
        """Deal with the records, in order. An error that is transient means that nothing was settled."""
        ...


class InTransaction:
    """Inbox rows, effects, outbox rows and dead letters of a whole batch in one transaction."""

    at_once: int | None = None

    def __init__(
        self,
        engine: AsyncEngine,
        group: str,
        handlers: Mapping[type[Event], Handler],
        *,
        inbox: Inbox,
        dead_letters: DeadLetters,
        timeout: float,
    ) -> None:
        self._engine = engine
        self._inbox = inbox
        self._dead_letters = dead_letters
        self._group = group
        self._handlers = handlers
        self._timeout = timeout

    async def settle(self, deliveries: Sequence[Delivery], breaker: Breaker) -> Settled:
        """Try all together; where one record spoils the transaction, one by one, so that only it is dead."""
        with metrics.BATCH_SECONDS.labels(self._group).time():
            if all(delivery.undecodable is None for delivery in deliveries):
                try:
                    async with asyncio.timeout(self._timeout):
                        return await self._together(deliveries, breaker.copy())
                except Exception as error:
                    if is_transient(error):
                        raise
                    log.warning("batch_spoilt", group=self._group, records=len(deliveries), error=repr(error))
            async with asyncio.timeout(self._timeout):
                return await self._one_by_one(deliveries, breaker.copy())

    async def _together(self, deliveries: Sequence[Delivery], breaker: Breaker) -> Settled:
        async with self._engine.begin() as connection:
            claimed = await self._inbox.claim(connection, [delivery.event_id for delivery in deliveries])
            fresh = []
            for delivery in deliveries:
                if delivery.event_id in claimed:
                    claimed.remove(delivery.event_id)
                    fresh.append(delivery)
                    breaker.count(dead=False)
                else:
                    metrics.INBOX_DUPLICATES.labels(self._group).inc()
            for handler, run in groupby(fresh, self._handler):
                if isinstance(handler, Together):
                    await self._handle_together(connection, handler, list(run))
                else:
                    for delivery in run:
                        await self._handle(connection, delivery)
            reached("consumer.before_commit")
        return Settled(len(deliveries), breaker)

    async def _one_by_one(self, deliveries: Sequence[Delivery], breaker: Breaker) -> Settled:
        """Still one transaction, with a savepoint around each handler, up to where the breaker trips."""
        settled = 0
        dead: list[str] = []
        async with self._engine.begin() as connection:
            for delivery in deliveries:
                if breaker.tripped:
                    break
                if await self._inbox.claim(connection, [delivery.event_id]):
                    error = await self._attempt(connection, delivery)
                    if error is not None:
                        await self._dead_letters.write(connection, delivery, error)
                        dead.append(delivery.topic)
                    breaker.count(dead=error is not None)
                else:
                    metrics.INBOX_DUPLICATES.labels(self._group).inc()
                settled += 1
            reached("consumer.before_commit")
        for topic in dead:
            metrics.DEAD_LETTERS.labels(self._group, topic).inc()
        return Settled(settled, breaker)

    async def _attempt(self, connection: AsyncConnection, delivery: Delivery) -> Exception | None:
        """Handle in a savepoint; return what makes the record a dead letter, raise what is transient."""
        if delivery.undecodable is not None:
            return _poison(self._group, delivery, delivery.undecodable)
        try:
            async with connection.begin_nested():
                await self._handle(connection, delivery)
        except Exception as error:
            if is_transient(error):
                raise
            return _poison(self._group, delivery, error)
        return None

    async def _handle(self, connection: AsyncConnection, delivery: Delivery) -> None:
        assert delivery.envelope is not None
        handler = self._handler(delivery)
        if handler is not None:
            with processing(self._group, [delivery]):
                await handler(connection, delivery.envelope)

    async def _handle_together(
        self, connection: AsyncConnection, handler: Together, deliveries: Sequence[Delivery]
    ) -> None:
        envelopes = [delivery.envelope for delivery in deliveries if delivery.envelope is not None]
        with processing(self._group, deliveries):
            await handler.handle(connection, envelopes)

    def _handler(self, delivery: Delivery) -> Handler | None:
        assert delivery.envelope is not None
        return self._handlers.get(type(delivery.envelope.event))


class Outside:
    """Effects in the handler's own transactions, record by record or several at once; inbox rows follow them.

    At least once: a crash in between repeats the handler, which must be idempotent.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        group: str,
        handlers: Mapping[type[Event], IdempotentHandler],
        *,
        inbox: Inbox,
        dead_letters: DeadLetters,
        timeout: float,
    ) -> None:
        self._engine = engine
        self._inbox = inbox
        self._dead_letters = dead_letters
        self._group = group
        self._handlers = handlers
        self._timeout = timeout
        several = any(isinstance(handler, TogetherOutside) for handler in handlers.values())
        self.at_once: int | None = TOGETHER_OUTSIDE if several else 1

    async def settle(self, deliveries: Sequence[Delivery], breaker: Breaker) -> Settled:
        counted = breaker.copy()
        settled = 0
        for handler, run in groupby(deliveries, self._handler):
            following = list(run)
            if isinstance(handler, TogetherOutside) and len(following) > 1 and not counted.tripped:
                async with self._measured():
                    if await self._settle_together(handler, following, counted):
                        settled += len(following)
                        continue
            for delivery in following:
                if counted.tripped:
                    return Settled(settled, counted)
                async with self._measured():
                    await self._settle_one(delivery, counted)
                settled += 1
        return Settled(settled, counted)

    @asynccontextmanager
    async def _measured(self) -> AsyncIterator[None]:
        with metrics.BATCH_SECONDS.labels(self._group).time():
            async with asyncio.timeout(self._timeout):
                yield

    async def _settle_together(
        self, handler: TogetherOutside, deliveries: Sequence[Delivery], breaker: Breaker
    ) -> bool:
        """Whether all are dealt with; otherwise nothing is written down, and each has to be tried alone."""
        async with self._engine.connect() as connection:
            known = await self._inbox.known(connection, [delivery.event_id for delivery in deliveries])
        fresh = {delivery.event_id: delivery for delivery in deliveries if delivery.event_id not in known}
        if fresh:
            envelopes = [delivery.envelope for delivery in fresh.values() if delivery.envelope is not None]
            try:
                with processing(self._group, list(fresh.values())):
                    await handler.handle(envelopes)
            except Exception as error:
                if is_transient(error):
                    raise
                log.warning("batch_spoilt", group=self._group, records=len(deliveries), error=repr(error))
                return False
            async with self._engine.begin() as connection:
                await self._inbox.claim(connection, list(fresh))
                reached("consumer.before_commit")
        metrics.INBOX_DUPLICATES.labels(self._group).inc(len(deliveries) - len(fresh))
        for _ in fresh:
            breaker.count(dead=False)
        return True

    async def _settle_one(self, delivery: Delivery, breaker: Breaker) -> None:
        async with self._engine.connect() as connection:
            known = await self._inbox.known(connection, [delivery.event_id])
        if known:
            metrics.INBOX_DUPLICATES.labels(self._group).inc()
            return
        error = await self._attempt(delivery)
        async with self._engine.begin() as connection:
            claimed = await self._inbox.claim(connection, [delivery.event_id])
            if claimed and error is not None:
                await self._dead_letters.write(connection, delivery, error)
            reached("consumer.before_commit")
        if claimed and error is not None:
            metrics.DEAD_LETTERS.labels(self._group, delivery.topic).inc()
        breaker.count(dead=error is not None)

    async def _attempt(self, delivery: Delivery) -> Exception | None:
        if delivery.undecodable is not None:
            return _poison(self._group, delivery, delivery.undecodable)
        assert delivery.envelope is not None
        handler = self._handler(delivery)
        if handler is None:
            return None
        try:
            with processing(self._group, [delivery]):
                await handler(delivery.envelope)
        except Exception as error:
            if is_transient(error):
                raise
            return _poison(self._group, delivery, error)
        return None

    def _handler(self, delivery: Delivery) -> IdempotentHandler | None:
        return None if delivery.envelope is None else self._handlers.get(type(delivery.envelope.event))


def _poison(group: str, delivery: Delivery, error: Exception) -> Exception:
    log.error(
        "dead_letter",
        group=group,
        topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
        event_id=str(delivery.event_id),
        error=repr(error),
        exc_info=error,
    )
    return error
