"""The statements of the relay."""

from datetime import timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Interval,
    MetaData,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    select,
    update,
)

from riskstream.messaging.tables import messaging_tables

_ROWS_COUNTED = 100_000
_STANDSTILL = "idle_in_transaction_session_timeout"


class RelayStatements:
    """Every statement of the relay of one schema."""

    def __init__(self, schema: str) -> None:
        outbox, lanes, _ = messaging_tables(MetaData(), schema)
        this_lane = outbox.c.lane == bindparam("lane_")

        # The lane that has waited longest, of those with rows that no other relay holds; and how long it may be held.
        self.take_lane = (
            select(lanes.c.lane, _bounded_standstill())
            .where(exists().where(outbox.c.lane == lanes.c.lane))
            .where(lanes.c.lane.not_in(bindparam("resting", expanding=True)))
            .order_by(lanes.c.drained_at)
            .limit(1)
            .with_for_update(of=lanes, skip_locked=True)
        )
        # The oldest rows of a lane. A row that committed late with a lower seq is simply there next time.
        self.read = (
            select(
                outbox.c.seq,
                outbox.c.topic,
                outbox.c.aggregateid,
                cast(outbox.c.headers, Text).label("headers"),
                cast(outbox.c.payload, Text).label("payload"),
            )
            .where(this_lane)
            .order_by(outbox.c.seq)
            .limit(bindparam("limit_"))
        )
        # What was acknowledged.
        self.delete = delete(outbox).where(
            this_lane, outbox.c.seq == func.any(bindparam("seqs", type_=ARRAY(BigInteger)))
        )
        # Behind the other lanes, for the next relay that looks for one.
        self.put_last = (
            update(lanes).where(lanes.c.lane == bindparam("lane_")).values(drained_at=func.clock_timestamp())
        )
        # How much waits, and for how long the first of it: sixteen index look-ups and a bounded count.
        some = select(outbox.c.seq).limit(_ROWS_COUNTED).subquery()
        first = (
            select(outbox.c.created_at)
            .where(outbox.c.lane == lanes.c.lane)
            .order_by(outbox.c.seq)
            .limit(1)
            .lateral("first")
        )
        age = func.extract("epoch", func.clock_timestamp() - func.min(first.c.created_at))
        self.measure = select(
            select(func.count()).select_from(some).scalar_subquery(),
            select(age).select_from(lanes.join(first, first.c.created_at.is_not(None))).scalar_subquery(),
        )


def _bounded_standstill() -> ColumnElement[str]:
    """Sets, for this transaction, how long it may do nothing: `lane_timeout`, or less where the role allows less.

    A frozen process cannot keep a time-out of its own, and its role's is made for longer work than this.
    """
    allowed = func.nullif(cast(func.current_setting(_STANDSTILL), Interval), timedelta(0))
    seconds = func.extract("epoch", func.least(allowed, bindparam("lane_timeout", type_=Interval)))
    return func.set_config(_STANDSTILL, cast(cast(seconds * 1000, Integer), Text), True)
