"""A relay that stood still says old events late: what inbox and version guard are each there for."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psutil
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from chaos.kernel.bank import CONSUMER_TIMING, Bank
from chaos.kernel.supervisor import Life, Supervisor
from chaos.kernel.test_crash_matrix import read, until
from riskstream.events.envelope import Envelope
from riskstream.messaging.consumer import Consumer
from riskstream.messaging.inbox import Inbox

pytestmark = pytest.mark.timeout(120)

ACCOUNT = "a1"
NEWEST = 5
LATE = [1, 2, 3, 4, 5, 1]
"""The versions on the topic: the relay woke with the first in its hands when the newest was long there."""


class ForgetfulInbox(Inbox):
    """Knows nothing any more: as after its rows' 45 days, as for a replayed dead letter, as for a listener."""

    async def claim(self, connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        return set(ids)


@pytest.fixture
async def late(bank: Bank, supervisor: Supervisor, postgres_server: Any) -> Bank:
    """A bank whose topic tells an old version last."""
    await _book(bank)
    frozen = [Life("relay.before_publish", frozen=0.0)]
    supervisor.add("relay-0", "relay", postgres_server.dsn(), bank.kafka, bank.schema, lives=frozen)
    await _until(lambda: _stands_still(supervisor))
    relay = bank.relay()
    running = asyncio.create_task(relay.run())
    for _ in range(NEWEST - 1):
        await _book(bank)

    async def all_said() -> bool:
        return await bank.unpublished() == 0

    await _until(all_said)
    relay.stop()
    await running
    assert [body["version"] for _, body in await read(bank, bank.booked.topic)] == LATE[:NEWEST]

    async def said_again() -> bool:
        return len(await read(bank, bank.booked.topic)) == len(LATE)

    await until(supervisor, said_again, 40)
    supervisor.close()
    return bank


async def _book(bank: Bank) -> None:
    async with bank.engine.begin() as connection:
        await bank.book([ACCOUNT], connection)


async def _stands_still(supervisor: Supervisor) -> bool:
    process = supervisor.members[0].process
    assert process is not None
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


async def _until(condition: Any, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s; the condition's last value was {value!r}"
        await asyncio.sleep(0.05)


async def _hear(bank: Bank, name: str, inbox: type[Inbox], *, guarded: bool = True) -> None:
    """Let a group of its own hear the whole topic; `name` is its journal."""

    async def note(connection: AsyncConnection, envelope: Envelope[Any]) -> None:
        await bank.note(connection, name, envelope, guarded=guarded)

    group = bank.group(name)
    handlers: Any = {bank.booked: note}
    # One record at a time: of two records of one event in a batch the runtime itself takes one.
    timing = CONSUMER_TIMING.model_copy(update={"max_poll_records": 1})
    consumer = Consumer(
        *(bank.engine, bank.schema, bank.kafka, group, handlers), catalogue=bank.catalogue, timing=timing
    )
    consumer._settlement._inbox = inbox(bank.schema, group)  # type: ignore[attr-defined]
    running = asyncio.create_task(consumer.run())

    async def all_heard() -> bool:
        lags = [partition.measure_lag(None, 0.0) for partition in consumer._assignment.held()]
        return bool(lags) and all(lag == 0 for lag in lags) and bool(await bank.journal(name))

    await _until(all_heard)
    consumer.stop()
    await running


async def test_what_is_said_late_has_its_effect_once_and_the_newest_version_is_the_last_word(late: Bank) -> None:
    records = await read(late, late.booked.topic)
    assert [body["version"] for _, body in records] == LATE
    assert records[0][0] == records[-1][0], "and it is the same event"
    await _hear(late, "with_inbox", Inbox)
    assert [line.version for line in await late.journal("with_inbox")] == LATE[:NEWEST]
    await _hear(late, "guard_alone", ForgetfulInbox)
    assert [line.version for line in await late.journal("guard_alone")] == LATE
    for name in ("with_inbox", "guard_alone"):
        assert await late.standings(name) == await late.booked_versions() == {ACCOUNT: NEWEST}, name
    await _hear(late, "neither", ForgetfulInbox, guarded=False)
    assert await late.standings("neither") == {ACCOUNT: LATE[-1]}, "without a guard the old version wins"
