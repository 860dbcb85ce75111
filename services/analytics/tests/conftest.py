"""A world of rows put in by hand, and replicas of analytics that answer from it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from analytics.answers import Answers
from analytics.api import create_app
from analytics.api_live import add_live_updates
from analytics.cache.process import ProcessCache
from analytics.cache.redis import RedisCache, RedisTiming
from analytics.calendar import Calendar
from analytics.database import create_pool
from analytics.factors import FACTORS
from analytics.heads import Heads
from analytics.hints import Hints
from analytics.lineage import Lineage
from analytics.live import LiveUpdates
from analytics.portfolios import Portfolios
from analytics.symbol_figures import SymbolFigures
from analytics.symbols import Symbols
from analytics.ticket import Tickets
from analytics.warming import RecentQuestions, Warming
from local_stack.database import Database
from local_stack.issuer import AUDIENCE, ISSUER, Issuer
from local_stack.valkey import ValkeyServer
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.clock import Clock
from riskstream.runtime.health import Health
from riskstream.runtime.rate_limits import UNLIMITED, RateLimits
from riskstream.runtime.server_sent_events import EventStreams, StreamLimits
from riskstream.runtime.settings import AuthSettings

FRIDAY = date(2024, 12, 13)
MONDAY = date(2024, 12, 16)
TUESDAY = date(2024, 12, 17)
NOW = datetime(2024, 12, 17, 3, 0, tzinfo=UTC)  # Monday, 22:00 in New York


@dataclass(frozen=True)
class Lot:
    symbol: str
    market_value: float
    investment_class: str = "PUBLIC"
    price_status: str = "priced"
    sector: str | None = None
    cost_basis: float | None = None
    position_id: UUID = field(default_factory=uuid4)


@dataclass
class World:
    """What the other three services would have written."""

    connection: asyncpg.Connection
    lot = Lot

    async def calendar(self, *sessions: date) -> None:
        await self.connection.executemany(
            "INSERT INTO symbols.trading_sessions (session, opens_at, closes_at, early_close) "
            "VALUES ($1, $2, $2, false)",
            [(session, datetime(session.year, session.month, session.day, 21, tzinfo=UTC)) for session in sessions],
        )

    async def edition(self, number: int, session: date) -> None:
        async with self.connection.transaction():
            await self.connection.execute(
                "INSERT INTO symbols.editions (edition, session, kind, run_id, published_at) "
                "VALUES ($1, $2, 'night', $3, now())",
                number,
                session,
                UUID(int=number),
            )
            await self.connection.execute(
                "INSERT INTO symbols.current_edition (edition, session) VALUES ($1, $2) "
                "ON CONFLICT (only_row) DO UPDATE SET edition = $1, session = $2",
                number,
                session,
            )

    async def symbol(self, edition: int, symbol: str, beta: float | Sequence[float | None], error: float = 0.1) -> None:
        """Add a symbol to an edition: one beta for all factors, or one for each; null ones have a reason."""
        betas = list(beta) if isinstance(beta, Sequence) else [beta] * len(FACTORS)
        run = UUID(int=edition)
        async with self.connection.transaction():
            session = await self.connection.fetchval("SELECT session FROM symbols.editions WHERE edition = $1", edition)
            await self.connection.execute(
                "INSERT INTO symbols.symbol_daily_metrics (edition, symbol, session, data_quality, run_id) "
                "VALUES ($1, $2, $3, 1, $4)",
                edition,
                symbol,
                session,
                run,
            )
            await self.connection.executemany(
                "INSERT INTO symbols.symbol_factor_exposures (session, edition, symbol, factor, beta, standard_error, "
                "observations, window_sessions, method, status, reason, run_id) "
                "VALUES ($1, $2, $3, $4, $5, $6, 90, 90, 'ols', $7, $8, $9)",
                [
                    (
                        session,
                        edition,
                        symbol,
                        factor,
                        one,
                        None if one is None else error,
                        "null" if one is None else "estimated",
                        "too_few_observations" if one is None else None,
                        run,
                    )
                    for factor, one in zip(FACTORS, betas, strict=True)
                ],
            )

    async def portfolio(self, owner: str = "ana", version: int = 1) -> UUID:
        portfolio = uuid4()
        await self.connection.execute(
            "INSERT INTO portfolios.portfolios (portfolio_id, owner_id, name, version, first_session, created_at, "
            "changed_at) VALUES ($1, $2, 'p', $3, $4, now(), now())",
            portfolio,
            owner,
            version,
            FRIDAY,
        )
        return portfolio

    async def change(self, portfolio: UUID) -> None:
        await self.connection.execute(
            "UPDATE portfolios.portfolios SET version = version + 1 WHERE portfolio_id = $1", portfolio
        )

    async def delete(self, portfolio: UUID) -> None:
        async with self.connection.transaction():
            await self.connection.execute(
                "UPDATE portfolios.portfolios SET deleted_at = now() WHERE portfolio_id = $1", portfolio
            )
            for table in ("valuation_heads", "portfolio_snapshots", "position_values"):
                await self.connection.execute(f"DELETE FROM valuations.{table} WHERE portfolio_id = $1", portfolio)

    async def fold(
        self,
        portfolio: UUID,
        edition: int,
        session: date,
        *lots: Lot,
        cash: float = 0.0,
        unknown: Sequence[str] = (),
        daily_return: float | None = 0.01,
        fees: float = 0.0,
    ) -> int:
        """Write a valuation as one transaction, as a fold does; returns its number."""
        nav = cash + sum(lot.market_value for lot in lots)
        long = sum(lot.market_value for lot in lots if lot.market_value > 0)
        short = sum(lot.market_value for lot in lots if lot.market_value < 0)
        gross = long - short
        priced = sum(abs(lot.market_value) for lot in lots if lot.price_status in ("priced", "stale"))
        async with self.connection.transaction():
            owner, version = await self.connection.fetchrow(
                "SELECT owner_id, version FROM portfolios.portfolios WHERE portfolio_id = $1", portfolio
            )
            valuation = await self.connection.fetchval(
                "INSERT INTO valuations.valuation_heads (portfolio_id, owner_id, valuation, portfolio_version, "
                "edition, session, unknown_symbols, folded_at) VALUES ($1, $2, 1, $3, $4, $5, $6, now()) "
                "ON CONFLICT (portfolio_id) DO UPDATE SET valuation = valuation_heads.valuation + 1, "
                "portfolio_version = $3, edition = $4, session = $5, unknown_symbols = $6 RETURNING valuation",
                portfolio,
                owner,
                version,
                edition,
                session,
                list(unknown),
            )
            await self.connection.execute(
                "DELETE FROM valuations.portfolio_snapshots WHERE portfolio_id = $1 AND session = $2",
                portfolio,
                session,
            )
            await self.connection.execute(
                "INSERT INTO valuations.portfolio_snapshots (portfolio_id, session, owner_id, nav, cash, long_value, "
                "short_value, gross_value, net_value, pnl, pnl_price, pnl_dividend, pnl_in_kind, pnl_trading, "
                "daily_return, cumulative_pnl, flow, positions, stale, unpriced, coverage, edition, valuation, fees) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 11, 6, 3, 2, "
                "$17::numeric, $10, 42, 0, $11, $12, $13, $14, $15, $16, $17)",
                portfolio,
                session,
                owner,
                nav,
                cash,
                long,
                short,
                gross,
                long + short,
                daily_return,
                len(lots),
                sum(lot.price_status == "stale" for lot in lots),
                sum(lot.price_status == "unpriced" for lot in lots),
                priced / gross if gross else None,
                edition,
                valuation,
                fees,
            )
            await self.connection.execute("DELETE FROM valuations.position_values WHERE portfolio_id = $1", portfolio)
            await self.connection.executemany(
                "INSERT INTO valuations.position_values (portfolio_id, position_id, owner_id, session, symbol, "
                "investment_class, quantity, multiplier, price, price_session, price_status, market_value, pnl, "
                "sector, cost_basis, unrealised_pnl) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $4, $9, $10, 1.5, $11, $12, $10::numeric - $12::numeric)",
                [
                    (
                        portfolio,
                        lot.position_id,
                        owner,
                        session,
                        lot.symbol,
                        lot.investment_class,
                        lot.market_value / 10,
                        10.0,
                        lot.price_status,
                        lot.market_value,
                        lot.sector,
                        lot.cost_basis,
                    )
                    for lot in lots
                ],
            )
        return int(valuation)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """An empty symbol layer with a calendar of three sessions."""
    connection = await asyncpg.connect(database.superuser_dsn)
    made = World(connection)
    await made.calendar(FRIDAY, MONDAY, TUESDAY)
    try:
        yield made
    finally:
        await connection.close()


@dataclass
class Replica:
    """One process of analytics, without its sockets."""

    client: httpx.AsyncClient
    answers: Answers
    heads: Heads
    portfolios: Portfolios
    symbols: Symbols
    process: ProcessCache
    redis: RedisCache
    recent: RecentQuestions
    warming: Warming
    hints: Hints
    lineage: Lineage
    live: LiveUpdates
    streams: EventStreams
    app: FastAPI
    figures: SymbolFigures
    tokens: Issuer
    health: Health

    async def get(
        self,
        portfolio: UUID | str,
        measure: str,
        owner: str = "ana",
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> httpx.Response:
        return await self.client.get(
            f"/api/v1/analytics/portfolio/{portfolio}/{measure}",
            params=parameters,
            headers=self.bearer(owner) | dict(headers or {}),
        )

    async def post(self, portfolio: UUID | str, measure: str, body: Any, owner: str = "ana") -> httpx.Response:
        address = f"/api/v1/analytics/portfolio/{portfolio}/{measure}"
        return await self.client.post(address, json=body, headers=self.bearer(owner))

    def bearer(self, owner: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.token(owner)}"}

    async def ask(self, portfolio: UUID, measure: str, owner: str = "ana", **parameters: Any) -> dict[str, Any]:
        response = await self.get(portfolio, measure, owner, **parameters)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


MakeReplica = Callable[..., Any]


@pytest.fixture
async def make_replica(database: Database, valkey_server: ValkeyServer, tmp_path: Path) -> AsyncIterator[MakeReplica]:
    """Make replicas; all of one test share Postgres, an emptied Redis and the issuer."""
    issuer = Issuer(tmp_path / "keys")
    auth = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_file=issuer.jwks_file)
    closes: list[Callable[[], Any]] = []
    await _empty(valkey_server)

    async def make(
        *,
        now: datetime = NOW,
        on: Database | None = None,
        redis_url: str | None = None,
        process_bytes: int = 1_000_000,
        poll_seconds: float = 0.05,
        ticket_seconds: float = 60.0,
        rates: RateLimits = UNLIMITED,
        **limits: Any,
    ) -> Replica:
        dsn, lineage = on.dsns["analytics"] if on else database.dsns["analytics"], Lineage()
        heads_pool = await create_pool(dsn, application="heads", size=4, statement_timeout=5, lineage=lineage)
        books_pool = await create_pool(dsn, application="books", size=4, statement_timeout=5, lineage=lineage)
        # Roomy, so that a busy machine does not look like a Redis that is down.
        timing = RedisTiming(call_timeout=1.0, rest_after_failure=0.0, kept=timedelta(minutes=5))
        redis = RedisCache(redis_url or valkey_server.url, timing)
        heads, portfolios, symbols = Heads(heads_pool, timeout=5), Portfolios(books_pool), Symbols(books_pool)
        process, calendar, clock = ProcessCache(process_bytes), Calendar(heads_pool, refresh_seconds=900), Clock(now)
        answers = Answers(
            heads=heads,
            portfolios=portfolios,
            symbols=symbols,
            calendar=calendar,
            process=process,
            redis=redis,
            clock=clock,
            lineage=lineage,
        )
        recent = RecentQuestions(100, 4)
        warming = Warming(recent, answers.answer, waiting=100)
        health = Health()
        figures = SymbolFigures(books_pool, calendar, clock)
        app = create_app(answers, figures, recent, TokenVerifier(auth), health, limits=rates)
        live = LiveUpdates(heads, calendar, clock, poll_seconds=poll_seconds)
        streams = EventStreams(StreamLimits(**{"per_owner": 5, "in_process": 10} | limits))
        tickets = Tickets(redis_url or valkey_server.url, lives_seconds=ticket_seconds, call_timeout=1.0)
        add_live_updates(app, live, streams, tickets)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://analytics")
        closes.extend((heads_pool.close, books_pool.close, redis.close, tickets.close, client.aclose))
        return Replica(
            client=client,
            answers=answers,
            heads=heads,
            portfolios=portfolios,
            symbols=symbols,
            process=process,
            redis=redis,
            recent=recent,
            warming=warming,
            hints=Hints(answers, symbols, warming, live),
            live=live,
            lineage=lineage,
            streams=streams,
            app=app,
            figures=figures,
            tokens=issuer,
            health=health,
        )

    try:
        yield make
    finally:
        for close in reversed(closes):
            await asyncio.wait_for(close(), 10)


@pytest.fixture
async def replica(make_replica: MakeReplica) -> Replica:
    made: Replica = await make_replica()
    return made


async def _empty(valkey: ValkeyServer) -> None:
    # Another test may have stopped it.
    await asyncio.to_thread(valkey.start)
    reader, writer = await asyncio.open_connection("127.0.0.1", valkey.port)
    writer.write(b"FLUSHALL\r\n")
    assert await reader.readline() == b"+OK\r\n"
    writer.close()
    await writer.wait_closed()
