"""The whole system with two replicas where there may be two, and a supervisor that starts again what ended."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from chaos_story import ledger
from chaos_story.dumps import ValkeyDump
from chaos_story.eras import KafkaEras
from chaos_story.history import History
from local_stack.errors import ServerError
from local_stack.programs import Analytics, PortfolioRefresh, Program
from local_stack.server import Server
from local_stack.stack import DATABASE
from local_stack.system import TOPICS_FILE, System, shortly_before_the_night
from observer.tables import Tables
from own_system.servers import OwnServers
from riskstream.messaging.topics import create_topics
from riskstream.runtime.clock import Clock

FIRST_NIGHT = date(2026, 3, 10)
SYMBOLS = 40
STRANGERS = 12
"""Symbols of the market that nobody has asked for when the story begins."""
OWNERS = ("alice", "bob", "carol")

TUNING = {
    "RISKSTREAM_RECONCILE_SECONDS": "0.5",
    "RISKSTREAM_NIGHT_RETRY_SECONDS": "0.5",
    "RISKSTREAM_LEASE_SECONDS": "5",
    "RISKSTREAM_CHUNK_SYMBOLS": "10",
    "RISKSTREAM_PROVIDER_DEADLINE": "10",
    "RISKSTREAM_REQUEST_POLL_SECONDS": "0.3",
    "RISKSTREAM_REQUEST_RETRY_SECONDS": "1",
    "RISKSTREAM_KAFKA_SESSION_TIMEOUT_MS": "6000",
    "RISKSTREAM_KAFKA_REBALANCE_TIMEOUT_MS": "12000",
    "RISKSTREAM_CHUNK_PORTFOLIOS": "3",
    "RISKSTREAM_CHUNK_OVERDUE_SECONDS": "8",
    "RISKSTREAM_SWEEP_SECONDS": "2",
    "RISKSTREAM_SWEEP_GRACE_SECONDS": "5",
    "RISKSTREAM_CALENDAR_REFRESH": "5",
    "RISKSTREAM_SHUTDOWN_SECONDS": "8",
}
COMES_UP_WITHIN = 150.0


@dataclass
class Held:
    """A server or a program and the lock of whoever is doing something to it."""

    server: Server
    lock: threading.RLock = field(default_factory=threading.RLock)


class World:
    """Starts everything, keeps it running, and gives it later clocks."""

    def __init__(self, servers: OwnServers, folder: Path, history: History, say: Callable[[str], None]) -> None:
        self.servers = servers
        self.history = history
        self.say = say
        self.session = FIRST_NIGHT
        self.system = System(
            servers,
            folder,
            clock=shortly_before_the_night(FIRST_NIGHT, seconds=0),
            market=["--synthetic", "--seed", "11", "--symbols", str(SYMBOLS), "--reference", str(FIRST_NIGHT)],
            tuning=TUNING,
        )
        self.dump = ValkeyDump(servers.valkey)
        self.eras = KafkaEras(servers.kafka)
        self.corrections: list[Mapping[str, object]] = []
        self.known: list[str] = []
        self.strangers: list[str] = []
        self.sessions: list[date] = []
        self.held: dict[str, Held] = {
            server.name: Held(server) for server in (servers.kafka, servers.postgres, servers.valkey)
        }
        self._stop = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    @property
    def tables(self) -> Tables:
        return Tables(self.system.database)

    def programs(self) -> Mapping[str, Held]:
        return {name: held for name, held in self.held.items() if isinstance(held.server, Program)}

    def bearer(self) -> dict[str, dict[str, str]]:
        """Request headers by owner; good for the whole story."""
        return {owner: {"Authorization": f"Bearer {self.system.issuer.token(owner)}"} for owner in OWNERS}

    def analytics(self) -> list[str]:
        return [held.server.url for held in self.programs().values() if isinstance(held.server, Analytics)]

    def bring_up(self, held: Held) -> None:
        """Start it, again and again while what it needs is away; raises ServerError when it does not come."""
        deadline = time.monotonic() + COMES_UP_WITHIN
        with held.lock:
            while True:
                try:
                    held.server.start()
                except ServerError:
                    if self._stop.is_set() or time.monotonic() > deadline:
                        raise
                    time.sleep(0.5)
                else:
                    return

    def make_topics(self) -> None:
        """What an operator does for a Kafka that lost everything."""
        asyncio.run(create_topics(self.servers.kafka.address, TOPICS_FILE))

    def set_provider(self, *faults: Mapping[str, object]) -> None:
        """Let the provider misbehave in these ways and no others; what it has corrected stays corrected."""
        with self.held["market-simulator"].lock:
            self.system.set_faults(*self.corrections, *faults)

    def correct(self, correction: Mapping[str, object]) -> None:
        """Change what the provider says of the past, from now on."""
        self.corrections.append(correction)
        self.set_provider()

    def next_clock(self) -> Clock:
        """The moment at which the session after the present one is due; from now on that is the present one."""
        self.session = self.sessions[self.sessions.index(self.session) + 1]
        return shortly_before_the_night(self.session, seconds=0)

    def _supervise(self) -> None:
        while not self._stop.wait(0.3):
            for name, held in self.programs().items():
                if held.lock.acquire(blocking=False):
                    try:
                        self._look_after(name, held)
                    finally:
                        held.lock.release()

    def _look_after(self, name: str, held: Held) -> None:
        if held.server.running or self._stop.is_set():
            return
        words = held.server.last_words() if isinstance(held.server, Program) else ""
        self.history.accident(f"{name} ended by itself: {words[-800:]}")
        self.say(f"! {name} ended by itself")
        try:
            self.bring_up(held)
        except ServerError as error:
            self.history.accident(f"{name} could not be started again: {error}")

    def _begin(self) -> None:
        self.system.prepare()
        self.servers.postgres.execute(ledger.INSTALL, DATABASE)
        self._choose_symbols()
        self.system.add_symbols(self.known)
        system = self.system
        places = {
            "market-simulator": system.simulator,
            "symbol-batch": system.symbol_batch,
            "onboarding": system.onboarding,
            "portfolio-refresh-1": system.portfolio_refresh,
            "portfolio-refresh-2": system.replica(PortfolioRefresh),
            "analytics-1": system.analytics,
            "analytics-2": system.replica(Analytics),
        }
        system.start()
        self.tables.wait("the first night", "SELECT 1 FROM symbols.current_edition WHERE session = $1", FIRST_NIGHT)
        listed = self.tables.rows("SELECT session FROM symbols.trading_sessions ORDER BY 1")
        self.sessions = [row["session"] for row in listed]
        self.held |= {name: Held(program) for name, program in places.items()}
        self._supervisor.start()

    def _choose_symbols(self) -> None:
        url = f"{self.system.simulator.url}/_simulator/symbols"
        listed = httpx.get(url, timeout=30, trust_env=False).json()
        there = [item for item in listed if item["first_session"] <= str(FIRST_NIGHT)]
        stocks = [item["symbol"] for item in there if item["type"] == "EQUITY" and item["delisted"] is None]
        self.strangers = stocks[:STRANGERS]
        self.known = [item["symbol"] for item in there if item["symbol"] not in self.strangers]

    def stop_programs(self) -> None:
        """Stop the services in order; servers and simulator stay."""
        self._stop.set()
        self._supervisor.join()
        for program in self.system.services:
            program.stop()

    def close(self) -> None:
        self._stop.set()
        if self._supervisor.ident is not None:
            self._supervisor.join()
        self.system.close()

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
