"""The relay: takes events from the outbox to Kafka, a lane at a time, oldest first."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import structlog
from aiokafka.errors import KafkaError
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.messaging import metrics
from riskstream.messaging.backoff import Backoff
from riskstream.messaging.connection import Brokers, KafkaRefused
from riskstream.messaging.crash_points import reached
from riskstream.messaging.errors import is_transient
from riskstream.messaging.outbox import channel
from riskstream.messaging.producer import DisposableProducer, KafkaRecord
from riskstream.messaging.relay_statements import RelayStatements
from riskstream.messaging.timing import RelayTiming
from riskstream.messaging.tracing import sending
from riskstream.runtime.health import State

log = structlog.get_logger(__name__)


class Relay:
    """Publishes the outbox of one schema. Any number of relays may run; a lane is with one of them at a time."""

    def __init__(
        self,
        engine: AsyncEngine,
        schema: str,
        brokers: Brokers,
        client_id: str,
        *,
        timing: RelayTiming | None = None,
    ) -> None:
        self._engine = engine
        self._schema = schema
        self._timing = timing or RelayTiming()
        self._producer = DisposableProducer(brokers, client_id, self._timing)
        self._statements = RelayStatements(schema)
        metrics.RELAY_FAILURES.labels(schema)
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._backoffs: dict[int, Backoff] = {}
        self._resting: dict[int, float] = {}
        self._measured_at = 0.0
        self._ticked_at = self._began_at = time.monotonic()
        self._unreached: str | None = "not reached yet"
        """Why Kafka has never been reached; None once it was."""
        self._refused = False

    async def run(self) -> None:
        """Publish until `stop` or cancellation. Kafka's and Postgres' absence is waited out, never raised.

        After `stop` the lane in hand is finished; all waits are bounded, so this returns within
        `transaction_timeout` + `close_timeout` seconds, and at once where nothing is in hand.
        """
        stop = asyncio.create_task(self._stopping.wait())
        work = asyncio.create_task(self._work(), name=f"relay {self._schema}")
        wakes = asyncio.create_task(self._listen(), name=f"relay {self._schema} wake-ups")
        try:
            await asyncio.wait({stop, work, wakes}, return_when=asyncio.FIRST_COMPLETED)
            self._woken.set()
            await asyncio.wait({work}, timeout=self._timing.transaction_timeout if self._stopping.is_set() else 0)
        finally:
            # A rollback on a connection that is dead raises in the place of the cancellation: the loop must see an end.
            self.stop()
            self._woken.set()
            for task in (stop, work, wakes):
                task.cancel()
            await asyncio.wait({work, wakes})
            await self._producer.close()
        for task in (work, wakes):
            if not task.cancelled():
                task.result()

    def stop(self) -> None:
        """Ask `run` to finish the lane in hand and return."""
        self._stopping.set()

    def ticked_ago(self) -> float:
        """Seconds since the loop last came round, for liveness."""
        return time.monotonic() - self._ticked_at

    def state(self) -> State:
        """For the process's health endpoints: dead when the loop has not come round for long, and unready for a while
        when it has just begun and never reached Kafka; for as long as Kafka has never let it in.
        """
        patient = self._refused or time.monotonic() - self._began_at < self._timing.start_patience
        waits = self._unreached is not None and patient
        detail = {} if self._unreached is None else {"kafka": self._unreached}
        return State(live=self.ticked_ago() < self._timing.stuck_after, ready=not waits, detail=detail)

    async def drain(self) -> int:
        """Publish until the outbox shows nothing that this relay may take; return how many. For commands.

        A lane that Kafka refuses is left for the next relay, with a warning in the log.
        """
        total = 0
        try:
            while (published := await self._tick()) is not None:
                total += published
        finally:
            await self._producer.close()
        return total

    async def _work(self) -> None:
        backoff = Backoff(self._timing.retry_base, self._timing.retry_cap)
        while not self._stopping.is_set():
            self._ticked_at = time.monotonic()
            self._woken.clear()
            try:
                await self._measure()
                await self._greet()
                published = await self._tick()
            except Exception as error:
                if not is_transient(error):
                    raise
                seconds = backoff.next()
                log.warning("outbox_out_of_reach", schema=self._schema, error=repr(error), retry_in=round(seconds, 2))
                await self._rest(seconds)
                continue
            backoff.reset()
            if published is None:
                await self._rest(self._timing.poll_interval)

    async def _greet(self) -> None:
        """Reach Kafka for the first time, with no lane in hand: a wrong address shows before anything is to be said."""
        if self._unreached is None:
            return
        try:
            await self._producer.start()
        except (KafkaError, TimeoutError, OSError) as error:
            if self._unreached == "not reached yet":
                log.warning("kafka_not_reached", schema=self._schema, error=repr(error))
            self._refused = isinstance(error, KafkaRefused)
            self._unreached = f"not reached yet: {error!r}"
        else:
            self._unreached = None

    async def _rest(self, seconds: float) -> None:
        """Until somebody publishes or stops us, and no longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _tick(self) -> int | None:
        """Publish one batch of one lane and say how many; null where no lane has anything for us.

        A lane that Kafka does not take rests, the others go on.
        """
        lane: int | None = None
        now = time.monotonic()
        wanted = {
            "resting": [lane for lane, until in self._resting.items() if until > now] or [-1],
            "lane_timeout": timedelta(seconds=self._timing.lane_timeout),
        }
        try:
            async with asyncio.timeout(self._timing.transaction_timeout), self._engine.begin() as connection:
                began = time.monotonic()
                lane = (await connection.execute(self._statements.take_lane, wanted)).scalar()
                if lane is None:
                    return None
                published = await self._drain_lane(connection, lane)
        except (KafkaError, TimeoutError, OSError) as error:
            if lane is None:
                raise
            self._let_rest(lane, error)
            return 0
        self._recovered()
        metrics.RELAY_BATCH_SECONDS.labels(self._schema).observe(time.monotonic() - began)
        metrics.RELAY_PUBLISHED.labels(self._schema).inc(published)
        return published

    async def _drain_lane(self, connection: AsyncConnection, lane: int) -> int:
        # Before the rows are read: every statement gives the lane its whole time anew.
        await self._producer.start()
        limit = {"lane_": lane, "limit_": self._timing.batch_rows}
        rows = (await connection.execute(self._statements.read, limit)).all()
        reached("relay.before_publish")
        records = [_record(row) for row in rows]
        with sending([record.topic for record in records], [_traceparent(record) for record in records]):
            await self._producer.send(records)
        reached("relay.after_publish_before_delete")
        await connection.execute(self._statements.delete, {"lane_": lane, "seqs": [row.seq for row in rows]})
        await connection.execute(self._statements.put_last, {"lane_": lane})
        reached("relay.after_delete_before_commit")
        return len(rows)

    def _let_rest(self, lane: int, error: Exception) -> None:
        backoff = self._backoffs.setdefault(lane, Backoff(self._timing.retry_base, self._timing.retry_cap))
        seconds = backoff.next()
        self._resting[lane] = time.monotonic() + seconds
        metrics.RELAY_FAILURES.labels(self._schema).inc()
        log.warning(
            "lane_not_published",
            schema=self._schema,
            lane=lane,
            failures=backoff.failures,
            retry_in=round(seconds, 2),
            error=repr(error),
        )

    def _recovered(self) -> None:
        """Kafka answers again: what rested because it did not need not wait out its time."""
        self._resting.clear()
        self._backoffs.clear()

    async def _measure(self) -> None:
        if time.monotonic() - self._measured_at < self._timing.measure_interval:
            return
        self._measured_at = time.monotonic()
        async with asyncio.timeout(self._timing.transaction_timeout), self._engine.connect() as connection:
            rows, oldest = (await connection.execute(self._statements.measure)).one()
        metrics.OUTBOX_ROWS.labels(self._schema).set(rows)
        metrics.OUTBOX_OLDEST_SECONDS.labels(self._schema).set(oldest or 0.0)

    async def _listen(self) -> None:
        """Keep a connection that hears of new rows. Only speed depends on it: the poll is the truth."""
        backoff = Backoff(self._timing.retry_base, self._timing.retry_cap)
        while True:
            try:
                async with self._listening() as lost:
                    backoff.reset()
                    await lost.wait()
            except Exception as error:
                log.warning("wake_ups_lost", schema=self._schema, error=repr(error))
            await asyncio.sleep(backoff.next())

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[asyncio.Event]:
        lost = asyncio.Event()
        pooled = await self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        # Out of the pool for good: it listens for as long as the process lives.
        pooled.detach()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel(self._schema), lambda *_: self._woken.set())
            yield lost
        finally:
            connection.terminate()


def _record(row: Row[Any]) -> KafkaRecord:
    headers: dict[str, str] = orjson.loads(row.headers)
    return KafkaRecord(
        topic=row.topic,
        key=row.aggregateid.encode(),
        value=row.payload.encode(),
        headers=[(name, value.encode()) for name, value in headers.items()],
    )


def _traceparent(record: KafkaRecord) -> str | None:
    return next((value.decode() for name, value in record.headers if name == "traceparent"), None)
