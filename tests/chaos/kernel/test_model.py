"""The kernel against its model: whatever is produced, doubled, killed, moved or frozen, effects equal facts.

The consumer, its settlement and its inbox are the real ones, on a real Postgres; the broker is in memory, so that the
machine decides what happens between any two statements.
"""

import asyncio
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chaos.kernel.bank import Bank, engine_for, versions_by_account
from chaos.kernel.mini_broker import MiniBroker, MiniClient, wire
from riskstream.events.envelope import Envelope
from riskstream.messaging import consumer_loop, settlement
from riskstream.messaging.consumer import Consumer
from riskstream.messaging.errors import TransientError
from riskstream.messaging.inbox import Inbox
from riskstream.messaging.timing import ConsumerTiming

ACCOUNTS = ("a", "b", "c", "d")
PARTITIONS = 2
MEMBERS = 2
POINTS = ("consumer.before_commit", "consumer.after_commit_before_offset")

Result = TypeVar("Result")
_numbers = itertools.count()


class Died(BaseException):
    """The process ends here."""


class ForgetfulInbox(Inbox):
    """An inbox that is off: every event is fresh."""

    async def claim(self, connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        return set(ids)


class World:
    """What outlives an example: an event loop, a database, and the wish to die at the next point."""

    def __init__(self, dsn: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.bank = Bank(engine_for(dsn), "nowhere:1", f"model_{os.getpid()}_{next(_numbers)}")
        self.die_at: str | None = None
        self.run(self.bank.create())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def reached(self, point: str) -> None:
        if point == self.die_at:
            self.die_at = None
            raise Died(point)

    def close(self) -> None:
        self.run(self.bank.engine.dispose())
        self.loop.close()


class Member:
    """A consumer of the group and its client."""

    def __init__(self, world: World, broker: MiniBroker, inbox: type[Inbox]) -> None:
        self._world = world
        self.fails_in = 0
        """The how manieth record of the next batch finds something away; 0 for none."""
        bank = world.bank
        handlers: Any = {bank.booked: self._handle}
        self.consumer = Consumer(
            *(bank.engine, bank.schema, bank.kafka, bank.group("inside"), handlers),
            catalogue=bank.catalogue,
            timing=ConsumerTiming(retry_base=0.0),
            source="/services/bank",
        )
        self.consumer._settlement._inbox = inbox(bank.schema, bank.group("inside"))  # type: ignore[attr-defined]
        self.client = MiniClient(broker)

    async def given(self, partitions: Sequence[int]) -> None:
        await self.client.given(self.consumer._assignment, partitions)

    async def turn(self, most: int) -> None:
        self.client.most = most
        await self.consumer._turn(self.client)

    async def _handle(self, connection: AsyncConnection, envelope: Envelope[Any]) -> None:
        await self._world.bank.inside(connection, envelope)
        self.fails_in -= 1
        if self.fails_in == 0:
            raise TransientError("something is away for a moment")


class Kernel(RuleBasedStateMachine):
    """Two members of one group, any of which may die or freeze at any moment."""

    world: ClassVar[World]
    inbox: ClassVar[type[Inbox]] = Inbox

    @initialize()
    def begin(self) -> None:
        bank = self.world.bank
        self.world.run(_emptied(bank))
        self.broker = MiniBroker(bank.booked.topic, [[] for _ in range(PARTITIONS)])
        self.facts: dict[str, list[int]] = defaultdict(list)
        self.frozen = False
        self.members = [self._member() for _ in range(MEMBERS)]
        self._assign([0] * PARTITIONS)

    @rule(account=st.sampled_from(ACCOUNTS), count=st.integers(1, 4))
    def produce(self, account: str, count: int) -> None:
        bank = self.world.bank
        for _ in range(count):
            version = len(self.facts[account]) + 1
            self.facts[account].append(version)
            event = bank.booked(account=account, version=version)
            envelope = Envelope(
                id=UUID(int=ACCOUNTS.index(account) * 1_000 + version),
                source="/services/bank",
                type=event.type,
                time=datetime(2026, 1, 2, tzinfo=UTC),
                subject=account,
                event=event,
                correlation_id="model",
            )
            self.broker.append(ACCOUNTS.index(account) % PARTITIONS, *wire(envelope))

    @rule(partition=st.integers(0, PARTITIONS - 1), last=st.integers(1, 6))
    def publish_again(self, partition: int, last: int) -> None:
        self.broker.append_again(partition, max(0, len(self.broker.logs[partition]) - last))

    @rule(member=st.integers(0, MEMBERS - 1), most=st.integers(1, 8))
    def consume(self, member: int, most: int) -> None:
        self.world.run(self.members[member].turn(most))

    @rule(member=st.integers(0, MEMBERS - 1), most=st.integers(1, 8), nth=st.integers(1, 8))
    def consume_while_something_is_away(self, member: int, most: int, nth: int) -> None:
        self.members[member].fails_in = nth
        self.world.run(self.members[member].turn(most))
        self.members[member].fails_in = 0

    @rule(member=st.integers(0, MEMBERS - 1), most=st.integers(1, 8), point=st.sampled_from(POINTS))
    def die_while_consuming(self, member: int, most: int, point: str) -> None:
        """The process is replaced, and the group gives everybody something anew."""
        self.world.die_at = point
        try:
            self.world.run(self.members[member].turn(most))
        except Died:
            self.members[member] = self._member()
            self._assign([member] * PARTITIONS)
        self.world.die_at = None

    @rule(owners=st.lists(st.integers(0, MEMBERS - 1), min_size=PARTITIONS, max_size=PARTITIONS))
    def rebalance(self, owners: list[int]) -> None:
        self._assign(owners)

    @rule(member=st.integers(0, MEMBERS - 1), most=st.integers(1, 8), turns=st.integers(0, 2))
    def freeze_while_consuming(self, member: int, most: int, turns: int) -> None:
        """With records polled; the group gives its partitions to the other, who works; then it wakes and goes on."""
        other = self.members[1 - member]

        async def meanwhile() -> None:
            await other.given(range(PARTITIONS))
            for _ in range(turns):
                await other.turn(most)

        self.frozen = True
        self.members[member].client.after_poll = meanwhile
        self.world.run(self.members[member].turn(most))
        self._assign([1 - member] * PARTITIONS)

    @invariant()
    def nothing_has_effects_twice(self) -> None:
        lines = self.world.run(self.world.bank.journal("inside"))
        assert len({line.event_id for line in lines}) == len(lines)

    def teardown(self) -> None:
        if not hasattr(self, "broker"):
            return
        self._assign([number % MEMBERS for number in range(PARTITIONS)])
        for turn in itertools.count():
            if self.broker.consumed:
                break
            assert turn < 1_000, "the group never comes to the end of the topic"
            self.world.run(self.members[turn % MEMBERS].turn(100))
        self.nothing_has_effects_twice()
        found = versions_by_account(self.world.run(self.world.bank.journal("inside")))
        facts = {account: versions for account, versions in self.facts.items() if versions}
        if self.frozen:
            assert {account: sorted(versions) for account, versions in found.items()} == facts
        else:
            assert found == facts
        assert self.world.run(self.world.bank.standings("inside")) == {a: v[-1] for a, v in facts.items()}

    def _member(self) -> Member:
        return Member(self.world, self.broker, self.inbox)

    def _assign(self, owners: Sequence[int]) -> None:
        """A rebalance that everybody hears of: all give back, then all are given."""
        for number, member in enumerate(self.members):
            self.world.run(member.given([place for place, owner in enumerate(owners) if owner == number]))


async def _emptied(bank: Bank) -> None:
    async with bank.engine.begin() as connection:
        for table in ("journal", "standing", "inbox", "outbox"):
            await connection.execute(text(f"DELETE FROM {bank.schema}.{table}"))


@pytest.fixture
def world(postgres_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(postgres_server.dsn())
    for module in (settlement, consumer_loop):
        monkeypatch.setattr(module, "reached", world.reached)
    yield world
    world.close()


def explored(**more: Any) -> settings:
    return settings(deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck), **more)


def test_effects_equal_facts_whatever_happens_in_which_order(world: World) -> None:
    machine = type("KernelWithInbox", (Kernel,), {"world": world})
    run_state_machine_as_test(machine, settings=explored(max_examples=40, stateful_step_count=30))


def test_without_the_inbox_the_model_is_refuted_within_seconds(world: World) -> None:
    machine = type("KernelWithoutInbox", (Kernel,), {"world": world, "inbox": ForgetfulInbox})
    began = time.monotonic()
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine, settings=explored(max_examples=200, stateful_step_count=30, phases=[Phase.generate])
        )
    assert time.monotonic() - began < 15
