"""The whole of Riskstream on one machine: servers, market simulator, four services, and the clock they share."""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Protocol, Self, TypeVar

import httpx

from local_stack.database import Database, prepare_database
from local_stack.errors import ServerFailed
from local_stack.folders import PROJECT
from local_stack.issuer import Issuer
from local_stack.kafka import KafkaServer
from local_stack.postgres import PostgresServer
from local_stack.programs import (
    Analytics,
    MarketSimulator,
    Onboarding,
    OperatorCommand,
    PortfolioRefresh,
    Program,
    SymbolBatch,
)
from local_stack.stack import DATABASE, Stack
from local_stack.valkey import ValkeyServer
from riskstream.messaging.topics import create_topics
from riskstream.runtime.clock import NEW_YORK, Clock

RUN_AT = time(21)
TOPICS_FILE = PROJECT / "deploy" / "topics.yaml"

SomeProgram = TypeVar("SomeProgram", bound=Program)


def shortly_before_the_night(session: date, seconds: float = 4.0) -> Clock:
    """A clock that shows a moment before 21:00 in New York, when the run of `session` is due."""
    due = datetime.combine(session, RUN_AT, tzinfo=NEW_YORK)
    return Clock(due - timedelta(seconds=seconds))


class RunningServers(Protocol):
    """What the system stands on; `local_stack.stack.Servers` is one."""

    @property
    def postgres(self) -> PostgresServer: ...

    @property
    def valkey(self) -> ValkeyServer: ...

    @property
    def kafka(self) -> KafkaServer: ...


class System:
    """Servers that are running already, and on them everything that is ours.

    `clock` is the system's time; without one it lives in the present. `market` are the simulator's arguments,
    `tuning` more variables for every service (short time-outs in tests).
    """

    def __init__(
        self,
        servers: RunningServers,
        folder: Path,
        *,
        clock: Clock | None = None,
        market: Sequence[str],
        tuning: Mapping[str, str] | None = None,
        database_name: str = DATABASE,
    ) -> None:
        self._servers = servers
        self._folder = folder
        self._clock = clock
        self._market = tuple(market)
        self._tuning = dict(tuning or {})
        self._database_name = database_name
        self._stack = Stack()
        self._replicas: list[Program] = []
        self.issuer = Issuer(folder / "issuer")
        self.database: Database
        self.simulator: MarketSimulator
        self.symbol_batch: SymbolBatch
        self.portfolio_refresh: PortfolioRefresh
        self.onboarding: Onboarding
        self.analytics: Analytics

    @property
    def services(self) -> tuple[Program, ...]:
        """The four, and the further replicas of them."""
        return (self.symbol_batch, self.portfolio_refresh, self.onboarding, self.analytics, *self._replicas)

    def prepare(self) -> None:
        """Roles, schemas, topics and keys; then the simulator. Services come with `start`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.database = asyncio.run(
            prepare_database(self._servers.postgres.dsn(), self._database_name, self._clock or Clock())
        )
        asyncio.run(create_topics(self._servers.kafka.address, TOPICS_FILE))
        self.simulator = MarketSimulator(self._time, self._market)
        self._stack.start(self.simulator)
        self.symbol_batch = self._make(SymbolBatch, SymbolBatch.name)
        self.portfolio_refresh = self._make(PortfolioRefresh, PortfolioRefresh.name)
        self.onboarding = self._make(Onboarding, Onboarding.name)
        self.analytics = self._make(Analytics, Analytics.name)

    def replica(self, kind: type[SomeProgram]) -> SomeProgram:
        """One more process of a service, not started yet; it is among `services` from now on."""
        program = self._make(kind, f"{kind.name}-{len(self._replicas) + 2}")
        self._replicas.append(program)
        return program

    def start(self, *programs: Program) -> None:
        """Start services, all of them unless some are named, at the same time, and wait until each says it is ready."""
        self._stack.start(*(programs or self.services))

    def set_clock(self, clock: Clock) -> None:
        """Another instant for every program that starts from now on; who runs keeps the time that it has."""
        self._clock = clock

    def move_clock(self, clock: Clock, *, faults: Sequence[Mapping[str, object]] = ()) -> None:
        """Restart everything of ours at another instant; servers, data and addresses stay.

        The simulator has the `faults` before the first service can ask it anything.
        """
        with ThreadPoolExecutor() as threads:
            list(threads.map(Program.stop, self.services))
            self.simulator.stop()
            self._clock = clock
            self.simulator.start()
            self.set_faults(*faults)
            list(threads.map(Program.start, self.services))

    def set_faults(self, *faults: Mapping[str, object]) -> None:
        """Let the simulator misbehave in these ways, and no others, from now on."""
        address = f"{self.simulator.url}/_simulator/faults"
        with httpx.Client(timeout=30, trust_env=False) as client:
            client.delete(address).raise_for_status()
            for fault in faults:
                client.post(address, json=fault).raise_for_status()

    def environment(self, role: str) -> dict[str, str]:
        """What the service of `role` finds the rest of the system by."""
        return {
            "RISKSTREAM_POSTGRES_DSN": self.database.dsns[role],
            "RISKSTREAM_KAFKA": self._servers.kafka.address,
            "RISKSTREAM_REDIS_URL": self._servers.valkey.url,
            "RISKSTREAM_TOPICS_FILE": str(TOPICS_FILE),
            # The servers run before the services: who starts without one shall soon do without it.
            "RISKSTREAM_START_PATIENCE": "5",
            "RISKSTREAM_YAHOO_URL": self.simulator.url,
            **self.issuer.environment(),
            **self._tuning,
            **self._time(),
        }

    def command(self, program: type[Program], role: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of a service's commands to its end, with the service's own environment."""
        runner = program(lambda: self.environment(role), arguments)
        return runner.run_command()

    def add_symbols(self, symbols: Sequence[str]) -> None:
        """Put symbols into the universe; ServerFailed says what symbol-batch had against them."""
        file = self._folder / "universe.txt"
        file.write_text("\n".join(symbols) + "\n")
        added = self.command(OperatorCommand, "symbol_batch", "universe", "add", "--file", str(file))
        if added.returncode != 0:
            raise ServerFailed(f"the universe was not changed: {added.stderr.strip()}")

    def close(self) -> None:
        """Stop the services and the simulator; the servers belong to the caller."""
        self._stack.close()

    def __enter__(self) -> Self:
        try:
            self.prepare()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _make(self, kind: type[SomeProgram], folder: str) -> SomeProgram:
        role = kind.name.replace("-", "_")
        return kind(lambda: self.environment(role), folder=self._folder / folder)

    def _time(self) -> dict[str, str]:
        return {} if self._clock is None else self._clock.environment()
