"""Poison on every topic that somebody hears, before the services' own processes."""

import asyncio
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy.engine import make_url

from chaos.kernel import story
from chaos.kernel.mini_broker import wire
from contract.golden import examples
from local_stack.database import Database, copy_database, drop_database
from local_stack.errors import ServerUnavailable
from local_stack.issuer import Issuer
from local_stack.kafka import KafkaServer
from local_stack.programs import Analytics, PortfolioRefresh, Program, SymbolBatch
from local_stack.stack import Stack
from local_stack.system import TOPICS_FILE
from local_stack.testing import REQUIRED, is_required, servers_for_tests
from local_stack.valkey import ValkeyServer
from riskstream.command_line.main import run as riskstream
from riskstream.events.catalogue import CATALOGUE
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioChanged, PortfolioRefreshRequested
from riskstream.events.symbol import SymbolBatchCompleted, SymbolFactorsUpdated, SymbolReady, SymbolRequested
from riskstream.messaging.breaker import DeadLetterLimit
from riskstream.messaging.dead_letter_replay import StoredLetter, read_letters
from riskstream.messaging.dead_letters import dead_letter_topic
from riskstream.messaging.topics import create_topics, load_topics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

TOPICS = {topic.name: topic for topic in load_topics(TOPICS_FILE).topics}
HEARD = [(topic.name, group) for topic in TOPICS.values() for group in topic.groups]
LISTENED_TO = [(topic.name, service) for topic in TOPICS.values() for service in topic.listeners]
PROGRAMS: dict[str, type[Program]] = {
    "symbol-batch": SymbolBatch,
    "portfolio-refresh": PortfolioRefresh,
    "analytics": Analytics,
}

UNPLANNED = UUID(int=5)
"""A run that nobody has planned."""
BEYOND_BIGINT = 2**70
GARBAGE = 25
"""More in a row than a partition may have."""

REFUSED: dict[type[Event], Event] = {
    SymbolRequested: SymbolRequested(symbol="A\0B"),
    SymbolReady: SymbolReady(symbol="A\0B", edition=3, session=story.SECOND),
    SymbolFactorsUpdated: SymbolFactorsUpdated(
        symbol="KO", reason="revision", session=story.SECOND, edition=BEYOND_BIGINT
    ),
    SymbolBatchCompleted: SymbolBatchCompleted(
        run=UNPLANNED,
        session=story.SECOND,
        edition=BEYOND_BIGINT,
        active=1,
        priced=1,
        with_exposures=1,
        coverage=1.0,
    ),
    PortfolioRefreshRequested: PortfolioRefreshRequested(run=UNPLANNED, chunk=0),
}
"""For each event somebody handles one that is well-formed and that its handler can never act upon."""
NEVER_REFUSED: set[type[Event]] = {PortfolioChanged}
"""Their handlers do what the data says, whatever they are told. Who cannot be valued is remembered, no dead letter."""

Sent = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]


@dataclass
class Running:
    """The services that hear anything, and their Kafka."""

    kafka: KafkaServer
    database: Database
    programs: dict[str, Program]

    def send(self, topic: str, records: Sequence[Sent], partition: int = 0) -> None:
        """As one batch: nobody else's record comes in between."""

        async def produce() -> None:
            async with AIOKafkaProducer(bootstrap_servers=self.kafka.address) as producer:
                batch = producer.create_batch()
                for key, value, headers in records:
                    batch.append(key=key, value=value, timestamp=None, headers=headers)
                batch.close()
                await (await producer.send_batch(batch, topic, partition=partition))

        asyncio.run(produce())

    def letters(self, topic: str, group: str) -> list[StoredLetter]:
        found = asyncio.run(read_letters(self.kafka.address))
        assert found.strangers == ()
        return [stored for stored in found.letters if stored.topic == dead_letter_topic(topic, group)]

    def is_settled(self, group: str, event_id: UUID) -> bool:
        return bool(
            self.value(
                "SELECT sum(n) FROM (SELECT count(*) n FROM symbols.inbox WHERE consumer = $1 AND event_id = $2"
                " UNION ALL SELECT count(*) FROM valuations.inbox WHERE consumer = $1 AND event_id = $2) found",
                group,
                event_id,
            )
        )

    def value(self, sql: str, *arguments: Any) -> Any:
        async def fetch() -> Any:
            connection = await asyncpg.connect(self.database.superuser_dsn)
            try:
                return await connection.fetchval(sql, *arguments)
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def health(self, service: str) -> tuple[int, dict[str, Any]]:
        answer = httpx.get(f"{self.programs[service].url}/health/live", timeout=10, trust_env=False)
        return answer.status_code, answer.json()["parts"]

    def halted(self, service: str, topic: str) -> list[str]:
        """The partitions of the topic that the service's health shows as stopped."""
        _, parts = self.health(service)
        halted = [place for part in parts.values() for place in part.get("halted", ())]
        return [place for place in halted if place.startswith(f"{topic}/")]

    def metric(self, service: str, line: str) -> float:
        """The value of the line of `/metrics` that begins so; 0 where there is none."""
        lines = httpx.get(f"{self.programs[service].url}/metrics", timeout=10, trust_env=False).text.splitlines()
        return next((float(found.rpartition(" ")[2]) for found in lines if found.startswith(line)), 0.0)


def eventually(condition: Callable[[], bool], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def running(
    database_template: Database, valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """On a Kafka of this module's own: topics and groups have the names of production."""
    folder = tmp_path_factory.mktemp("poison")
    _, _, kafka = servers_for_tests()
    with Stack() as stack:
        try:
            stack.start(kafka)
        except ServerUnavailable as missing:
            if is_required("kafka"):
                pytest.fail(f"{REQUIRED} asks for it: {missing.reason}", pytrace=False)
            pytest.skip(missing.reason)
        asyncio.run(create_topics(kafka.address, TOPICS_FILE))
        password = make_url(database_template.dsns["analytics"]).password or ""
        name = f"poison_{os.getpid()}_{secrets.token_hex(3)}"
        database = asyncio.run(copy_database(database_template, name, password))
        try:
            asyncio.run(_rows(database))
            programs = _programs(database, kafka, valkey_server, folder)
            stack.start(*programs.values())
            yield Running(kafka, database, programs)
            for program in programs.values():
                program.stop()
        finally:
            asyncio.run(drop_database(database))


async def _rows(database: Database) -> None:
    sql = await asyncpg.connect(database.superuser_dsn)
    try:
        await story.first_session(sql)
        await story.second_session(sql)
    finally:
        await sql.close()


def _programs(database: Database, kafka: KafkaServer, valkey: ValkeyServer, folder: Path) -> dict[str, Program]:
    issuer = Issuer(folder / "issuer")
    shared = {
        "RISKSTREAM_KAFKA": kafka.address,
        "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
        "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "12000",
        "RISKSTREAM_REDIS_URL": valkey.url,
        # Nobody but the tests says anything: no night, no sweep, no work on requests.
        "RISKSTREAM_CLOCK": "2024-12-04T12:00:00-05:00",
        "RISKSTREAM_RECONCILE_SECONDS": "3600",
        "RISKSTREAM_REQUEST_POLL_SECONDS": "3600",
        "RISKSTREAM_SWEEP_SECONDS": "3600",
        "RISKSTREAM_YAHOO_URL": "http://127.0.0.1:1",
        **issuer.environment(),
    }

    def environment(name: str) -> Callable[[], dict[str, str]]:
        return lambda: shared | {"RISKSTREAM_POSTGRES_DSN": database.dsns[name.replace("-", "_")]}

    return {name: program(environment(name), folder=folder / name) for name, program in PROGRAMS.items()}


def record_of(event: Event, **headers: str) -> tuple[UUID, Sent]:
    """A new record of the event, and its id."""
    envelope = Envelope(
        id=uuid4(),
        source="/tests",
        type=event.type,
        time=datetime.now(UTC),
        subject=event.key,
        event=event,
        correlation_id="poison",
    )
    key, value, own = wire(envelope)
    return envelope.id, (key, value, list((dict(own) | {k: v.encode() for k, v in headers.items()}).items()))


def good_event(model: type[Event]) -> Event:
    return examples(model.type)[0].read().event


def garbage(number: int) -> Sent:
    return b"k", b"\xff\x00 garbage %d" % number, [("ce_id", str(uuid4()).encode())]


def model_on(topic: str) -> type[Event]:
    (model,) = CATALOGUE.by_topic[topic]
    return model


@pytest.mark.parametrize(("topic", "group"), HEARD)
def test_poison_goes_to_its_dead_letter_topic_with_its_reason_and_what_follows_is_handled(
    running: Running, topic: str, group: str
) -> None:
    model = model_on(topic)
    assert (model in REFUSED) != (model in NEVER_REFUSED), f"say which {model.type} its handler can never act upon"
    _, newer = record_of(good_event(model), ce_type=model.type.rpartition(".")[0] + ".v99")
    refused_id, refused = record_of(REFUSED.get(model, good_event(model)))
    good_id, good = record_of(good_event(model))
    bad = [(b"k", None, []), garbage(0), newer] + ([refused] if model in REFUSED else [])
    running.send(topic, [*bad, good])
    eventually(lambda: running.is_settled(group, good_id), "the good record after the bad ones was handled")
    eventually(lambda: len(running.letters(topic, group)) >= len(bad), "the bad records became dead letters")
    letters = sorted((stored.letter for stored in running.letters(topic, group)), key=lambda letter: letter.offset)
    assert [letter.offset for letter in letters] == [letters[0].offset + n for n in range(len(bad))]
    assert all((letter.from_topic, letter.partition, letter.group) == (topic, 0, group) for letter in letters)
    assert [letter.error == "UndecodableError" for letter in letters] == [True, True, True, False][: len(bad)]
    assert "no ce_type" in letters[0].detail
    assert ".v99" in letters[2].detail
    for letter in letters[3:]:
        assert letter.detail
        assert letter.headers["ce_id"] == str(refused_id)
    assert running.halted(group.partition(".")[0], topic) == []


def test_once_mended_what_died_is_said_again_by_command_and_handled(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the rights of the service's own role, and published by the service's own relay."""
    topic, group = "portfolio.refresh.requested", "portfolio-refresh.chunks"
    found = [stored for stored in running.letters(topic, group) if stored.letter.error == "DomainError"]
    assert [stored.letter.record_key for stored in found] == [f"{UNPLANNED}:0"]
    running.value(
        "WITH run AS (INSERT INTO valuations.refresh_runs (run_id, cause, session, edition, chunks, remaining)"
        " VALUES ($1, 'sweep', $2, 2, 1, 1) RETURNING run_id)"
        " INSERT INTO valuations.refresh_chunks (run_id, chunk, from_portfolio, portfolios)"
        " SELECT run_id, 0, $3, 0 FROM run",
        UNPLANNED,
        story.SECOND,
        UUID(int=0),
    )
    words = ["--topic", topic, "--error", "DomainError", "--schema", "valuations", "--json"]
    dsn = running.database.dsns["portfolio_refresh"]
    place = ["--kafka", running.kafka.address, "--postgres", dsn]
    assert riskstream(["dead-letters", "replay", "--all", *place, *words]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["letter"] for line in said] == [str(found[0].id)]
    eventually(lambda: running.is_settled(group, UUID(said[0]["event_id"])), "the replay was handled")
    assert running.value("SELECT state FROM valuations.refresh_chunks WHERE run_id = $1", UNPLANNED) == "done"


@pytest.mark.parametrize(("topic", "group"), HEARD)
def test_twenty_in_a_row_stop_the_partition_and_its_health_says_so(running: Running, topic: str, group: str) -> None:
    service, limit = group.partition(".")[0], DeadLetterLimit()
    # Where there is but one partition, its window already has the four of the test before, and the share stops it.
    has_others = TOPICS[topic].partitions > 1
    stopped, allowed = (1, limit.consecutive) if has_others else (0, int(limit.ratio * limit.window) + 1 - 4)
    before = len(running.letters(topic, group))
    running.send(topic, [garbage(n) for n in range(GARBAGE)], stopped)
    eventually(lambda: running.halted(service, topic) == [f"{topic}/{stopped}"], "the partition was stopped")
    status, parts = running.health(service)
    assert status == 200, "a restart would not mend it"
    assert [name for name, part in parts.items() if not part["live"]] == []
    eventually(lambda: len(running.letters(topic, group)) >= before + allowed, "the first ones are dead letters")
    if has_others:
        elsewhere, good = record_of(good_event(model_on(topic)))
        running.send(topic, [good], partition=0)
        eventually(lambda: running.is_settled(group, elsewhere), "the other partitions go on")
    beyond, good = record_of(good_event(model_on(topic)))
    running.send(topic, [good], stopped)
    time.sleep(1)
    assert not running.is_settled(group, beyond)
    assert len(running.letters(topic, group)) == before + allowed


def test_a_stopped_partition_goes_on_where_it_stopped_after_a_restart(running: Running) -> None:
    topic, group = "symbol.requested", "symbol-batch.requests"
    before = len(running.letters(topic, group))
    last, good = record_of(good_event(model_on(topic)))
    running.send(topic, [good], 1)
    running.programs["symbol-batch"].restart()
    eventually(lambda: running.is_settled(group, last), "the last record was handled")
    left = GARBAGE - DeadLetterLimit().consecutive
    eventually(lambda: len(running.letters(topic, group)) == before + left, "the others died, too")
    assert running.halted("symbol-batch", topic) == []


@pytest.mark.parametrize(("topic", "service"), LISTENED_TO)
def test_a_listener_passes_over_poison_and_hears_what_follows(running: Running, topic: str, service: str) -> None:
    heard, skipped = (f'riskstream_listener_{what}_total{{topic="{topic}"}}' for what in ("records", "skipped"))
    eventually(lambda: bool(running.health(service)[1]["listener"]["listening"]), "the listener listens")
    heard_before, skipped_before = (running.metric(service, line) for line in (heard, skipped))
    _, good = record_of(good_event(model_on(topic)))
    running.send(topic, [(b"k", None, []), garbage(0), good])
    eventually(lambda: running.metric(service, heard) == heard_before + 3, "three records were heard")
    assert running.metric(service, skipped) == skipped_before + 2
    assert running.health(service)[0] == 200
