"""The two kinds of consumer: one whose effects happen once, and one for work that takes its time."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncEngine

from riskstream.events.catalogue import CATALOGUE, Catalogue
from riskstream.events.event import Event
from riskstream.messaging.breaker import DeadLetterLimit
from riskstream.messaging.connection import Brokers
from riskstream.messaging.consumer_loop import ConsumerLoop
from riskstream.messaging.dead_letters import DeadLetters
from riskstream.messaging.inbox import Inbox
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.settlement import Handler, IdempotentHandler, InTransaction, Outside
from riskstream.messaging.timing import ConsumerTiming
from riskstream.runtime.clock import Clock, clock_from_environment

__all__ = ["Consumer", "ConsumerLoop", "IdempotentConsumer"]


class Consumer(ConsumerLoop):
    """A consumer whose handlers work on the batch's own transaction: effects exactly once."""

    def __init__(
        self,
        engine: AsyncEngine,
        schema: str,
        brokers: Brokers,
        group: str,
        handlers: Mapping[type[Event], Handler],
        *,
        source: str | None = None,
        client_id: str | None = None,
        catalogue: Catalogue = CATALOGUE,
        clock: Clock | None = None,
        timing: ConsumerTiming | None = None,
        limit: DeadLetterLimit | None = None,
        group_instance_id: str | None = None,
    ) -> None:
        """Listens to the topics of the handled events, as `group` (`<service>.<kind of work>`).

        `handlers` are called with the connection of the batch's transaction and an envelope of the model they are
        registered for. A known event on these topics without a handler is passed over; an unknown one is dead.
        `source` signs the dead letters; by default the part of `group` before the dot.
        """
        timing = timing or ConsumerTiming()
        settlement = InTransaction(
            engine,
            group,
            handlers,
            inbox=Inbox(schema, group),
            dead_letters=_dead_letters(schema, group, source, clock),
            timeout=timing.rebalance_timeout,
        )
        super().__init__(
            brokers,
            group,
            [event.topic for event in handlers],
            settlement,
            client_id=client_id or group,
            catalogue=catalogue,
            timing=timing,
            limit=limit or DeadLetterLimit(),
            group_instance_id=group_instance_id,
        )


class IdempotentConsumer(ConsumerLoop):
    """A consumer for work of seconds, in transactions of the handler's own: effects at least once.

    The handler runs again after a crash between its last commit and its inbox row, and, where a rebalance was slower
    than its time-out, at the same time on two replicas. It must be idempotent: conditional updates, compare-and-set.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        schema: str,
        brokers: Brokers,
        group: str,
        handlers: Mapping[type[Event], IdempotentHandler],
        *,
        source: str | None = None,
        client_id: str | None = None,
        catalogue: Catalogue = CATALOGUE,
        clock: Clock | None = None,
        timing: ConsumerTiming | None = None,
        limit: DeadLetterLimit | None = None,
        group_instance_id: str | None = None,
    ) -> None:
        """As `Consumer`, with handlers that take the envelope alone. Polls few records: each takes its time."""
        timing = timing or ConsumerTiming(max_poll_records=8)
        settlement = Outside(
            engine,
            group,
            handlers,
            inbox=Inbox(schema, group),
            dead_letters=_dead_letters(schema, group, source, clock),
            timeout=timing.rebalance_timeout,
        )
        super().__init__(
            brokers,
            group,
            [event.topic for event in handlers],
            settlement,
            client_id=client_id or group,
            catalogue=catalogue,
            timing=timing,
            limit=limit or DeadLetterLimit(),
            group_instance_id=group_instance_id,
        )


def _dead_letters(schema: str, group: str, source: str | None, clock: Clock | None) -> DeadLetters:
    clock = clock or clock_from_environment()
    signature = source or f"/services/{group.partition('.')[0]}"
    return DeadLetters(group, Outbox(schema, signature, clock=clock), clock)
