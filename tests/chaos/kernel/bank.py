"""A bank of writers, relays and consumers, each a process: `python -m chaos.kernel.bank <role> <dsn> <kafka> <schema>`.

Writers raise the version of an account and say so. Two groups hear it: one does its work in the runtime's transaction,
one in transactions of its own. Each writes a journal line for every event, keeps the newest version of every account,
and says a receipt.
"""

import argparse
import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from riskstream.events.catalogue import Catalogue
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.consumer import Consumer, IdempotentConsumer
from riskstream.messaging.crash_points import reached
from riskstream.messaging.dead_letters import dead_letter_topic
from riskstream.messaging.errors import is_transient
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.settlement import TogetherOutside
from riskstream.messaging.tables import creation
from riskstream.messaging.timing import ConsumerTiming, RelayTiming

ACCOUNTS = 24
PARTITIONS = 6
BURST = 40
SESSION_SECONDS = 6.0
TRANSACTION_SECONDS = 4.0
"""After so long the database ends the transaction of a process that does nothing in it."""

GROUPS = ("inside", "outside")

CONSUMER_TIMING = ConsumerTiming(
    session_timeout=SESSION_SECONDS,
    heartbeat_interval=1,
    rebalance_timeout=10,
    max_poll_records=20,
    poll_timeout=0.1,
    fetch_max_wait=0.05,
    metadata_max_age=2,
    start_timeout=20,
    commit_timeout=3,
    drain_timeout=5,
    close_timeout=3,
    retry_base=0.05,
    retry_cap=0.3,
)
RELAY_TIMING = RelayTiming(
    poll_interval=0.2,
    batch_rows=15,
    send_timeout=3,
    start_timeout=3,
    lane_timeout=TRANSACTION_SECONDS,
    transaction_timeout=8,
    close_timeout=2,
    retry_base=0.05,
    retry_cap=0.3,
)

TABLES = """
CREATE TABLE {schema}.account (account text PRIMARY KEY, version int NOT NULL);
CREATE TABLE {schema}.journal (
    id bigint GENERATED ALWAYS AS IDENTITY, consumer text, account text, version int, event_id uuid);
CREATE TABLE {schema}.standing (consumer text, account text, version int, PRIMARY KEY (consumer, account));
"""


class Booked(Event):
    """An account reached a version."""

    type: ClassVar[str] = "bank.booked.v1"
    topic: ClassVar[str] = "bank.booked"
    aggregate: ClassVar[str] = "account"

    account: str
    version: int = Field(ge=1)

    @property
    def key(self) -> str:
        return self.account

    @property
    def aggregate_version(self) -> int:
        return self.version


class Receipted(Event):
    """A consumer has written a booking into its journal."""

    type: ClassVar[str] = "bank.receipted.v1"
    topic: ClassVar[str] = "bank.receipted"
    aggregate: ClassVar[str] = "receipt"

    consumer: str
    account: str
    version: int

    @property
    def key(self) -> str:
        return f"{self.consumer}:{self.account}:{self.version}"


@dataclass(frozen=True)
class Line:
    """A line of a journal."""

    account: str
    version: int
    event_id: UUID


class Bank:
    """One schema and a pair of topics of its own."""

    def __init__(self, engine: AsyncEngine, kafka: str, schema: str) -> None:
        self.engine = engine
        self.kafka = kafka
        self.schema = schema
        self.booked: type[Booked] = type("OwnBooked", (Booked,), {"topic": f"{schema}.booked"})
        self.receipted: type[Receipted] = type("OwnReceipted", (Receipted,), {"topic": f"{schema}.receipted"})
        self.catalogue = Catalogue([self.booked, self.receipted])
        self.outbox = Outbox(schema, "/services/bank")

    @property
    def topics(self) -> dict[str, int]:
        """Every topic and its partitions."""
        dead = {dead_letter_topic(self.booked.topic, self.group(kind)): 1 for kind in GROUPS}
        return {self.booked.topic: PARTITIONS, self.receipted.topic: PARTITIONS, **dead}

    def group(self, kind: str) -> str:
        return f"{self.schema}.{kind}"

    async def create(self) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(f"CREATE SCHEMA {self.schema}"))
            for statement in creation(self.schema):
                await connection.execute(statement)
            for table in TABLES.format(schema=self.schema).split(";")[:-1]:
                await connection.execute(text(table))
            await connection.execute(
                text(f"INSERT INTO {self.schema}.account SELECT 'a' || n, 0 FROM generate_series(1, :n) n"),
                {"n": ACCOUNTS},
            )

    async def write(self) -> None:
        """Book for ever, now and then one account many times in a row: then relays meet in its lane.

        An account's row is locked before the event is said.
        """
        while True:
            accounts = [f"a{number}" for number in sorted(random.sample(range(1, ACCOUNTS + 1), random.randint(1, 3)))]
            times = random.choice([1, 1, 1, 1, 1, BURST])
            for _ in range(times):
                await self._book_in_one_transaction(accounts if times == 1 else accounts[:1])
            await asyncio.sleep(random.uniform(0, 1.0))

    async def _book_in_one_transaction(self, accounts: Sequence[str]) -> None:
        try:
            async with self.engine.begin() as connection:
                await self.book(accounts, connection)
                reached("writer.before_commit")
        except DBAPIError as error:
            # The facts are the rows: whoever stood still in a transaction has lost it and books something else.
            if not is_transient(error):
                raise
        reached("writer.after_commit")

    async def book(self, accounts: Sequence[str], connection: AsyncConnection) -> None:
        raised = text(f"UPDATE {self.schema}.account SET version = version + 1 WHERE account = :a RETURNING version")
        events = [
            self.booked(account=a, version=(await connection.execute(raised, {"a": a})).scalar_one()) for a in accounts
        ]
        await self.outbox.publish(connection, events)

    async def inside(self, connection: AsyncConnection, envelope: Envelope[Any]) -> None:
        """The handler of the group whose transaction is the runtime's."""
        await self.note(connection, "inside", envelope)

    async def all_outside(self, envelopes: Sequence[Envelope[Any]]) -> None:
        for envelope in envelopes:
            await self.outside(envelope)

    async def outside(self, envelope: Envelope[Any]) -> None:
        """The handler of the other group: it looks first, under a lock, and commits by itself."""
        async with self.engine.begin() as connection:
            lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))")
            await connection.execute(lock, {"id": f"{self.schema}:{envelope.id}"})
            noted = text(f"SELECT 1 FROM {self.schema}.journal WHERE consumer = 'outside' AND event_id = :id")
            if (await connection.execute(noted, {"id": envelope.id})).first() is None:
                await self.note(connection, "outside", envelope)
            reached("handler.before_commit")
        reached("handler.after_commit")

    async def note(
        self, connection: AsyncConnection, consumer: str, envelope: Envelope[Any], *, guarded: bool = True
    ) -> None:
        """All effects of a booking. Those that are not `guarded` let whatever comes last be the last word."""
        event: Booked = envelope.event
        row = {"c": consumer, "a": event.account, "v": event.version}
        await connection.execute(
            text(f"INSERT INTO {self.schema}.journal (consumer, account, version, event_id) VALUES (:c, :a, :v, :id)"),
            {**row, "id": envelope.id},
        )
        await connection.execute(
            text(
                f"INSERT INTO {self.schema}.standing AS s VALUES (:c, :a, :v) ON CONFLICT (consumer, account)"
                f" DO UPDATE SET version = excluded.version WHERE excluded.version > s.version OR NOT {guarded}"
            ),
            row,
        )
        receipt = self.receipted(consumer=consumer, account=event.account, version=event.version)
        await self.outbox.publish(connection, [receipt], cause=envelope)

    async def booked_versions(self) -> dict[str, int]:
        """The facts: how often each account was booked."""
        return await self._pairs(f"SELECT account, version FROM {self.schema}.account WHERE version > 0")

    async def standings(self, consumer: str) -> dict[str, int]:
        return await self._pairs(f"SELECT account, version FROM {self.schema}.standing WHERE consumer = '{consumer}'")

    async def journal(self, consumer: str) -> list[Line]:
        """In the order in which it was written."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                text(f"SELECT account, version, event_id FROM {self.schema}.journal WHERE consumer = :c ORDER BY id"),
                {"c": consumer},
            )
            return [Line(*row) for row in rows]

    async def unpublished(self) -> int:
        async with self.engine.connect() as connection:
            return int((await connection.execute(text(f"SELECT count(*) FROM {self.schema}.outbox"))).scalar_one())

    async def _pairs(self, sql: str) -> dict[str, int]:
        async with self.engine.connect() as connection:
            return {account: int(version) for account, version in await connection.execute(text(sql))}

    def relay(self) -> Relay:
        return Relay(self.engine, self.schema, self.kafka, f"{self.schema}-relay", timing=RELAY_TIMING)

    def consumer_inside(self) -> Consumer:
        handlers: Any = {self.booked: self.inside}
        return Consumer(
            self.engine, self.schema, self.kafka, self.group("inside"), handlers, **self._consumer_options()
        )

    def consumer_outside(self) -> IdempotentConsumer:
        handlers: Any = {self.booked: TogetherOutside(self.all_outside)}
        return IdempotentConsumer(
            self.engine, self.schema, self.kafka, self.group("outside"), handlers, **self._consumer_options()
        )

    def _consumer_options(self) -> dict[str, Any]:
        return {"catalogue": self.catalogue, "timing": CONSUMER_TIMING, "source": "/services/bank"}


def versions_by_account(lines: Sequence[Line]) -> dict[str, list[int]]:
    """Each account's versions in the order of the journal."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        found[line.account].append(line.version)
    return dict(found)


def engine_for(dsn: str) -> AsyncEngine:
    """With the database's bounds on a process that hangs in a transaction, as the services' roles have them."""
    bounds = {"idle_in_transaction_session_timeout": str(round(TRANSACTION_SECONDS * 1000)), "lock_timeout": "8000"}
    return create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=3,
        pool_pre_ping=True,
        connect_args={"server_settings": bounds},
    )


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["writer", "relay", *GROUPS])
    for name in ("dsn", "kafka", "schema"):
        parser.add_argument(name)
    options = parser.parse_args()
    bank = Bank(engine_for(options.dsn), options.kafka, options.schema)
    match options.role:
        case "writer":
            await bank.write()
        case "relay":
            await bank.relay().run()
        case "inside":
            await bank.consumer_inside().run()
        case _:
            await bank.consumer_outside().run()


if __name__ == "__main__":
    asyncio.run(main())
