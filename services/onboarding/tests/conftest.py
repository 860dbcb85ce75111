"""The application on a real database with the service's real role, and tokens of an issuer made for the test."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from sqlalchemy.ext.asyncio import AsyncEngine

from local_stack.database import Database
from onboarding.api import create_app
from onboarding.portfolios import Portfolios
from onboarding.progress import Progress
from onboarding.settings import OnboardingSettings
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.clock import NEW_YORK, Clock
from riskstream.runtime.health import Health
from riskstream.runtime.server_sent_events import EventStreams, StreamLimits
from riskstream.runtime.settings import AuthSettings

ISSUER = "https://issuer.test"
SESSIONS = (date(2024, 12, 11), date(2024, 12, 12), date(2024, 12, 13), date(2024, 12, 16))
EDITION = 7


@dataclass(frozen=True)
class Issuer:
    """Signs tokens with `key`, under the key id that the services' key set lists."""

    key: Any
    key_id: str = "test"

    def token(self, owner: str = "ada", **claims: Any) -> str:
        now = datetime.now(UTC)
        good = {"sub": owner, "scope": "read write", "iss": ISSUER, "aud": "riskstream"}
        body = good | {"exp": now + timedelta(hours=1)} | claims
        known = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(known, self.key, algorithm="EdDSA", headers={"kid": self.key_id})


@dataclass(frozen=True)
class SymbolLayer:
    """Puts into the database what the other services would have."""

    connection: asyncpg.Connection

    async def publish(self, session: date, symbols: tuple[str, ...], edition: int = EDITION) -> None:
        """A night's edition that contains `symbols`."""
        run = uuid4()
        await self.connection.execute(
            "INSERT INTO symbols.editions VALUES ($1, $2, 'night', $3, now())", edition, session, run
        )
        await self.connection.execute(
            "INSERT INTO symbols.current_edition (edition, session) VALUES ($1, $2) "
            "ON CONFLICT (only_row) DO UPDATE SET edition = excluded.edition, session = excluded.session",
            edition,
            session,
        )
        for symbol in symbols:
            await self.know(symbol, session, edition)

    async def calendar(self, *sessions: date) -> None:
        await self.connection.execute(
            "INSERT INTO symbols.trading_sessions SELECT s, s, s, false FROM unnest($1::date[]) s", sessions
        )

    async def know(self, symbol: str, session: date = SESSIONS[2], edition: int = EDITION) -> None:
        await self.connection.execute(
            "INSERT INTO symbols.symbol_daily_metrics (edition, symbol, session, data_quality, run_id) "
            "VALUES ($1, $2, $3, 1, $4)",
            edition,
            symbol,
            session,
            uuid4(),
        )

    async def request(self, symbol: str, state: str, reason: str | None = None, detail: str | None = None) -> None:
        await self.connection.execute(
            "INSERT INTO symbols.symbol_requests (symbol, state, reason, detail) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (symbol) DO UPDATE SET state = $2, reason = $3, detail = $4",
            symbol,
            state,
            reason,
            detail,
        )

    async def value(self, portfolio: UUID | str, version: int = 1) -> None:
        """Give the portfolio a head at `version`."""
        await self.connection.execute(
            "INSERT INTO valuations.valuation_heads SELECT portfolio_id, owner_id, 1, $2, $3, $4, '{}', now() "
            "FROM portfolios.portfolios WHERE portfolio_id = $1",
            UUID(str(portfolio)),
            version,
            EDITION,
            SESSIONS[2],
        )

    async def worth(
        self, portfolio: UUID | str, nav: int, session: date = SESSIONS[2], version: int = 1, owner: str = "ada"
    ) -> None:
        """Give the portfolio a snapshot of its `version`, and the head that goes with it."""
        columns = await self.connection.fetch(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'valuations' "
            "AND table_name = 'portfolio_snapshots' AND is_nullable = 'NO' AND column_default IS NULL"
        )
        known = {"portfolio_id": UUID(str(portfolio)), "owner_id": owner, "session": session, "nav": nav}
        empty = {"uuid": UUID(int=1), "text": "x", "timestamp with time zone": None, "boolean": False}
        values = {c["column_name"]: empty.get(c["data_type"], 0) for c in columns} | known
        names, places = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await self.connection.execute(
            f"INSERT INTO valuations.portfolio_snapshots ({names}) VALUES ({places})", *values.values()
        )
        await self.connection.execute(
            "INSERT INTO valuations.valuation_heads (portfolio_id, owner_id, valuation, portfolio_version, edition, "
            "session, folded_at) VALUES ($1, $2, 1, $3, 1, $4, now())",
            UUID(str(portfolio)),
            owner,
            version,
            session,
        )

    async def outbox(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Type, key and body of what was said, in order."""
        rows = await self.connection.fetch("SELECT type, aggregateid, payload FROM portfolios.outbox ORDER BY seq")
        return [(row["type"], row["aggregateid"], json.loads(row["payload"])) for row in rows]

    async def count(self, table: str) -> int:
        return await self.connection.fetchval(f"SELECT count(*) FROM portfolios.{table}")

    async def counts(self) -> dict[str, int]:
        tables = ("portfolios", "positions", "portfolio_changes", "creations", "outbox")
        return {table: await self.count(table) for table in tables}


@dataclass
class Api:
    """The application of one process, spoken to over HTTP."""

    portfolios: Portfolios
    client: httpx.AsyncClient
    issuer: Issuer

    def as_owner(self, owner: str, **headers: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(owner)}"} | headers

    async def create(self, body: Any, owner: str = "ada", **headers: str) -> httpx.Response:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return await self.client.post("/portfolios", content=content, headers=self.as_owner(owner, **headers))

    async def upload(
        self, file: str | bytes, owner: str = "ada", headers: dict[str, str] | None = None, **query: str
    ) -> httpx.Response:
        """The file as the body; what else is said about it in the query."""
        sent = self.as_owner(owner) | {"Content-Type": "text/csv"} | (headers or {})
        return await self.client.post("/portfolios/import", content=file, params={"name": "Mine"} | query, headers=sent)

    async def get(self, path: str, owner: str = "ada") -> httpx.Response:
        return await self.client.get(path, headers=self.as_owner(owner))

    async def delete(self, path: str, owner: str = "ada", tag: str = "*") -> httpx.Response:
        return await self.client.delete(path, headers=self.as_owner(owner, **{"If-Match": tag}))


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer(Ed25519PrivateKey.generate())


@pytest.fixture(scope="session")
def tokens(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> TokenVerifier:
    file: Path = tmp_path_factory.mktemp("issuer") / "jwks.json"
    public = OKPAlgorithm.to_jwk(issuer.key.public_key(), as_dict=True)
    file.write_text(json.dumps({"keys": [public | {"kid": issuer.key_id, "alg": "EdDSA", "use": "sig"}]}))
    return TokenVerifier(AuthSettings(issuer=ISSUER, jwks_file=file))


@pytest.fixture
def clock() -> Clock:
    """Monday noon; Friday's night is published."""
    return Clock(datetime(2024, 12, 16, 12, 0, tzinfo=NEW_YORK))


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """As the service's own role."""
    engine = create_engine(database.dsns["onboarding"], application="onboarding-tests")
    yield engine
    await engine.dispose()


@pytest.fixture
async def empty_layer(database: Database) -> AsyncIterator[SymbolLayer]:
    """The symbol layer of a system that has never run."""
    connection = await asyncpg.connect(database.superuser_dsn)
    yield SymbolLayer(connection)
    await connection.close()


@pytest.fixture
async def layer(empty_layer: SymbolLayer) -> SymbolLayer:
    """Four sessions; an edition of Friday's that contains AAPL, MSFT, SPY and BRK-B."""
    await empty_layer.calendar(*SESSIONS)
    await empty_layer.publish(SESSIONS[2], ("AAPL", "MSFT", "SPY", "BRK-B"))
    return empty_layer


@pytest.fixture
async def make_api(
    engine: AsyncEngine, tokens: TokenVerifier, issuer: Issuer, clock: Clock
) -> AsyncIterator[Callable[..., Awaitable[Api]]]:
    """Makes an application with the settings that a test names."""
    clients: list[httpx.AsyncClient] = []

    async def make(*, engine: AsyncEngine = engine, clock: Clock = clock, **named: Any) -> Api:
        quick = {"valuation_wait_ms": 0, "valuation_poll_ms": 10}
        settings = OnboardingSettings(
            postgres_dsn="postgresql://role@nowhere/unused", kafka="nowhere:9092", **quick | named
        )
        outbox = Outbox("portfolios", "/services/onboarding", clock=clock)
        portfolios = Portfolios(engine, outbox, clock, settings)
        progress, streams = Progress(engine, poll_seconds=1), EventStreams(StreamLimits(per_owner=1, in_process=1))
        app = create_app(portfolios, tokens, clock, settings, Health(), progress=progress, streams=streams)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://onboarding")
        clients.append(client)
        return Api(portfolios, client, issuer)

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
async def api(make_api: Callable[..., Awaitable[Api]], layer: SymbolLayer) -> Api:
    """An application that does not wait for valuations, over a symbol layer that knows four symbols."""
    return await make_api()
