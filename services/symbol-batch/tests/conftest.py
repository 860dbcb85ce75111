"""A small market behind the real yfinance client, a real database, and the parts of the service on both."""

import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
import yfinance.data

from local_stack.database import Database
from market_simulator.app import create_app
from market_simulator.market import Market
from market_simulator.simulator import Simulator
from market_simulator.synthetic.generate import generate, synthesis_at
from riskstream.database.engine import create_engine
from riskstream.market.risk_factors import BENCHMARKS
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock
from symbol_batch.calendar import due_at
from symbol_batch.companies.company_intake import CompanyIntake
from symbol_batch.new_symbols import NewSymbols, SymbolRequests
from symbol_batch.nightly import Night
from symbol_batch.prices import PriceIntake, Prices
from symbol_batch.providers.yahoo import YahooProvider
from symbol_batch.revisions import Revisions
from symbol_batch.schedule import Reconciler

HISTORY_FROM = date(2024, 6, 3)


class MovableClock(Clock):
    """Stands at an instant until it is moved."""

    def __init__(self, instant: datetime) -> None:
        super().__init__()
        self._instant = instant

    def move_to(self, instant: datetime) -> None:
        self._instant = instant.astimezone(UTC)

    def move_to_night_of(self, session: date) -> None:
        """21:00 in New York."""
        self.move_to(due_at(session))

    def now(self) -> datetime:
        return self._instant.astimezone(UTC)


class Exchange:
    """The simulator as tests use it."""

    def __init__(self, url: str, simulator: Simulator) -> None:
        self.url = url
        self.simulator = simulator

    def fault(self, **fault: Any) -> None:
        httpx.post(f"{self.url}/_simulator/faults", json=fault, trust_env=False).raise_for_status()

    def heal(self) -> None:
        httpx.delete(f"{self.url}/_simulator/faults", trust_env=False).raise_for_status()

    def forget_requests(self) -> None:
        httpx.delete(f"{self.url}/_simulator/requests", trust_env=False).raise_for_status()

    def most_in_flight(self) -> int:
        return int(self._report()["max_in_flight"])

    def asked_for(self) -> set[str]:
        """The symbols whose chart was asked for."""
        return {symbol for symbol, counts in self._report()["symbols"].items() if "chart" in counts}

    @property
    def symbols(self) -> list[str]:
        """Everything listed at the clock's date."""
        listed = httpx.get(f"{self.url}/_simulator/symbols", trust_env=False).json()
        return [item["symbol"] for item in listed if item["listed"]]

    def company(self, number: int = 8) -> str:
        """A company without gaps or events around the nights of July 2025."""
        return [symbol for symbol in self.symbols if symbol not in BENCHMARKS][number]

    def scale(self, symbol: str, factor: float, *sessions: date) -> None:
        """Answer prices times a factor on these sessions."""
        self.fault(kind="scale", symbols=[symbol], sessions=[day.isoformat() for day in sessions], factor=factor)

    def _report(self) -> dict[str, Any]:
        report: dict[str, Any] = httpx.get(f"{self.url}/_simulator/requests", trust_env=False).json()
        return report


class Batch:
    """One replica of the service without its broker, and a view of the database that sees everything."""

    def __init__(self, database: Database, exchange: Exchange, clock: MovableClock, **options: Any) -> None:
        self.exchange = exchange
        self.clock = clock
        self.engine = create_engine(database.dsns["symbol_batch"], application="test")
        self.provider = options.get("provider") or YahooProvider(
            base=exchange.url, deadline=options.get("deadline", 10.0)
        )
        self.intake = PriceIntake(
            self.engine,
            self.provider,
            clock,
            history_from=HISTORY_FROM,
            chunk_symbols=options.get("chunk_symbols", 100),
            second_sources=options.get("second_sources", ()),
        )
        self.prices = Prices(self.engine)
        self.companies = CompanyIntake(self.engine, self.provider, clock, **options.get("companies", {}))
        self.outbox = Outbox("symbols", "/services/symbol-batch", clock=clock)
        self.night = Night(
            self.engine,
            self.intake,
            self.companies,
            self.outbox,
            clock,
            second_sources=options.get("second_sources", ()),
        )
        lease = options.get("lease_seconds", 30.0)
        self.reconciler = Reconciler(
            self.engine, self.night, clock, lease_seconds=lease, retry_seconds=options.get("retry_seconds", 0.01)
        )
        self.requests = SymbolRequests(self.outbox)
        self.new_symbols = NewSymbols(
            self.engine,
            self.intake,
            self.companies,
            self.outbox,
            clock,
            poll_seconds=0.05,
            lease_seconds=lease,
            retry_seconds=0.01,
        )
        self._superuser_dsn = database.superuser_dsn

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._superuser_dsn)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def value(self, sql: str, *arguments: Any) -> Any:
        rows = await self.rows(sql, *arguments)
        return rows[0][0] if rows else None

    async def close_of(self, symbol: str, session: date) -> float | None:
        """The stored close."""
        sql = "SELECT close FROM symbols.market_data_cache WHERE symbol = $1 AND session = $2"
        close: float | None = await self.value(sql, symbol, session)
        return close

    async def held_state(self, symbol: str, session: date) -> str | None:
        """What became of a held bar."""
        sql = "SELECT state FROM symbols.quarantined_bars WHERE symbol = $1 AND session = $2"
        state: str | None = await self.value(sql, symbol, session)
        return state

    async def betas(self, symbol: str, edition: int) -> dict[str, tuple[float, date | None]]:
        """Each factor's beta in an edition, and the session it is carried from."""
        sql = (
            "SELECT factor, beta, carried_from FROM symbols.symbol_factor_exposures WHERE symbol = $1 AND edition = $2"
        )
        return {row["factor"]: (row["beta"], row["carried_from"]) for row in await self.rows(sql, symbol, edition)}

    async def add(self, symbols: Sequence[str]) -> None:
        await self.rows(
            "INSERT INTO symbols.symbol_universe (symbol, status, added_at) SELECT s, 'active', now() "
            "FROM unnest($1::text[]) s ON CONFLICT DO NOTHING",
            list(symbols),
        )

    async def run_night_of(self, session: date) -> str:
        """Move the clock there and reconcile; the state in which the last run ended."""
        self.clock.move_to_night_of(session)
        return (await self.reconciler.reconcile())[-1].state

    async def events(self, event_type: str) -> list[dict[str, Any]]:
        """Bodies in the outbox, in order."""
        rows = await self.rows("SELECT payload::text FROM symbols.outbox WHERE type = $1 ORDER BY seq", event_type)
        return [json.loads(row["payload"]) for row in rows]

    async def content(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        tables = await self.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'symbols' "
            "AND table_type = 'BASE TABLE' AND table_name !~ '_(\\d{4}|default)$'"
        )
        return {
            name: sorted(row[0] for row in await self.rows(f"SELECT t::text FROM symbols.{name} t"))
            for (name,) in tables
        }

    async def close(self) -> None:
        await self.provider.aclose()
        await self.engine.dispose()


@pytest.fixture(scope="session")
def market() -> Market:
    """Thirty symbols with some two years of history around the summer of 2025."""
    return generate(synthesis_at(date(2025, 7, 9), seed=7, symbols=30, start=date(2024, 1, 2)))


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(due_at(date(2025, 7, 9)))


@pytest.fixture
def exchange(market: Market, clock: MovableClock) -> Iterator[Exchange]:
    yfinance.data.SingletonMeta._instances.clear()
    simulator = Simulator(market, clock, seed=7)
    server = uvicorn.Server(uvicorn.Config(create_app(simulator), log_level="error", access_log=False))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Exchange(f"http://127.0.0.1:{listener.getsockname()[1]}", simulator)
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@pytest.fixture
async def replica(database: Database, exchange: Exchange, clock: MovableClock) -> AsyncIterator[Any]:
    """Makes replicas of the service; they are closed at the end."""
    made: list[Batch] = []

    def make(**options: Any) -> Batch:
        made.append(Batch(database, exchange, clock, **options))
        return made[-1]

    yield make
    for batch in made:
        await batch.close()


@pytest.fixture
async def batch(replica: Any, exchange: Exchange) -> Batch:
    """One replica, with the whole market in its universe."""
    made: Batch = replica()
    await made.add(exchange.symbols)
    return made


@pytest.fixture
def company(exchange: Exchange) -> str:
    """See `Exchange.company`."""
    return exchange.company()


@pytest.fixture
def revisions(batch: Batch) -> Revisions:
    """What publishes corrections of the replica between nights."""
    return Revisions(batch.engine, batch.outbox, batch.clock)
