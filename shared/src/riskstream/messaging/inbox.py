"""Which events a consumer has already dealt with."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, MetaData, Text, any_, bindparam, delete, func, literal, select
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.messaging.tables import messaging_tables

KEPT = timedelta(days=45)
"""Longer than any topic keeps a record, dead letters and their replay included."""


class Inbox:
    """The inbox of one schema, as one consumer (one group) sees it."""

    def __init__(self, schema: str, consumer: str) -> None:
        self._table = messaging_tables(MetaData(), schema).inbox
        ids = (
            func.unnest(bindparam("ids", type_=ARRAY(UUID_TYPE(as_uuid=True))))
            .table_valued("id")
            .render_derived("claimed")
        )
        self._claim = (
            insert(self._table)
            .from_select(["consumer", "event_id"], select(literal(consumer, Text), ids.c.id))
            .on_conflict_do_nothing()
            .returning(self._table.c.event_id)
        )
        self._known = select(self._table.c.event_id).where(
            self._table.c.consumer == consumer,
            self._table.c.event_id == any_(bindparam("ids", type_=ARRAY(UUID_TYPE(as_uuid=True)))),
        )

    async def claim(self, connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        """Mark the events as dealt with by this transaction; return those that were not before.

        Where another transaction is about to claim the same event, waits for its end. Two that claim the same
        events do so in the same order, so that they wait for each other and never both.
        """
        claimed = await connection.execute(self._claim, {"ids": sorted(set(ids))})
        return set(claimed.scalars())

    async def known(self, connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the events that a committed transaction has dealt with."""
        found = await connection.execute(self._known, {"ids": list(ids)})
        return set(found.scalars())


async def forget_old(engine: AsyncEngine, schema: str, *, kept: timedelta = KEPT, slice_size: int = 10_000) -> int:
    """Delete the rows of all consumers that are older than `kept`, a short transaction per slice; return how many.

    `kept` must stay longer than the longest retention of a topic: a record outliving its inbox row has effects again.
    """
    inbox = messaging_tables(MetaData(), schema).inbox
    old = select(inbox.c.consumer, inbox.c.event_id).where(inbox.c.received_at < func.now() - kept).limit(slice_size)
    statement = delete(inbox).where(func.row(inbox.c.consumer, inbox.c.event_id).in_(old))
    total = 0
    while True:
        async with engine.begin() as connection:
            deleted = (await connection.execute(statement)).rowcount
        total += deleted
        if deleted < slice_size:
            return total
