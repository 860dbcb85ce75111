"""One visit of the doctor: the servers as it reaches them, each asked for once and remembered."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from riskstream.database.engine import create_engine
from riskstream.database.migrations import MIGRATOR_VARIABLE, OWNER_ROLE
from riskstream.doctor.settings import DoctorSettings, dsn_variable
from riskstream.messaging.cluster import Cluster, connected
from riskstream.messaging.topics import TopicFile, load_topics
from riskstream.runtime.clock import Clock

if TYPE_CHECKING:
    from riskstream.doctor.examined import ExaminedService

APPLICATION = "riskstream doctor"


class NotChecked(Exception):
    """Nobody could look, and why: an address that was not given, a server that is away."""


class Visit:
    """Everything a check may ask for. As a context manager it closes what it opened."""

    def __init__(
        self,
        settings: DoctorSettings,
        roles: Mapping[str, SecretStr],
        services: "Sequence[ExaminedService]",
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.services = tuple(services)
        self.clock = clock
        self._roles = dict(roles)
        self._engines: dict[str, AsyncEngine] = {}
        self._open = AsyncExitStack()
        self._cluster: Cluster | None = None

    def address(self, role: str) -> str:
        """The role's DSN; NotChecked, naming the variable, where none is given."""
        given = self._roles.get(role)
        whose = self.settings.postgres_dsn
        if given is None and whose is not None and make_url(whose.get_secret_value()).username == role:
            given = whose
        if given is None:
            raise NotChecked(f"set {dsn_variable(role)} to the address of the role {role}")
        return given.get_secret_value()

    @asynccontextmanager
    async def acting_as(self, role: str) -> AsyncIterator[AsyncConnection]:
        """A transaction in the role's own name."""
        async with self._engine(self.address(role)).begin() as connection:
            yield connection

    @asynccontextmanager
    async def acting_as_owner(self) -> AsyncIterator[AsyncConnection]:
        """A transaction as the owner of all tables, by way of the migrator."""
        migrator = self.settings.migrator_dsn
        if migrator is None:
            raise NotChecked(f"set {MIGRATOR_VARIABLE} to the address of the role riskstream_migrator")
        async with self._engine(migrator.get_secret_value()).begin() as connection:
            await connection.execute(text(f'SET LOCAL ROLE "{OWNER_ROLE}"'))
            yield connection

    @asynccontextmanager
    async def observing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of whichever role has an address: for the catalogs, which every role may read."""
        known = [self.settings.migrator_dsn, self.settings.postgres_dsn, *self._roles.values()]
        dsn = next((dsn for dsn in known if dsn is not None), None)
        if dsn is None:
            raise NotChecked(f"set RISKSTREAM_POSTGRES_DSN, or {MIGRATOR_VARIABLE}, to the address of Postgres")
        async with self._engine(dsn.get_secret_value()).begin() as connection:
            yield connection

    async def cluster(self) -> Cluster:
        """The Kafka cluster; NotChecked where none is named, KafkaError where it is away."""
        if self._cluster is None:
            if self.settings.kafka is None:
                raise NotChecked("set RISKSTREAM_KAFKA to Kafka's address, host:port")
            brokers = self.settings.address_of(self.settings.kafka)
            self._cluster = await self._open.enter_async_context(connected(brokers))
        return self._cluster

    def topics(self) -> TopicFile:
        """The declared topics; NotChecked where the declaration is not named."""
        if self.settings.topics_file is None:
            raise NotChecked("set RISKSTREAM_TOPICS_FILE to the declaration of the topics, deploy/topics.yaml")
        return load_topics(self.settings.topics_file)

    def _engine(self, dsn: str) -> AsyncEngine:
        engine = self._engines.get(dsn)
        if engine is None:
            engine = self._engines[dsn] = create_engine(dsn, application=APPLICATION, pool_size=1)
            self._open.push_async_callback(engine.dispose)
        return engine

    async def __aenter__(self) -> "Visit":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._open.aclose()
