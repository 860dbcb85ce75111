"""The whole system with two replicas of portfolio-refresh, nights that come when a test wants them, its accounts."""

import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import httpx

from chaos.system.hammer import OWNER, Tally
from chaos.system.processes import replica, until
from local_stack.programs import PortfolioRefresh, Program
from local_stack.system import TOPICS_FILE, System, shortly_before_the_night
from observer.tables import Tables
from observer.topics import TopicObserver
from own_system.person import Person
from riskstream.messaging.topics import load_topics
from riskstream.runtime.clock import Clock

SCHEMAS = ("symbols", "portfolios", "valuations")


class WholeSystem(System):
    """As `System`; but symbol-batch and the market live at the night under way, everybody else at the last one."""

    second_refresh: Program
    today: Clock

    @property
    def services(self) -> tuple[Program, ...]:
        return (*super().services, self.second_refresh)

    def prepare(self) -> None:
        super().prepare()
        folder = self._folder / "portfolio-refresh-2"
        self.second_refresh = replica(self, PortfolioRefresh, "portfolio_refresh", folder)

    def environment(self, role: str) -> dict[str, str]:
        environment = super().environment(role)
        return environment if role == "symbol_batch" else environment | self.today.environment()

    def begin_night(self, session: date, *, milliseconds: int = 0) -> None:
        """Let the night of `session` be due now; each answer of the market takes `milliseconds`."""
        self._clock = shortly_before_the_night(session, seconds=0)
        self.symbol_batch.stop()
        self.simulator.restart()
        self.set_faults(*([{"kind": "latency", "milliseconds": milliseconds}] if milliseconds else []))
        self.symbol_batch.start()

    def retune(self, more: Mapping[str, str], *programs: Program) -> None:
        """Restart programs with other settings."""
        self._tuning |= more
        for program in programs:
            program.restart()

    def create(self, symbols: list[str], quantity: int = 10) -> str:
        """A new portfolio of these symbols; its id."""
        with Person(self, OWNER) as person:
            return str(person.hold(*symbols, quantity=quantity, declared_equity=100_000))

    def wipe_kafka(self) -> None:
        """The broker comes back as a new one: no topic, no group, no record."""
        kafka = self._servers.kafka
        kafka.stop()
        shutil.rmtree(kafka.folder / "data")
        kafka.start()

    def members(self) -> Counter[str]:
        """Partitions held by each consumer group, as the processes say of themselves."""
        held: Counter[str] = Counter()
        for program in (self.symbol_batch, self.portfolio_refresh, self.second_refresh):
            parts = httpx.get(f"{program.url}/health/ready", timeout=5, trust_env=False).json()["parts"]
            held.update({group: part["partitions"] for group, part in parts.items() if "partitions" in part})
        return held


def declared_partitions() -> Counter[str]:
    """Partitions that each group is to hold."""
    return Counter({group: topic.partitions for topic in load_topics(TOPICS_FILE).topics for group in topic.groups})


def everything_is_done(system: WholeSystem, session: date) -> None:
    """The night is published, every portfolio folded, every run ended, every event said, every group complete."""
    tables = Tables(system.database)
    tables.wait("the edition", "SELECT 1 FROM symbols.current_edition WHERE session = $1", session)
    tables.wait(
        "every portfolio at the edition and its version",
        "SELECT NOT EXISTS (SELECT FROM portfolios.portfolios p LEFT JOIN valuations.valuation_heads h USING"
        " (portfolio_id) CROSS JOIN symbols.current_edition e WHERE p.deleted_at IS NULL AND"
        " (h.session, h.portfolio_version) IS DISTINCT FROM (e.session, p.version))",
    )
    tables.wait("every run ended", "SELECT NOT EXISTS (SELECT FROM valuations.refresh_runs WHERE remaining > 0)")
    for schema in SCHEMAS:
        tables.wait(f"outbox of {schema} empty", f"SELECT NOT EXISTS (SELECT FROM {schema}.outbox)")
    until("every group whole", lambda: system.members() == declared_partitions())


def events_add_up(system: WholeSystem, observer: TopicObserver) -> None:
    """Each run completed once, each edition announced once, nothing dead-lettered. Ids count: delivery may repeat."""
    observer.settled(0.7)
    tables = Tables(system.database)
    runs = [str(row["run_id"]) for row in tables.rows("SELECT run_id FROM valuations.refresh_runs")]
    topic = "portfolio.refresh.completed"
    said = dict(zip(observer.ids(topic), (body["run"] for body in observer.bodies(topic)), strict=True))
    assert Counter(said.values()) == Counter(runs)
    editions = [row["edition"] for row in tables.rows("SELECT edition FROM symbols.editions")]
    topic = "symbol.batch.completed"
    batches = dict(zip(observer.ids(topic), (body["edition"] for body in observer.bodies(topic)), strict=True))
    assert Counter(batches.values()) == Counter(editions)
    dead = {topic: count for topic, count in observer.counts().items() if topic.endswith(".dlq") and count}
    assert dead == {}


def answers_were_right(system: WholeSystem, tally: Tally) -> None:
    """Nothing wrong was noted; every NAV is the snapshot's; whatever was promised is there, once."""
    assert tally.wrong == [], f"{len(tally.wrong)} of {sum(tally.counts.values())}: {tally.counts}"
    tables = Tables(system.database)
    snapshots = {
        (str(row["portfolio_id"]), str(row["session"])): row["nav"]
        for row in tables.rows("SELECT portfolio_id, session, nav FROM valuations.portfolio_snapshots")
    }
    told = {(portfolio, session, nav) for portfolio, session, _, nav in tally.overviews}
    assert told, "nobody was answered"
    false = [one for one in told if Decimal(str(one[2])) != snapshots[one[0], one[1]].normalize()]
    assert false == []
    every = "SELECT name, count(*), min(portfolio_id::text) AS id FROM portfolios.portfolios GROUP BY name"
    stored = tables.rows(every)
    by_key = {row["name"]: row for row in stored if row["name"] in tally.attempted}
    assert {key: row["id"] for key, row in by_key.items() if key in tally.created} == tally.created
    assert all(row["count"] == 1 for row in by_key.values())
