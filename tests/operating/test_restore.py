"""Postgres restored to an earlier point while Kafka and Redis are ahead of it; then both wiped."""

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from chaos.system.processes import until
from local_stack.programs import Program
from local_stack.system import TOPICS_FILE, System, shortly_before_the_night
from observer.tables import Tables
from operating.backup import dump, restore
from own_system.market import bring_in, synthetic
from own_system.person import BOUGHT, Person
from own_system.servers import OwnServers, own_servers
from riskstream.doctor.examination import all_checks, examine
from riskstream.doctor.examined import installed_services
from riskstream.doctor.settings import DoctorSettings
from riskstream.doctor.visit import Visit
from riskstream.messaging.topics import create_topics
from riskstream.runtime.clock import Clock
from riskstream_client import ProblemReceived
from riskstream_client.analytics_models import OverviewAnswer
from riskstream_client.onboarding_bodies import NewLot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRST = date(2026, 3, 10)


@pytest.fixture
def servers() -> Iterator[OwnServers]:
    with own_servers(with_files=True) as own:
        yield own


@dataclass
class Story:
    system: System
    servers: OwnServers
    stocks: list[str]
    ana: Person

    @property
    def tables(self) -> Tables:
        return Tables(self.system.database)

    def add(self, portfolio: UUID, stock: int, quantity: int) -> None:
        held = self.ana.portfolios.read_portfolio(portfolio)
        more = NewLot(symbol=self.stocks[stock], quantity=quantity, entry_price=100, entry_date=BOUGHT)
        self.ana.portfolios.add_lots(portfolio, [more], version=held.version)

    def settled(self) -> None:
        """Every portfolio is valued as of its version and every event said."""
        self.tables.wait(
            "every portfolio at its version",
            "SELECT NOT EXISTS (SELECT FROM portfolios.portfolios p LEFT JOIN valuations.valuation_heads h USING "
            "(portfolio_id) WHERE p.deleted_at IS NULL AND h.portfolio_version IS DISTINCT FROM p.version)",
        )
        for schema in ("symbols", "portfolios", "valuations"):
            self.tables.wait(f"outbox of {schema} empty", f"SELECT NOT EXISTS (SELECT FROM {schema}.outbox)")

    def serves_what_postgres_has(self, portfolio: UUID) -> OverviewAnswer:
        """Asked twice, so that the second answer is one that was kept."""
        head = self.tables.rows(
            "SELECT h.valuation, s.gross_value::float8 AS gross FROM valuations.valuation_heads h "
            "JOIN valuations.portfolio_snapshots s USING (portfolio_id, session) WHERE portfolio_id = $1",
            portfolio,
        )[0]
        for _ in range(2):
            told = self.ana.analytics.overview(portfolio)
            assert (told.valuation, told.data.gross) == (head["valuation"], head["gross"]), told
        return told

    def everybody(self, do: Any) -> None:
        with ThreadPoolExecutor() as threads:
            list(threads.map(do, self.system.services))


@pytest.fixture
def story(servers: OwnServers, tmp_path: Path) -> Iterator[Story]:
    system = System(
        servers,
        tmp_path / "system",
        clock=shortly_before_the_night(FIRST, seconds=0),
        market=synthetic(FIRST, symbols=24),
        tuning={
            "RISKSTREAM_RECONCILE_SECONDS": "0.3",
            "RISKSTREAM_SWEEP_SECONDS": "1",
            "RISKSTREAM_SWEEP_GRACE_SECONDS": "2",
            "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "12000",
        },
    )
    with system:
        listed = bring_in(system, FIRST)
        system.start()
        Tables(system.database).wait("the night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", FIRST)
        with Person(system, "ana") as ana:
            yield Story(system, servers, listed.stocks, ana)


async def wrong_in_the_database(system: System, clock: Clock) -> list[str]:
    services = installed_services()
    settings = DoctorSettings(migrator_dsn=SecretStr(system.database.dsns["riskstream_migrator"]))
    roles = {service.role: SecretStr(system.database.dsns[service.role]) for service in services}
    looked_at = {"postgres", "migrations", "partitions", "roles", "grants"}
    checks = [check for check in all_checks(services) if check.name in looked_at]
    async with Visit(settings, roles, services, clock) as visit:
        return [str(one.finding) async for one in examine(visit, checks, mend=False) if one.finding.wrong]


def test_a_restored_database_counts_on_and_whatever_is_ahead_of_it_is_never_served(
    story: Story, tmp_path: Path
) -> None:
    kept = story.ana.hold(story.stocks[0], declared_equity=100_000)
    story.settled()
    assert story.serves_what_postgres_has(kept).valuation == 1
    backup = tmp_path / "riskstream.dump"
    dump(story.system.database.superuser_dsn, backup)

    # What the restore will lose, of which Redis has the answers and Kafka the events.
    story.add(kept, 1, 50)
    lost = story.ana.hold(story.stocks[0], quantity=20, declared_equity=100_000)
    story.settled()
    before = story.serves_what_postgres_has(kept)
    assert before.valuation == 2
    story.serves_what_postgres_has(lost)

    story.everybody(Program.stop)
    restore(story.system.database.superuser_dsn, backup)
    assert asyncio.run(wrong_in_the_database(story.system, Clock())) == []
    story.everybody(Program.start)
    assert story.serves_what_postgres_has(kept).valuation == 1
    with pytest.raises(ProblemReceived, match="portfolio_not_found"):
        story.ana.analytics.overview(lost)

    # The number that the lost history gave to another valuation.
    story.add(kept, 2, 3)
    story.settled()
    after = story.serves_what_postgres_has(kept)
    assert after.valuation == 2
    assert after.data.gross != before.data.gross

    wipe(story)
    story.add(kept, 1, 5)
    story.settled()
    assert story.serves_what_postgres_has(kept).valuation == 3
    until("every service ready", lambda: all(is_ready(program) for program in story.system.services))


def wipe(story: Story) -> None:
    """Kafka comes back without a topic, Valkey without a key, while the services run."""
    for server in (story.servers.kafka, story.servers.valkey):
        server.stop()
        shutil.rmtree(server.folder / "data")
        server.start()
    asyncio.run(create_topics(story.servers.kafka.address, TOPICS_FILE))


def is_ready(program: Program) -> bool:
    return httpx.get(f"{program.url}/health/ready", timeout=10, trust_env=False).is_success
