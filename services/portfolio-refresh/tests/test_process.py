"""The process itself: two replicas on a Kafka of their own, events from the other services, a kill, an orderly end."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

import portfolio_refresh
from local_stack.errors import ServerUnavailable
from local_stack.issuer import Issuer
from local_stack.kafka import KafkaServer
from local_stack.programs import PortfolioRefresh
from local_stack.testing import REQUIRED, is_required, servers_for_tests
from portfolio_refresh.main import main
from riskstream.database.engine import create_engine
from riskstream.events.portfolio import PortfolioChanged
from riskstream.events.symbol import SymbolBatchCompleted, SymbolReady
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from riskstream.messaging.topics import create_topics

TOPICS = Path(portfolio_refresh.__file__).parents[4] / "deploy" / "topics.yaml"


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaServer]:
    """Of this module's own: topics and groups have the names of production, and must start empty."""
    _, _, kafka = servers_for_tests()
    try:
        kafka.start()
    except ServerUnavailable as missing:
        kafka.close()
        if is_required("kafka"):
            pytest.fail(f"{REQUIRED} asks for it: {missing.reason}", pytrace=False)
        pytest.skip(missing.reason)
    try:
        asyncio.run(create_topics(kafka.address, TOPICS))
        yield kafka
    finally:
        kafka.close()


@pytest.fixture
def issuer(tmp_path) -> Issuer:
    return Issuer(tmp_path / "issuer")


@pytest.fixture
def replicas(database, kafka, issuer, tmp_path) -> Iterator[list[PortfolioRefresh]]:
    environment = {
        "RISKSTREAM_POSTGRES_DSN": database.dsns["portfolio_refresh"],
        "RISKSTREAM_KAFKA": kafka.address,
        "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
        "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "12000",
        "RISKSTREAM_CHUNK_PORTFOLIOS": "3",
        "RISKSTREAM_SWEEP_SECONDS": "3600",
        **issuer.environment(),
    }
    programs = [PortfolioRefresh(lambda: environment, folder=tmp_path / str(number)) for number in range(2)]
    try:
        for program in programs:
            program.start()
        yield programs
    finally:
        for program in programs:
            program.close()


@asynccontextmanager
async def saying(database, kafka, role, schema):
    """Say events as the service of `role` does: `say(events, root)`."""
    engine = create_engine(database.dsns[role], application="test")
    relay = Relay(engine, schema, kafka.address, f"test-{schema}")
    running = asyncio.create_task(relay.run())
    outbox = Outbox(schema, "/services/test")

    async def say(*events, root=None):
        async with engine.begin() as connection:
            await outbox.publish(connection, events, root=root)

    try:
        yield say
    finally:
        relay.stop()
        await asyncio.wait_for(running, 40)
        await engine.dispose()


async def until(found, seconds=60):
    deadline = time.monotonic() + seconds
    while not await found():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.1)


def night(session, edition):
    return SymbolBatchCompleted(
        run=UUID(int=1), session=session, edition=edition, active=2, priced=2, with_exposures=2, coverage=1.0
    )


async def test_two_replicas_value_a_night_once_through_a_kill_and_end_in_order(
    world, database, kafka, issuer, replicas, days
):
    portfolios = [await world.portfolio(days[0], ("KO", n + 1, 50), ("NEW", 1, 5)) for n in range(30)]
    edition = await world.night(days[0], KO=60)
    async with (
        saying(database, kafka, "symbol_batch", "symbols") as say_symbols,
        saying(database, kafka, "onboarding", "portfolios") as say_portfolios,
    ):
        for _ in range(2):
            await say_symbols(night(days[0], edition), root=f"night:{edition}")
        await until(lambda: world.sql.fetchval("SELECT count(*) > 0 FROM valuations.valuation_heads"))
        replicas[0].kill()
        finished = "SELECT count(*) FILTER (WHERE remaining = 0) = 1 AND count(*) = 1 FROM valuations.refresh_runs"
        await until(lambda: world.sql.fetchval(finished))
        values = "SELECT count(*) FROM valuations.portfolio_snapshots WHERE nav IS NOT NULL"
        assert await world.sql.fetchval(values) == 30
        assert await world.sql.fetchval("SELECT max(valuation) FROM valuations.valuation_heads") == 1

        await world.lot(portfolios[0], "KO", 100, 60, days[0])
        version = await world.change(portfolios[0], days[0])
        await say_portfolios(
            PortfolioChanged(portfolio=portfolios[0], owner="alice", version=version, first_affected_session=days[0])
        )
        await until(lambda: _has(world, portfolios[0], 101 * 60 + 5))

        await world.closes(days[0], NEW=7)
        await world.know("NEW", days[0])
        await say_symbols(SymbolReady(symbol="NEW", edition=edition, session=days[0]))
        await until(lambda: _has(world, portfolios[0], 101 * 60 + 7))
        await until(lambda: _has(world, portfolios[29], 30 * 60 + 7))

    await until(lambda: world.sql.fetchval("SELECT count(*) = 0 FROM valuations.outbox"))
    headers = {"Authorization": f"Bearer {issuer.token('tests', ['operator'])}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        answer = (await client.get(f"{replicas[1].url}/runs")).json()
    assert [(run["state"], run["portfolios"], run["chunks"]) for run in answer["runs"]] == [("completed", 30, 10)]
    process = replicas[1]._process
    process.signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0, replicas[1].last_words()


async def _has(world, portfolio, nav):
    return list((await world.navs(portfolio)).values()) == [nav]


def test_migrate_without_an_address_says_which_variable_is_missing(monkeypatch, capsys):
    monkeypatch.delenv("RISKSTREAM_MIGRATOR_DSN", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["migrate"])
    assert ended.value.code == 2
    assert "RISKSTREAM_MIGRATOR_DSN" in capsys.readouterr().err
