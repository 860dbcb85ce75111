"""Every handler of every service is told every golden event: once, twice, backwards, mixed, by two replicas at once.

The end is the same.

There is no inbox here: it would absorb what these tests want the handlers to bear by themselves.
"""

import asyncio
import itertools
import json
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from chaos.kernel import story
from chaos.kernel.wiring import SERVICES, Hearing, Wired, wired
from contract.golden import examples
from local_stack.database import Database, copy_database, drop_database
from local_stack.issuer import Issuer
from local_stack.system import TOPICS_FILE
from local_stack.valkey import ValkeyServer
from portfolio_refresh.store import runs
from riskstream.events.catalogue import CATALOGUE
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.errors import is_transient
from riskstream.messaging.topics import load_topics

Arrangement = Callable[[Sequence[Envelope[Event]]], list[Envelope[Event]]]

OUTBOXES = ("symbols", "valuations")
NOT_THE_OUTCOME = {
    *("started_at", "finished_at", "ended_at", "announced_at", "folded_at", "requested_at", "next_attempt_at"),
    *("changed_at", "created_at", "published_at", "fetched_at", "deleted_at", "worked_by"),
}
"""Columns that tell when and by whom work was done."""

TRIES = 10

_numbers = itertools.count()


def shuffled(seed: int) -> Arrangement:
    """All twice, in an order of chance."""
    return lambda told: random.Random(seed).sample([*told, *told], 2 * len(told))


ARRANGEMENTS: dict[str, Arrangement] = {
    "each twice": lambda told: [envelope for envelope in told for _ in range(2)],
    "backwards": lambda told: list(reversed(told)),
    "all, then all again": lambda told: [*told, *told],
    "forwards and backwards, one by one": lambda told: [
        e for pair in zip(told, reversed(told), strict=True) for e in pair
    ],
    "by chance, seed 1": shuffled(1),
    "by chance, seed 2": shuffled(2),
}


class Sweep:
    """One database with the story's rows, and all handlers on it."""

    def __init__(self, system: Wired, sql: asyncpg.Connection, issuer: Issuer) -> None:
        self._system = system
        self._sql = sql
        self._issuer = issuer
        self._pumped = dict.fromkeys(OUTBOXES, 0)
        self.told: set[tuple[str | None, type[Event]]] = set()

    async def tell(self, envelopes: Sequence[Envelope[Event]], *, replicas: int = 1) -> None:
        """One envelope after the other, each to so many replicas of every handler at the same time."""
        for envelope in envelopes:
            for hearing in self._system.of(envelope.event):
                await asyncio.gather(*(_told(hearing, envelope) for _ in range(replicas)))
                self.told.add((hearing.group, hearing.model))

    async def pump(self, arrange: Arrangement, *, replicas: int = 1) -> None:
        """Tell what handlers say, arranged likewise, until nobody says anything new."""
        while said := [envelope for schema in OUTBOXES for envelope in await self._said_since(schema)]:
            await self.tell(arrange(said), replicas=replicas)

    async def ask(self) -> dict[str, Any]:
        """What people are answered, as far as it does not tell where the answer was kept."""
        transport = httpx.ASGITransport(app=self._system.apps["analytics"])
        answers = {}
        async with httpx.AsyncClient(transport=transport, base_url="http://analytics") as client:
            for portfolio, owner in story.OWNERS.items():
                bearer = {"Authorization": f"Bearer {self._issuer.token(owner)}"}
                answer = await client.get(f"/api/v1/analytics/portfolio/{portfolio}/overview", headers=bearer)
                body = answer.json()
                answers[str(portfolio)] = answer.status_code, body.get("valuation"), body.get("data")
        return answers

    async def outcome(self) -> dict[str, Any]:
        """Every row of every schema, everything that was ever said, and the answers."""
        tables = await self._sql.fetch(
            "SELECT table_schema, table_name, array_agg(column_name ORDER BY column_name) AS columns"
            " FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE table_schema IN ('symbols', 'portfolios', 'valuations') AND t.table_type = 'BASE TABLE'"
            " AND table_name !~ '_(\\d{4}|default)$' AND table_name NOT IN ('outbox', 'outbox_lane', 'inbox')"
            " GROUP BY 1, 2"
        )
        found: dict[str, Any] = {"answers": await self.ask()}
        for schema, name, columns in tables:
            kept = [column for column in columns if column not in NOT_THE_OUTCOME]
            if name == "portfolio_snapshots":
                kept.remove("run_id")  # of whichever of the causes came first
            rows = await self._sql.fetch(f"SELECT ROW({', '.join(kept)})::text FROM {schema}.{name}")
            found[name] = sorted(row[0] for row in rows)
        for schema in OUTBOXES:
            said = await self._sql.fetch(
                f"SELECT DISTINCT type, aggregateid, (payload - 'cause')::text FROM {schema}.outbox"
            )
            found[f"said by {schema}"] = sorted(tuple(row) for row in said)
        found["completions"] = [
            tuple(row)
            for row in await self._sql.fetch(
                "SELECT aggregateid, count(DISTINCT id) FROM valuations.outbox"
                " WHERE type = 'portfolio.refresh.completed.v1' GROUP BY 1 ORDER BY 1"
            )
        ]
        return found

    async def _said_since(self, schema: str) -> list[Envelope[Event]]:
        rows = await self._sql.fetch(
            f"SELECT seq, headers::text, payload::text FROM {schema}.outbox WHERE seq > $1 ORDER BY seq",
            self._pumped[schema],
        )
        if rows:
            self._pumped[schema] = rows[-1]["seq"]
        return [
            Envelope.read([(k, v.encode()) for k, v in json.loads(row["headers"]).items()], row["payload"].encode())
            for row in rows
        ]


@pytest.fixture
def a_sweep(
    database_template: Database, valkey_server: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """`async with a_sweep() as sweep`: a fresh database, at the moment at which the golden events were said."""
    issuer = Issuer(tmp_path)

    @asynccontextmanager
    async def make() -> AsyncIterator[Sweep]:
        password = make_url(database_template.dsns["analytics"]).password
        assert password is not None
        database = await copy_database(database_template, f"sweep_{os.getpid()}_{next(_numbers)}", password)
        shared = {
            "RISKSTREAM_KAFKA": "127.0.0.1:1",
            "RISKSTREAM_REDIS_URL": valkey_server.url,
            "RISKSTREAM_HTTP_PORT": "0",
            **issuer.environment(),
        }
        environments = {
            name: shared | {"RISKSTREAM_POSTGRES_DSN": database.dsns[name.replace("-", "_")]} for name in SERVICES
        }
        sql = await asyncpg.connect(database.superuser_dsn)
        try:
            async with wired(environments, monkeypatch) as system:
                sweep = Sweep(system, sql, issuer)
                await story.first_session(sql)
                await sweep.tell([_created(portfolio) for portfolio in story.OWNERS])
                await sweep.ask()  # so that there are old answers to keep too long
                await sql.execute("DELETE FROM valuations.outbox")
                await story.second_session(sql)
                sweep.told.clear()
                yield sweep
        finally:
            await sql.close()
            await drop_database(database)

    return make


async def _told(hearing: Hearing, envelope: Envelope[Event]) -> None:
    """As a consumer does it: what is transient comes again until it is done."""
    for attempt in itertools.count(1):
        try:
            await hearing.handle(envelope)
        except Exception as error:
            if not is_transient(error) or attempt == TRIES:
                raise
        else:
            return


def _created(portfolio: Any) -> Envelope[Event]:
    """The golden record of a creation, of one of the story's portfolios."""
    (created,) = (example for example in examples("portfolio.changed.v1") if example.path.stem == "created")
    envelope = created.read()
    event = envelope.event.model_copy(update={"portfolio": portfolio, "owner": story.OWNERS[portfolio]})
    return Envelope(**{name: getattr(envelope, name) for name in envelope.__slots__} | {"event": event})


async def swept(
    a_sweep: Any, arrange: Arrangement, *, replicas: int = 1
) -> tuple[dict[str, Any], set[tuple[str | None, type[Event]]]]:
    async with a_sweep() as sweep:
        await sweep.tell(arrange([example.read() for example in examples()]), replicas=replicas)
        await sweep.pump(arrange, replicas=replicas)
        return await sweep.outcome(), sweep.told


async def test_every_group_and_listener_that_is_declared_hears_every_event_of_its_topics(a_sweep: Any) -> None:
    """A new event without a handler, a handler nobody declared, or a record that no golden one stands for fails."""
    declared = {
        (group, model)
        for topic in load_topics(TOPICS_FILE).topics
        for model in CATALOGUE.by_topic[topic.name]
        for group in (*topic.groups, *(None for _ in topic.listeners))
    }
    _, told = await swept(a_sweep, list)
    assert told == declared


async def test_in_whatever_order_and_number_events_come_the_end_is_the_same(a_sweep: Any) -> None:
    once, _ = await swept(a_sweep, list)
    answers = once["answers"]
    assert [answers[str(portfolio)][:2] for portfolio in story.OWNERS] == [(200, 2), (200, 2), (404, None)]
    assert once["refresh_runs"], "the story's chunks were worked"
    assert_each_run_ended_once(once)
    for name, arrange in ARRANGEMENTS.items():
        found, _ = await swept(a_sweep, arrange)
        assert_the_same(once, found, f"told {name}")


async def test_told_to_several_replicas_at_the_same_time_the_end_is_the_same(a_sweep: Any) -> None:
    """All find a chunk that waits, all fold it: it ends once, counts once, and its run is completed once."""
    once, _ = await swept(a_sweep, list)
    for replicas in (2, 3):
        found, _ = await swept(a_sweep, list, replicas=replicas)
        assert_the_same(once, found, f"told to {replicas} at once")


async def test_chunks_that_end_whenever_they_are_worked_are_found_out(
    a_sweep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, _ = await swept(a_sweep, list)
    ends_always = str(runs.END_CHUNK).replace("AND state = 'queued'", "")
    assert ends_always != str(runs.END_CHUNK), "the statement is another: break its condition here as it is now"
    monkeypatch.setattr(runs, "END_CHUNK", text(ends_always))
    with pytest.raises((AssertionError, IntegrityError)) as found_out:
        assert_the_same(once, (await swept(a_sweep, list, replicas=2))[0], "with chunks that end twice")
    print(found_out.value)


def assert_the_same(once: dict[str, Any], found: dict[str, Any], how: str) -> None:
    assert_each_run_ended_once(found)
    for part, rows in once.items():
        assert found[part] == rows, f"{part}, {how}"


def assert_each_run_ended_once(outcome: dict[str, Any]) -> None:
    assert str(story.CHUNKED_RUN) in {run for run, _ in outcome["completions"]}
    assert len(outcome["completions"]) == len(outcome["refresh_runs"])
    assert {times for _, times in outcome["completions"]} == {1}
