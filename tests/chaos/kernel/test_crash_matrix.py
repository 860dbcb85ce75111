"""Processes that end, or stand still, at every named point of the kernel, on a real Kafka and a real Postgres."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from chaos.kernel.bank import GROUPS, PARTITIONS, SESSION_SECONDS, Bank, versions_by_account
from chaos.kernel.supervisor import Life, Supervisor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

WRITER = ("writer.before_commit", "writer.after_commit")
RELAY = ("relay.before_publish", "relay.after_publish_before_delete", "relay.after_delete_before_commit")
CONSUMER = ("consumer.before_commit", "consumer.after_commit_before_offset")
REVOKE = "consumer.during_revoke"
HANDLER = ("handler.before_commit", "handler.after_commit")
"""Of the handler whose transactions are its own."""

FROZEN = SESSION_SECONDS + 3.0
STALLED = 30.0
"""Longer than a session, a rebalance and a transaction that hangs."""


def start(supervisor: Supervisor, bank: Bank, postgres_dsn: str, lives: dict[str, Sequence[Sequence[Life]]]) -> None:
    """Start the members of each role, each with its lives."""
    for role, members in lives.items():
        for number, planned in enumerate(members):
            supervisor.add(f"{role}-{number}", role, postgres_dsn, bank.kafka, bank.schema, lives=planned)


async def until(
    supervisor: Supervisor, condition: Callable[[], bool] | Callable[[], Coroutine[Any, Any, bool]], seconds: float
) -> None:
    """Supervise in a thread until the condition, a function or a coroutine function of this loop, holds."""
    loop = asyncio.get_running_loop()

    def holds() -> bool:
        value = condition()
        return value if isinstance(value, bool) else asyncio.run_coroutine_threadsafe(value, loop).result(10)

    await asyncio.to_thread(supervisor.run_until, holds, seconds)


async def settle(supervisor: Supervisor, bank: Bank) -> None:
    """Let the rest arrive once nobody writes any more; AssertionError where nothing has moved for STALLED seconds."""
    left: dict[str, int] = {}
    moved_at = time.monotonic()

    async def settled() -> bool:
        nonlocal left, moved_at
        facts = sum((await bank.booked_versions()).values())
        now = {"unpublished": await bank.unpublished()}
        for kind in GROUPS:
            now[kind] = facts - len({(line.account, line.version) for line in await bank.journal(kind)})
        if now != left:
            left, moved_at = now, time.monotonic()
        assert time.monotonic() - moved_at < STALLED, f"nothing moves any more, and {left} are left"
        return not any(left.values())

    await until(supervisor, settled, 150)


async def read(bank: Bank, topic: str) -> list[tuple[str, dict[str, Any]]]:
    """Every record's event id and body, in order within each partition."""
    records = []
    async with AIOKafkaConsumer(bootstrap_servers=bank.kafka, group_id=None, auto_offset_reset="earliest") as kafka:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        kafka.assign(places)
        ends = await kafka.end_offsets(places)
        while any([await kafka.position(place) < ends[place] for place in places]):
            for batch in (await kafka.getmany(timeout_ms=300)).values():
                records += [(dict(record.headers)["ce_id"].decode(), orjson.loads(record.value)) for record in batch]
    return records


def first_occurrences(records: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, list[int]]:
    """Each account's versions in the order in which each event came for the first time."""
    seen: set[str] = set()
    found: dict[str, list[int]] = defaultdict(list)
    for event_id, body in records:
        if event_id not in seen:
            seen.add(event_id)
            found[body["account"]].append(body["version"])
    return dict(found)


async def check_no_event_lost_and_effects_once(bank: Bank) -> None:
    facts = await bank.booked_versions()
    wanted = {account: list(range(1, version + 1)) for account, version in facts.items()}
    for kind in GROUPS:
        lines = await bank.journal(kind)
        assert len({line.event_id for line in lines}) == len(lines), f"{kind}: an event had effects twice"
        assert {account: sorted(found) for account, found in versions_by_account(lines).items()} == wanted, kind
        assert await bank.standings(kind) == facts, f"{kind}: the newest version is not the last word"
    receipts = await read(bank, bank.receipted.topic)
    said = {(body["consumer"], body["account"], body["version"]) for _, body in receipts}
    assert said == {(kind, account, n) for kind in GROUPS for account, found in wanted.items() for n in found}
    assert len({event_id for event_id, _ in receipts}) == len(said), "a receipt was said under two ids"


def shuffled(source: random.Random, points: Sequence[str], latest: int = 6) -> list[Life]:
    """Die once at each point, in any order, each at a random time that it is reached."""
    order = source.sample(points, len(points))
    return [Life(point, source.randint(1, latest)) for point in order]


async def test_processes_killed_at_every_point_lose_nothing_and_double_nothing_in_order(
    bank: Bank, supervisor: Supervisor, postgres_server: Any, source: random.Random
) -> None:
    dsn = postgres_server.dsn()
    first_members = {
        "writer": [shuffled(source, WRITER), shuffled(source, WRITER)],
        "relay": [shuffled(source, RELAY), shuffled(source, RELAY)],
        "inside": [[Life(REVOKE), Life(CONSUMER[0])]],
        "outside": [[Life(REVOKE), *shuffled(source, CONSUMER)]],
    }
    start(supervisor, bank, dsn, first_members)

    async def at_work() -> bool:
        return all([await bank.journal(kind) for kind in GROUPS])

    await until(supervisor, at_work, 40)
    # Their coming makes the first ones give partitions back.
    supervisor.add("inside-1", "inside", dsn, bank.kafka, bank.schema, lives=shuffled(source, CONSUMER))
    supervisor.add("outside-1", "outside", dsn, bank.kafka, bank.schema, lives=shuffled(source, HANDLER))
    await until(supervisor, lambda: supervisor.all_lives_ended, 100)
    supervisor.dismiss("writer")
    await settle(supervisor, bank)
    assert supervisor.ended == Counter([*WRITER, *RELAY] * 2 + [REVOKE] * 2 + [*CONSUMER] * 2 + [CONSUMER[0], *HANDLER])
    await check_no_event_lost_and_effects_once(bank)
    facts = await bank.booked_versions()
    in_order = {account: list(range(1, version + 1)) for account, version in facts.items()}
    published = await read(bank, bank.booked.topic)
    # Whatever the relays had in hand when they died: facts, or what consumers said of them.
    said = [event_id for event_id, _ in [*published, *await read(bank, bank.receipted.topic)]]
    assert len(said) > len(set(said)), "relays died after publishing: something must have come twice"
    assert first_occurrences(published) == in_order
    for kind in GROUPS:
        assert versions_by_account(await bank.journal(kind)) == in_order, kind


async def test_processes_that_stand_still_past_their_session_end_at_the_newest_version(
    bank: Bank, supervisor: Supervisor, postgres_server: Any, source: random.Random
) -> None:
    def frozen(*points: str) -> list[list[Life]]:
        return [[Life(point, 1 if point == REVOKE else source.randint(3, 12), FROZEN)] for point in points]

    lives = {
        "writer": [[], *frozen("writer.before_commit")],
        "relay": [[], *frozen(*RELAY)],
        "inside": [[], *frozen(*CONSUMER, REVOKE)],
        "outside": [[], *frozen("consumer.after_commit_before_offset", *HANDLER)],
    }
    start(supervisor, bank, postgres_server.dsn(), lives)
    await until(supervisor, lambda: supervisor.all_lives_ended, 100)
    supervisor.dismiss("writer")
    await settle(supervisor, bank)
    assert sum(supervisor.ended.values()) == 1 + 3 + 3 + 3
    await check_no_event_lost_and_effects_once(bank)
    facts = await bank.booked_versions()
    published = await read(bank, bank.booked.topic)
    # Of both topics: a relay that froze may have had nothing but receipts in its hands.
    said = [event_id for event_id, _ in [*published, *await read(bank, bank.receipted.topic)]]
    print(f"{len(said) - len(set(said))} of {len(set(said))} events were said again")
    assert len(said) > len(set(said)), "a relay stood still between publishing and deleting: something came twice"
    assert first_occurrences(published) == {account: list(range(1, n + 1)) for account, n in facts.items()}
