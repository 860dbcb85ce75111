"""The tables that each service keeps in its own schema for what it says and hears."""

from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Executable,
    Identity,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.schema import CreateTable, DropTable

LANES = 16
"""A lane is drained by one relay at a time, which is what keeps the order of a key."""

# The outbox is filled and emptied all day: its size says nothing about how much of it is dead, so vacuum by count.
_VACUUM_BY_COUNT = {
    "autovacuum_vacuum_scale_factor": 0,
    "autovacuum_vacuum_threshold": 1000,
    "autovacuum_vacuum_insert_scale_factor": 0,
    "autovacuum_vacuum_insert_threshold": 1000,
}


class MessagingTables(NamedTuple):
    outbox: Table
    outbox_lane: Table
    inbox: Table


class Operations(Protocol):
    """The part of Alembic's `op` that is needed here."""

    def execute(self, sqltext: Any, /) -> None: ...


def messaging_tables(metadata: MetaData, schema: str) -> MessagingTables:
    """Declare the three tables of `schema`. Column names of the outbox are those of Debezium's event router."""
    outbox = Table(
        "outbox",
        metadata,
        Column("lane", SmallInteger, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("id", UUID(as_uuid=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("aggregatetype", Text, nullable=False),
        Column("aggregateid", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("headers", JSONB, nullable=False, server_default=text("'{}'")),
        Column("payload", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        schema=schema,
        postgresql_with=_VACUUM_BY_COUNT,
    )
    outbox_lane = Table(
        "outbox_lane",
        metadata,
        Column("lane", SmallInteger, primary_key=True, autoincrement=False),
        Column("drained_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        schema=schema,
    )
    inbox = Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", UUID(as_uuid=True), primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        schema=schema,
    )
    return MessagingTables(outbox, outbox_lane, inbox)


def creation(schema: str) -> list[Executable]:
    """The statements that create the tables of `schema`, lanes included. The schema itself must exist."""
    tables = messaging_tables(MetaData(), schema)
    return [
        *(CreateTable(table) for table in tables),
        insert(tables.outbox_lane).values([{"lane": lane} for lane in range(LANES)]),
    ]


def create_messaging_tables(op: Operations, schema: str) -> None:
    """Create outbox, lanes and inbox in a migration's `upgrade`. Grants are the migration's own."""
    for statement in creation(schema):
        op.execute(statement)


def drop_messaging_tables(op: Operations, schema: str) -> None:
    """Undo `create_messaging_tables` in a migration's `downgrade`. What was not yet published is lost."""
    for table in messaging_tables(MetaData(), schema):
        op.execute(DropTable(table))
