"""Servers that go away in the middle of a night and under requests, and services told to end under load.

Through all of it people ask and create: they are answered rightly, or told to come again.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import pytest

from chaos.system.hammer import Hammer, HeadReader
from chaos.system.processes import end_in_order, until
from chaos.system.whole import WholeSystem, answers_were_right, events_add_up, everything_is_done
from local_stack.server import Server
from local_stack.system import TOPICS_FILE, shortly_before_the_night
from observer.tables import Tables
from observer.topics import TopicObserver
from own_system.market import bring_in, synthetic
from own_system.servers import OwnServers
from riskstream.messaging.topics import create_topics, load_topics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRST, LAST = date(2026, 3, 10), date(2026, 3, 19)
OUTAGES = {"postgres": date(2026, 3, 11), "kafka": date(2026, 3, 12), "valkey": date(2026, 3, 13)}
FOLDING = {"postgres": date(2026, 3, 16), "kafka": date(2026, 3, 17)}
ENDINGS, WIPED = date(2026, 3, 18), LAST
AWAY = 3.0
"""Seconds that a server is away, at least."""


@dataclass
class Story:
    system: WholeSystem
    servers: OwnServers
    observer: TopicObserver
    stocks: list[str]
    strangers: list[str]
    portfolios: list[str]

    @property
    def tables(self) -> Tables:
        return Tables(self.system.database)

    @contextmanager
    def people(self) -> Iterator[Hammer]:
        """Requests for as long as the block lasts, judged after it."""
        head = HeadReader(self.system.database.superuser_dsn)
        try:
            with Hammer(self.system, head, self.portfolios, self.stocks[0]) as hammer:
                yield hammer
        finally:
            head.close()

    def in_the_middle_of(self, session: date) -> None:
        """Wait until the night has committed some of its prices and not all."""
        self.tables.wait(
            "a night begun",
            "SELECT 1 FROM symbols.batch_runs JOIN symbols.run_fetches USING (run_id) WHERE session = $1"
            " AND state = 'running' LIMIT 1",
            session,
        )


@pytest.fixture(scope="module")
def story(servers: OwnServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    system = WholeSystem(
        servers,
        tmp_path_factory.mktemp("system"),
        clock=shortly_before_the_night(FIRST, seconds=0),
        market=synthetic(FIRST, symbols=32),
        tuning={
            "RISKSTREAM_RECONCILE_SECONDS": "0.3",
            "RISKSTREAM_LEASE_SECONDS": "4",
            "RISKSTREAM_CHUNK_SYMBOLS": "8",
            "RISKSTREAM_NIGHT_RETRY_SECONDS": "0.5",
            "RISKSTREAM_REQUEST_POLL_SECONDS": "0.3",
            "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "12000",
            "RISKSTREAM_CHUNK_PORTFOLIOS": "4",
            "RISKSTREAM_FOLD_SNAPSHOTS": "2",
            # Nothing is to be mended by the sweepers before the story says so.
            "RISKSTREAM_SWEEP_SECONDS": "3600",
        },
    )
    system.today = shortly_before_the_night(LAST, seconds=0)
    with system:
        listed = bring_in(system, FIRST, strangers=2)
        topics = [topic.name for topic in load_topics(TOPICS_FILE).every_topic()]
        with TopicObserver(servers.kafka.address, topics) as observer:
            system.start()
            Tables(system.database).wait("the first night", "SELECT 1 FROM symbols.current_edition")
            portfolios = [system.create(listed.stocks[n : n + 3], quantity=n + 1) for n in range(12)]
            everything_is_done(system, FIRST)
            yield Story(system, servers, observer, listed.stocks, listed.strangers, portfolios)


@pytest.mark.parametrize("name", list(OUTAGES))
def test_a_server_away_in_the_middle_of_a_night_costs_time_and_nothing_else(story: Story, name: str) -> None:
    server: Server = getattr(story.servers, name)
    session = OUTAGES[name]
    with story.people() as people:
        story.system.begin_night(session, milliseconds=700)
        story.in_the_middle_of(session)
        server.stop()
        time.sleep(AWAY)
        if name == "kafka":
            story.tables.wait("published all the same", "SELECT 1 FROM symbols.editions WHERE session = $1", session)
        server.start()
        everything_is_done(story.system, session)
        _served_again(people)
    answers_were_right(story.system, people.tally)
    events_add_up(story.system, story.observer)
    told_later = {kind for kind in people.tally.counts if kind.endswith(" 503")}
    assert told_later == ({"analytics 503", "onboarding 503"} if name == "postgres" else set())


@pytest.mark.parametrize("name", list(FOLDING))
def test_a_server_restarted_while_portfolios_are_folded_costs_no_portfolio(story: Story, name: str) -> None:
    server: Server = getattr(story.servers, name)
    session = FOLDING[name]
    with story.people() as people:
        story.system.begin_night(session)
        planned = "SELECT 1 FROM valuations.refresh_runs WHERE session = $1 AND cause = 'night'"
        story.tables.wait("the run planned", planned, session)
        server.restart()
        everything_is_done(story.system, session)
        _served_again(people)
    answers_were_right(story.system, people.tally)
    events_add_up(story.system, story.observer)


def test_every_service_ends_in_order_under_load_and_loses_nothing(story: Story) -> None:
    with story.people() as people:
        story.system.begin_night(ENDINGS, milliseconds=500)
        story.in_the_middle_of(ENDINGS)
        for program in story.system.services:
            people.restarting.add(program.name)
            took = end_in_order(program)
            assert took < 30, f"{program.name} took {took:.0f} s"
            program.start()
            people.restarting.discard(program.name)
        everything_is_done(story.system, ENDINGS)
        _served_again(people)
    answers_were_right(story.system, people.tally)
    events_add_up(story.system, story.observer)


def test_with_kafka_wiped_the_sweepers_bring_everything_to_its_end(story: Story) -> None:
    system, tables = story.system, story.tables
    short = {"RISKSTREAM_SWEEP_SECONDS": "1", "RISKSTREAM_SWEEP_GRACE_SECONDS": "2"}
    system.retune(short, system.portfolio_refresh, system.second_refresh, system.onboarding)
    deaf = (system.portfolio_refresh, system.second_refresh)
    with story.people() as people:
        for program in deaf:
            program.pause()
        system.begin_night(WIPED)
        tables.wait("the edition", "SELECT 1 FROM symbols.editions WHERE session = $1", WIPED)
        tables.wait("the night said", "SELECT NOT EXISTS (SELECT FROM symbols.outbox)")
        system.symbol_batch.pause()
        lost = [system.create([story.stocks[1]]), *(system.create([stranger]) for stranger in story.strangers)]
        tables.wait("creations said", "SELECT count(*) < 3 FROM portfolios.outbox")
        system.wipe_kafka()
        for program in (*deaf, system.symbol_batch):
            program.resume()
        asyncio.run(create_topics(story.servers.kafka.address, TOPICS_FILE))
        everything_is_done(system, WIPED)
        unknown = "SELECT count(*) FROM valuations.valuation_heads WHERE unknown_symbols <> '{}'"
        until("new symbols brought in", lambda: tables.value(unknown) == 0)
        _served_again(people)
    answers_were_right(system, people.tally)
    heads = tables.rows("SELECT portfolio_id::text FROM valuations.valuation_heads")
    assert set(lost) <= {row["portfolio_id"] for row in heads}
    assert tables.value("SELECT count(*) FROM valuations.refresh_runs WHERE cause = 'sweep'") > 0


def _served_again(people: Hammer) -> None:
    """Nobody is told to come again any more, and people are answered."""
    before = dict(people.tally.counts)
    until("answers", lambda: people.tally.counts["analytics 200"] > before.get("analytics 200", 0) + 10)
    later = {kind: count for kind, count in people.tally.counts.items() if kind.endswith(" 503")}
    assert later == {kind: count for kind, count in before.items() if kind.endswith(" 503")}
