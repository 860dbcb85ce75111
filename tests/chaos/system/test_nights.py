"""Nights whose process is killed, or frozen past its lease: the rows, the edition and the events of a calm night."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import make_url

from chaos.system.processes import CRASH, PAUSE, process_of, replica, start_and_crash, start_and_pause, until
from local_stack.database import Database, copy_database
from local_stack.programs import Program, SymbolBatch
from local_stack.system import System, shortly_before_the_night
from observer.tables import VOLATILE, Tables
from observer.topics import TopicObserver
from own_system.market import synthetic
from own_system.servers import OwnServers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRST, LAST = date(2026, 3, 10), date(2026, 3, 16)
CAUGHT_UP = 4
"""Sessions after the first one up to the last one."""
ZOMBIES = {date(2026, 3, 17): "night.after_chunk:2", date(2026, 3, 18): "night.before_publish_commit"}
"""By night: where its first holder freezes. At the second point its whole publishing transaction is open."""
AFTER_ZOMBIES = date(2026, 3, 19)

DEATHS = (
    "night.after_chunk:1",  # the first session's second chunk is never asked for
    "night.before_publish_commit:1",  # all of it is written and nothing committed
    "night.after_publish_commit:1",  # published, and not one event said
    "night.after_chunk:3",
    "night.before_publish_commit:2",  # one session published, the next one not
    "night.after_publish_commit:2",
    "relay.after_publish_before_delete:1",  # events said that the outbox still holds
)
"""One after the other, each of a process that takes up where the one before was killed."""

TOPICS = ["symbol.factors.updated", "symbol.batch.completed"]


class SymbolLayer(System):
    """Of the whole system the simulator alone runs by itself; tests start the replicas of symbol-batch."""

    calm: Database
    """The same universe, whose nights nobody disturbs and whose outbox nobody empties."""

    @property
    def services(self) -> tuple[Program, ...]:
        return ()

    def calm_nights(self) -> None:
        """Run what is due in the calm database."""
        environment = self.environment("symbol_batch") | {"RISKSTREAM_POSTGRES_DSN": self.calm.dsns["symbol_batch"]}
        ended = SymbolBatch(lambda: environment, ("reconcile",)).run_command()
        assert ended.returncode == 0, ended.stderr

    def replica(self, folder: Path, **more: str) -> Program:
        return replica(self, SymbolBatch, "symbol_batch", folder, more)


@pytest.fixture(scope="module")
def layer(servers: OwnServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SymbolLayer]:
    with SymbolLayer(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(FIRST, seconds=0),
        market=synthetic(FIRST, symbols=30),
        tuning={
            "RISKSTREAM_RECONCILE_SECONDS": "0.3",
            "RISKSTREAM_LEASE_SECONDS": "2",
            "RISKSTREAM_CHUNK_SYMBOLS": "8",
            "RISKSTREAM_NIGHT_RETRY_SECONDS": "0.5",
            "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
        },
    ) as layer:
        listed = httpx.get(f"{layer.simulator.url}/_simulator/symbols", timeout=30, trust_env=False).json()
        layer.add_symbols([item["symbol"] for item in listed if item["first_session"] <= str(FIRST)])
        password = make_url(layer.database.dsns["symbol_batch"]).password
        layer.calm = asyncio.run(copy_database(layer.database, "calm", str(password)))
        layer.calm_nights()
        first = layer.command(SymbolBatch, "symbol_batch", "reconcile")
        assert first.returncode == 0, first.stderr
        yield layer


def content(database: Database, *, without: frozenset[str] = frozenset(VOLATILE)) -> dict[str, tuple[int, str]]:
    """A digest of every table that a night writes; of what came of it, unless told, not of who wrote it and when.

    `provider_limits` is left out: it counts what every process asked, whoever's night that was for.
    """
    tables = Tables(database)
    named = tables.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'symbols'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition AND relname NOT IN ('outbox', 'outbox_lane', 'inbox', 'symbol_requests',"
        " 'provider_limits')"
        " AND relname NOT LIKE '%version%' ORDER BY relname"
    )
    return {row["relname"]: tables.digest(f"symbols.{row['relname']}", without=without) for row in named}


def all_said(layer: SymbolLayer, observer: TopicObserver) -> None:
    """Kafka has every event that the calm nights would have said, by id, and no other."""
    rows = Tables(layer.calm).rows("SELECT topic, id::text FROM symbols.outbox")
    wanted = {topic: {row["id"] for row in rows if row["topic"] == topic} for topic in TOPICS}
    tables = Tables(layer.database)
    until("the outbox empty", lambda: tables.value("SELECT count(*) FROM symbols.outbox") == 0)
    observer.settled(0.5)
    assert {topic: set(observer.ids(topic)) for topic in TOPICS} == wanted


def test_a_night_killed_at_every_point_comes_to_what_a_calm_night_comes_to(
    layer: SymbolLayer, servers: OwnServers, tmp_path: Path
) -> None:
    layer.move_clock(shortly_before_the_night(LAST, seconds=0))
    layer.calm_nights()
    tables = Tables(layer.database)
    published = "SELECT count(*) FROM symbols.editions"
    halves = (
        "SELECT count(*) FROM symbols.symbol_factor_exposures e, symbols.current_edition c WHERE e.edition > c.edition"
    )
    seen = []
    for number, point in enumerate(DEATHS):
        start_and_crash(layer.replica(tmp_path / str(number), **{CRASH: point}))
        seen.append(tables.value(published))
        assert tables.value(halves) == 0, f"half a night is there after {point}"
    assert seen == sorted(seen)
    assert seen[:3] == [1, 1, 2], "killed before the commit it is not published, killed after it is"
    with layer.replica(tmp_path / "last"), TopicObserver(servers.kafka.address, TOPICS) as observer:
        tables.wait("all nights", f"SELECT ({published}) = $1", CAUGHT_UP + 1)
        assert content(layer.database) == content(layer.calm)
        all_said(layer, observer)


@pytest.mark.parametrize("session", list(ZOMBIES))
def test_a_zombie_night_writes_nothing(layer: SymbolLayer, servers: OwnServers, tmp_path: Path, session: date) -> None:
    layer.move_clock(shortly_before_the_night(session, seconds=0))
    layer.calm_nights()
    # What a frozen process holds in an open transaction is taken from it by Postgres; not after 30 s, for once.
    asyncio.run(_execute(layer.database, "ALTER ROLE symbol_batch SET idle_in_transaction_session_timeout = '3s'"))
    tables = Tables(layer.database)
    zombie, heir = layer.replica(tmp_path / "zombie", **{PAUSE: ZOMBIES[session]}), layer.replica(tmp_path / "heir")
    with TopicObserver(servers.kafka.address, TOPICS) as observer:
        try:
            waking = start_and_pause(zombie)
            held = tables.value("SELECT session FROM symbols.batch_runs WHERE state = 'running'")
            assert held is not None
            heir.start()
            tables.wait("the heir's nights", "SELECT 1 FROM symbols.current_edition WHERE session = $1", session)
            all_said(layer, observer)
            assert content(layer.database) == content(layer.calm)
            before, said = content(layer.database, without=frozenset()), observer.counts()
            zombie.resume()
            until("the zombie's end", lambda: '"night ended"' in process_of(zombie).log.read_text())
            waking.join(30)
            assert content(layer.database, without=frozenset()) == before
            assert tables.value("SELECT count(*) FROM symbols.outbox") == 0
            assert observer.settled() == said
            assert tables.value("SELECT attempt FROM symbols.batch_runs WHERE session = $1", held) == 2
        finally:
            zombie.resume()
            zombie.close()
            heir.close()


def test_an_edition_locked_by_a_process_frozen_within_a_statement_is_followed_by_the_next(
    layer: SymbolLayer, tmp_path: Path
) -> None:
    layer.move_clock(shortly_before_the_night(AFTER_ZOMBIES, seconds=0))
    asyncio.run(_execute(layer.database, "ALTER ROLE symbol_batch SET idle_in_transaction_session_timeout = '3s'"))
    with asyncio.Runner() as frozen:
        holder = frozen.run(_lock_the_edition(layer.database))
        with layer.replica(tmp_path):
            published = "SELECT 1 FROM symbols.current_edition WHERE session = $1"
            Tables(layer.database).wait("the night", published, AFTER_ZOMBIES, seconds=60)
        holder.terminate()


async def _lock_the_edition(database: Database) -> asyncpg.Connection:
    """What a process leaves behind that freezes between the preparation of a statement and its execution."""
    connection = await asyncpg.connect(database.dsns["symbol_batch"])
    await connection.execute("BEGIN")
    await connection.execute("SELECT * FROM symbols.current_edition FOR UPDATE")
    await connection.prepare("SELECT 1")
    return connection


async def _execute(database: Database, sql: str) -> None:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
