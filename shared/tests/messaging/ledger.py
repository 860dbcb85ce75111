"""A small ledger, the service under test: deposits go in as events, entries come out as rows. Also run as a program."""

import argparse
import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import BigInteger, Column, Identity, Integer, MetaData, Table, Text, insert, text
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from riskstream.events.catalogue import Catalogue
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.consumer import Consumer, IdempotentConsumer
from riskstream.messaging.errors import DomainError
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.tables import creation
from riskstream.messaging.timing import ConsumerTiming, RelayTiming

TIMING = ConsumerTiming(
    session_timeout=6,
    heartbeat_interval=1,
    rebalance_timeout=12,
    poll_timeout=0.1,
    fetch_max_wait=0.05,
    metadata_max_age=1,
    start_timeout=20,
    drain_timeout=8,
    close_timeout=4,
    retry_base=0.05,
    retry_cap=0.3,
    stuck_after=10,
)
RELAY_TIMING = RelayTiming(
    poll_interval=0.2, send_timeout=3, transaction_timeout=8, close_timeout=3, retry_base=0.05, retry_cap=0.3
)


class Deposit(Event):
    """An amount for an account; `n` counts the deposits of the account."""

    type: ClassVar[str] = "ledger.deposit.v1"
    topic: ClassVar[str] = "ledger.deposit"
    aggregate: ClassVar[str] = "account"

    account: str
    n: int = Field(ge=0)
    amount: int = 1

    @property
    def key(self) -> str:
        return self.account


def deposits_on(topic_: str) -> type[Deposit]:
    """The event on a topic of one test's own."""

    class OwnDeposit(Deposit):
        topic: ClassVar[str] = topic_

    return OwnDeposit


@dataclass(frozen=True)
class Entry:
    account: str
    n: int
    event_id: UUID


class Ledger:
    """One test's own schema, topic and group on the shared servers."""

    def __init__(self, engine: AsyncEngine, bootstrap: str, name: str) -> None:
        self.engine = engine
        self.bootstrap = bootstrap
        self.schema = name
        self.group = f"{name}.deposits"
        self.deposit = deposits_on(f"{name}.deposit")
        self.topic = self.deposit.topic
        self.catalogue = Catalogue([self.deposit])
        self.outbox = Outbox(name, f"/services/{name}")
        self.entries_table = Table(
            "entry",
            MetaData(),
            Column("id", BigInteger, Identity(always=True), primary_key=True),
            Column("account", Text),
            Column("n", Integer),
            Column("event_id", UUID_TYPE(as_uuid=True)),
            schema=name,
        )

    async def create(self) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(f"CREATE SCHEMA {self.schema}"))
            for statement in creation(self.schema):
                await connection.execute(statement)
            await connection.run_sync(self.entries_table.create)

    async def drop(self) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(f"DROP SCHEMA {self.schema} CASCADE"))

    async def say(self, *deposits: Deposit, **origin: Any) -> None:
        async with self.engine.begin() as connection:
            await self.outbox.publish(connection, deposits, **origin)

    async def enter(self, connection: AsyncConnection, envelope: Envelope[Any]) -> None:
        """The handler: one row per deposit; refuses negative amounts."""
        deposit: Deposit = envelope.event
        if deposit.amount < 0:
            raise DomainError(f"account {deposit.account} cannot be charged {deposit.amount}")
        row = {"account": deposit.account, "n": deposit.n, "event_id": envelope.id}
        await connection.execute(insert(self.entries_table), row)

    async def enter_alone(self, envelope: Envelope[Any]) -> None:
        """The same in a transaction of its own, and only if it is not there."""
        async with self.engine.begin() as connection:
            found = await connection.execute(
                text(f"SELECT 1 FROM {self.schema}.entry WHERE event_id = :id"), {"id": envelope.id}
            )
            if found.first() is None:
                await self.enter(connection, envelope)

    async def entries(self) -> list[Entry]:
        """All entries in the order of their making."""
        table = self.entries_table
        async with self.engine.connect() as connection:
            rows = await connection.execute(table.select().order_by(table.c.id))
            return [Entry(row.account, row.n, row.event_id) for row in rows]

    async def count(self, table: str) -> int:
        async with self.engine.connect() as connection:
            return int((await connection.execute(text(f"SELECT count(*) FROM {self.schema}.{table}"))).scalar_one())

    def consumer(self, handler: Any = None, *, engine: AsyncEngine | None = None, **options: Any) -> Consumer:
        options = {"timing": TIMING, "catalogue": self.catalogue} | options
        handlers = {self.deposit: handler or self.enter}
        return Consumer(engine or self.engine, self.schema, self.bootstrap, self.group, handlers, **options)

    def idempotent_consumer(self, handler: Any = None, **options: Any) -> IdempotentConsumer:
        options = {"timing": TIMING, "catalogue": self.catalogue} | options
        handlers = {self.deposit: handler or self.enter_alone}
        return IdempotentConsumer(self.engine, self.schema, self.bootstrap, self.group, handlers, **options)

    def relay(self, *, engine: AsyncEngine | None = None, timing: RelayTiming = RELAY_TIMING) -> Relay:
        return Relay(engine or self.engine, self.schema, self.bootstrap, f"{self.schema}-relay", timing=timing)


async def main() -> None:
    """Run one relay or consumer of a ledger that exists, until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["relay", "consumer", "idempotent_consumer"])
    for name in ("dsn", "bootstrap", "schema"):
        parser.add_argument(name)
    options = parser.parse_args()
    engine = create_async_engine(options.dsn)
    ledger = Ledger(engine, options.bootstrap, options.schema)
    await getattr(ledger, options.role)().run()


if __name__ == "__main__":
    asyncio.run(main())
