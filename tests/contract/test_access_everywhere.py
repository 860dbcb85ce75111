"""Every address of every service, tried with every token that is not good enough for it.

The routes are read from the applications as their own `serve` makes them. A route that is added is tried as well, and
one that this file does not know how to try fails here.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis.asyncio import Redis

from chaos.kernel import story
from chaos.kernel.wiring import SERVICES, wired
from contract.addresses import CHANGING, FLOW, LOT, OTHER, OWNER, PORTFOLIO, Address, addresses_of, body_of
from local_stack.database import Database
from local_stack.issuer import AUDIENCE, ISSUER, Issuer
from local_stack.valkey import ValkeyServer
from portfolio_refresh.folding import Folding
from riskstream.database.engine import create_engine
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.access import PUBLIC

OPEN = {
    "/health/live": "probes have no token; it says how the process's own parts are",
    "/health/ready": "the same",
    "/metrics": "scrapers have no token; counts and times, with no owner and no portfolio among their labels",
    "/docs": "who wants a token must be able to read how to use it; what the code says of itself",
    "/docs/oauth2-redirect": "a part of that page",
    "/redoc": "the same, in another form",
    "/openapi.json": "the same, for programs",
}
"""The only addresses that answer without a token, each with its reason."""

NAME = "what alice calls her portfolio"
SECRETS = (NAME, OWNER, str(LOT), str(FLOW), "41234.56")
"""What no answer to anybody but Alice may contain; where an address names one, it is not looked for."""


@dataclass(frozen=True)
class System:
    clients: dict[str, httpx.AsyncClient]
    addresses: list[Address]
    issuer: Issuer
    sql: asyncpg.Connection
    redis_url: str

    def protected(self) -> Iterator[Address]:
        return (address for address in self.addresses if address.template not in OPEN)

    async def ask(self, address: Address, authorization: str | None, **changed: Any) -> httpx.Response:
        headers = {} if authorization is None else {"Authorization": authorization}
        if address.method in CHANGING:
            headers |= {"If-Match": '"1"', "Idempotency-Key": "tried"}
            changed = {"json": body_of(address)} | changed
        path = changed.pop("path", address.path)
        return await self.clients[address.service].request(address.method, path, headers=headers, **changed)

    def bearer(self, owner: str, *scopes: Any) -> str:
        return f"Bearer {self.issuer.token(owner, scopes)}"


@pytest.fixture
async def sql(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.superuser_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def alices(sql: asyncpg.Connection, database: Database) -> None:
    """Alice's valued portfolio with a lot and a cash flow, Bob's, and a refresh run."""
    await story.first_session(sql)
    await sql.execute("UPDATE portfolios.portfolios SET name = $2 WHERE portfolio_id = $1", PORTFOLIO, NAME)
    await sql.execute(
        "INSERT INTO portfolios.cash_flows (flow_id, portfolio_id, owner_id, flow_date, amount, kind)"
        " VALUES ($1, $2, $3, $4, 41234.56, 'deposit')",
        FLOW,
        PORTFOLIO,
        OWNER,
        story.SECOND,
    )
    await sql.execute(
        "INSERT INTO valuations.refresh_runs (run_id, cause, session, edition, chunks, remaining, portfolios)"
        " VALUES ($1, 'night', $2, 1, 1, 1, 1)",
        story.CHUNKED_RUN,
        story.FIRST,
    )
    engine = create_engine(database.dsns["portfolio_refresh"], application="test")
    try:
        folded = await Folding(engine, Outbox("valuations", "/services/test")).fold(list(story.OWNERS), "change")
    finally:
        await engine.dispose()
    assert len(folded.folded) == len(story.OWNERS)


@pytest.fixture
async def system(
    alices: None,
    sql: asyncpg.Connection,
    database: Database,
    valkey_server: ValkeyServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[System]:
    issuer = Issuer(tmp_path)
    shared = {
        "RISKSTREAM_KAFKA": "127.0.0.1:1",
        "RISKSTREAM_REDIS_URL": valkey_server.url,
        "RISKSTREAM_HTTP_PORT": "0",
        "RISKSTREAM_STREAM_LONGEST_SECONDS": "0.05",  # the clients here wait for an answer's end
        **issuer.environment(),
    }
    environments = {
        name: shared | {"RISKSTREAM_POSTGRES_DSN": database.dsns[name.replace("-", "_")]} for name in SERVICES
    }
    async with wired(environments, monkeypatch) as services:
        clients = {
            name: httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{name}")
            for name, app in services.apps.items()
        }
        addresses = [address for name, app in services.apps.items() for address in addresses_of(name, app)]
        yield System(clients, addresses, issuer, sql, valkey_server.url)
        for client in clients.values():
            await client.aclose()


def bad_tokens(issuer: Issuer, scope: str) -> dict[str, str | None]:
    """Authorizations that name Alice, with every scope there is, and are no good."""

    def signed(key: Any = issuer._key, algorithm: str = "EdDSA", **changed: Any) -> str:
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": OWNER, "exp": datetime.now(UTC) + timedelta(hours=1)}
        claims |= {"scope": scope} | changed
        return f"Bearer {jwt.encode(claims, key, algorithm=algorithm, headers={'kid': issuer._key_id})}"

    return {
        "no token": None,
        "another kind of authorization": "Basic YWxpY2U6YWxpY2U=",
        "garbage": "Bearer garbage",
        "expired": signed(exp=datetime.now(UTC) - timedelta(minutes=1)),
        "not valid yet": signed(nbf=datetime.now(UTC) + timedelta(minutes=5)),
        "wrong issuer": signed(iss="https://somebody.else"),
        "wrong audience": signed(aud="another-service"),
        "wrong key": signed(Ed25519PrivateKey.generate()),
        "unsigned": signed(None, "none"),
        "a shared secret": signed("x" * 64, "HS256"),
        "nobody's": signed(sub=""),
    }


def assert_refused(answer: httpx.Response, status: int, why: object) -> None:
    assert answer.status_code == status, (why, answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json", why
    assert_no_secret(answer, why)


def assert_no_secret(answer: httpx.Response, why: object) -> None:
    asked_for = str(answer.request.url)
    shown = [secret for secret in SECRETS if secret in answer.text and secret not in asked_for]
    assert shown == [], (why, answer.text[:300])


async def everything(sql: asyncpg.Connection) -> dict[str, Any]:
    """Every row that belongs to an owner."""
    tables = await sql.fetch(
        "SELECT DISTINCT table_schema || '.' || table_name AS name FROM information_schema.columns"
        " WHERE column_name = 'owner_id' AND table_schema IN ('portfolios', 'valuations')"
    )
    return {
        name: sorted(row[0] for row in await sql.fetch(f"SELECT t::text FROM {name} t"))
        for (name,) in map(tuple, tables)
    }


def test_what_is_open_is_what_has_a_reason_here() -> None:
    assert set(OPEN) == PUBLIC


async def test_what_is_open_is_answered_to_all_and_shows_nothing_of_an_owner(system: System) -> None:
    for address in system.protected():  # so that there is something in metrics and health to be shown
        await system.ask(address, system.bearer(OWNER, "read", "operator"))
    tried = [address for address in system.addresses if address.template in OPEN]
    assert {address.service for address in tried} == set(SERVICES)
    for address in tried:
        answer = await system.ask(address, None)
        assert answer.status_code in {200, 503}, (address, answer.status_code)
        assert_no_secret(answer, address)
        assert str(PORTFOLIO) not in answer.text, address


async def test_every_other_address_refuses_every_bad_token_before_it_looks_at_anything_else(system: System) -> None:
    before, tried = await everything(system.sql), 0
    for address in system.protected():
        for why, authorization in bad_tokens(system.issuer, "read write operator").items():
            assert_refused(await system.ask(address, authorization), 401, (address, why))
            for invalid in ({"params": {"window": "x"}}, {"path": re.sub(r"{[^}]*}", "no-id", address.template)}):
                assert_refused(await system.ask(address, authorization, **invalid), 401, (address, why, invalid))
            tried += 1
    assert tried > 250
    assert await everything(system.sql) == before


async def test_every_other_address_refuses_too_small_a_scope_even_to_the_owner(system: System) -> None:
    before = await everything(system.sql)
    scopes: tuple[Any, ...] = ("read", "write", "operator")
    for address in system.protected():
        too_small = [scope for scope in scopes if scope != address.needs]
        for held in ([], too_small):
            answer = await system.ask(address, system.bearer(OWNER, *held))
            assert_refused(answer, 403, (address, held))
            assert answer.json()["code"] == "scope_missing"
    assert await everything(system.sql) == before


async def test_another_owner_finds_nothing_of_alices_anywhere_and_changes_nothing(system: System) -> None:
    before, tried = await everything(system.sql), 0
    bob = system.bearer(OTHER, "read", "write", "operator")
    for address in system.protected():
        if address.names_a_portfolio:
            assert_refused(await system.ask(address, bob), 404, address)
            tried += 1
        elif address.method not in CHANGING:  # of his own, or of the system's
            answer = await system.ask(address, bob)
            assert answer.status_code in {200, 404}, (address, answer.text[:300])
            assert_no_secret(answer, address)
    assert tried >= 15
    assert await everything(system.sql) == before


async def test_what_is_nobodys_is_answered_to_all_alike(system: System) -> None:
    tried = 0
    for address in system.protected():
        if address.is_nobodys:
            alices, bobs = [await system.ask(address, system.bearer(owner, "read")) for owner in (OWNER, OTHER)]
            assert (alices.status_code, alices.content) == (200, bobs.content), address
            tried += 1
    assert tried >= 5


async def test_a_part_of_alices_portfolio_is_not_found_in_another_owners_own(system: System) -> None:
    before, tried = await everything(system.sql), 0
    bob = system.bearer(OTHER, "read", "write")
    for address in system.protected():
        if address.has_a_part:
            path = address.filled(portfolio_id=str(story.WAITING))
            assert_refused(await system.ask(address, bob, path=path), 404, path)
            tried += 1
    assert tried >= 8
    assert await everything(system.sql) == before


async def test_an_answer_that_is_cached_for_its_owner_is_not_another_owners(system: System) -> None:
    alice, bob = (system.bearer(owner, "read", "write", "operator") for owner in (OWNER, OTHER))
    cached = 0
    for address in system.protected():
        if address.service != "analytics" or address.takes_tickets:  # a stream is nobody's twice
            continue
        for _ in range(2):
            answer = await system.ask(address, alice)
        if answer.status_code == 200 and not address.is_nobodys:
            assert answer.json()["cache"] == "process", address
            cached += 1
        bobs = await system.ask(address, bob)
        if address.names_a_portfolio:
            assert_refused(bobs, 404, address)
        else:
            assert not [secret for secret in SECRETS if secret in bobs.text], address
        assert (await system.ask(address, alice)).status_code == answer.status_code
    assert cached >= 2


async def ticket(system: System, owner: str, portfolio: Any) -> str:
    """One that the owner bought."""
    answer = await system.clients["analytics"].post(
        "/api/v1/analytics/tickets",
        json={"portfolio": str(portfolio)},
        headers={"Authorization": system.bearer(owner, "read")},
    )
    assert answer.status_code == 201, answer.text
    sold: str = answer.json()["ticket"]
    return sold


async def expired(system: System) -> str:
    """A ticket that was good until a moment ago."""
    redis = Redis.from_url(system.redis_url)
    try:
        others = await redis.keys("ticket:*")
        sold = await ticket(system, OWNER, PORTFOLIO)
        for key in set(await redis.keys("ticket:*")).difference(others):
            await redis.pexpire(key, 1)
        await asyncio.sleep(0.01)
    finally:
        await redis.aclose()
    return sold


async def test_no_ticket_is_good_where_it_was_not_bought_for(system: System) -> None:
    before, streams = await everything(system.sql), 0
    good = await ticket(system, OWNER, PORTFOLIO)
    for address in system.protected():
        if address.takes_tickets:
            streams += 1
            bad = {
                "garbage": "garbage",
                "invented": "A" * 43,
                "expired": await expired(system),
                "another portfolio's, and another owner's": await ticket(system, OTHER, story.WAITING),
                "two": [await ticket(system, OWNER, PORTFOLIO) for _ in range(2)],
            }
            for why, shown in bad.items():
                assert_refused(await system.ask(address, None, params={"ticket": shown}), 401, (address, why))
        else:
            assert_refused(await system.ask(address, None, params={"ticket": good}), 401, address)
        assert_refused(await system.ask(address, f"Bearer {good}", params={"ticket": good}), 401, address)
    assert streams == 1
    assert await everything(system.sql) == before


async def test_a_ticket_lets_its_owner_in_once_and_is_not_sold_for_anothers_portfolio(system: System) -> None:
    (stream,) = (address for address in system.protected() if address.takes_tickets)
    good = await ticket(system, OWNER, PORTFOLIO)
    let_in = await system.ask(stream, None, params={"ticket": good})
    assert let_in.status_code == 200
    assert "event: refreshed" in let_in.text
    assert_refused(await system.ask(stream, None, params={"ticket": good}), 401, "used")
    for address in system.protected():
        if address.template.endswith("/tickets"):
            assert_refused(await system.ask(address, system.bearer(OTHER, "read")), 404, address)


async def test_an_address_that_does_not_exist_is_not_told_to_strangers(system: System) -> None:
    for client in system.clients.values():
        for path in ("/", "/nowhere", "/metrics/", "/health", "/docs/", "//metrics", "/%2e%2e/metrics"):
            assert_refused(await client.get(path), 401, path)
