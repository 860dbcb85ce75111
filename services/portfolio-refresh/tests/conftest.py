"""A database with a small symbol layer and portfolios, written by hand as a superuser, as the other services would."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from local_stack.database import Database
from portfolio_refresh.folding import Folding, FoldLimits
from riskstream.database.engine import create_engine
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.messaging.outbox import Outbox

_DAYS = (date(2024, 12, 2) + timedelta(days=n) for n in range(30))
SESSIONS = [day for day in _DAYS if day.weekday() < 5]
RUN = UUID(int=1)


@dataclass
class World:
    """What the other services have written. `sql` is a superuser's connection."""

    sql: asyncpg.Connection
    edition: int = 0
    portfolios: dict[UUID, int] = field(default_factory=dict)

    async def sessions(self) -> None:
        await self.sql.executemany(
            "INSERT INTO symbols.trading_sessions VALUES ($1, $2, $2, false)",
            [(day, datetime(day.year, day.month, day.day, 21, tzinfo=UTC)) for day in SESSIONS],
        )

    async def closes(self, session: date, **closes: float) -> None:
        await self.sql.executemany(
            "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at) "
            "VALUES ($1, $2, $3, 'USD', 'test', now()) "
            "ON CONFLICT (symbol, session) DO UPDATE SET close = excluded.close",
            [(symbol, session, float(close)) for symbol, close in {"SPY": 600.0, **closes}.items()],
        )

    async def action(self, symbol: str, ex_date: date, kind: str, figure: float) -> None:
        column = "amount" if kind == "dividend" else "ratio"
        await self.sql.execute(
            f"INSERT INTO symbols.corporate_actions (symbol, ex_date, kind, {column}, source, fetched_at) "
            "VALUES ($1, $2, $3, $4, 'test', now())",
            symbol,
            ex_date,
            kind,
            float(figure),
        )

    async def publish(self, session: date, known: list[str], *, kind: str = "night") -> int:
        """A new edition of `session` that contains SPY and `known`."""
        self.edition += 1
        await self.sql.execute(
            "INSERT INTO symbols.editions VALUES ($1, $2, $3, $4, now())", self.edition, session, kind, RUN
        )
        await self.sql.execute(
            "INSERT INTO symbols.current_edition (edition, session) VALUES ($1, $2) "
            "ON CONFLICT (only_row) DO UPDATE SET edition = excluded.edition, session = excluded.session",
            self.edition,
            session,
        )
        for symbol in ("SPY", *known):
            await self.know(symbol, session)
        return self.edition

    async def know(self, symbol: str, session: date) -> None:
        await self.sql.execute(
            "INSERT INTO symbols.symbol_daily_metrics (edition, symbol, session, data_quality, run_id) "
            "VALUES ($1, $2, $3, 1, $4)",
            self.edition,
            symbol,
            session,
            RUN,
        )

    async def night(self, session: date, **closes: float) -> int:
        await self.closes(session, **closes)
        return await self.publish(session, list(closes))

    async def revise(self, symbol: str, since: date, known: list[str]) -> int:
        """A revision edition of the current session."""
        session = await self.sql.fetchval("SELECT session FROM symbols.current_edition")
        edition = await self.publish(session, known, kind="revision")
        await self.sql.execute("INSERT INTO symbols.revisions VALUES ($1, $2, $3)", edition, symbol, since)
        return edition

    async def portfolio(
        self,
        first_session: date,
        *lots: tuple[str, float, float],
        equity: float | None = None,
        owner: str = "alice",
        portfolio_id: UUID | None = None,
    ) -> UUID:
        """`lots` are symbol, quantity, entry price; entered on the first session."""
        portfolio_id = portfolio_id or uuid4()
        await self.sql.execute(
            "INSERT INTO portfolios.portfolios VALUES ($1, $2, 'test', 'USD', 1, $3, $4, now(), now())",
            portfolio_id,
            owner,
            first_session,
            None if equity is None else Decimal(str(equity)),
        )
        await self._changed(portfolio_id, owner, 1, first_session)
        for symbol, quantity, entry in lots:
            await self.lot(portfolio_id, symbol, quantity, entry, first_session, owner=owner)
        return portfolio_id

    async def lot(
        self,
        portfolio_id: UUID,
        symbol: str,
        quantity: float,
        entry: float,
        entered: date,
        *,
        owner: str = "alice",
        investment_class: str = "PUBLIC",
        position_id: UUID | None = None,
        **columns: Any,
    ) -> UUID:
        """`columns` are others of `portfolios.positions`; amounts may be floats."""
        row = {
            "position_id": position_id or uuid4(),
            "portfolio_id": portfolio_id,
            "owner_id": owner,
            "symbol": symbol,
            "quantity": quantity,
            "entry_price": entry,
            "entry_date": entered,
            "investment_class": investment_class,
            **columns,
        }
        values = [Decimal(str(value)) if isinstance(value, float | int) else value for value in row.values()]
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await self.sql.execute(f"INSERT INTO portfolios.positions ({', '.join(row)}) VALUES ({places})", *values)
        return row["position_id"]

    async def option(
        self, portfolio_id: UUID, terms: tuple[str, str, float, date], quantity: float, entry: float, entered: date
    ) -> UUID:
        """`terms` are CALL or PUT, the underlying, strike and expiry."""
        right, underlying, strike, expires = terms
        return await self.lot(
            portfolio_id,
            f"{underlying} {expires} {right}",
            quantity,
            entry,
            entered,
            investment_class="OPTIONS",
            multiplier=100,
            underlying_symbol=underlying,
            strike_price=strike,
            expiration_date=expires,
            option_type=right,
        )

    async def flow(self, portfolio_id: UUID, day: date, amount: float, kind: str, *, owner: str = "alice") -> UUID:
        row = uuid4(), portfolio_id, owner, day, Decimal(str(amount)), kind
        await self.sql.execute(
            "INSERT INTO portfolios.cash_flows (flow_id, portfolio_id, owner_id, flow_date, amount, kind) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            *row,
        )
        return row[0]

    async def price_by_hand(self, portfolio_id: UUID, position_id: UUID, day: date, price: float) -> None:
        await self.sql.execute(
            "INSERT INTO portfolios.manual_prices VALUES ($1, $2, $3, 'alice', $4, 1) "
            "ON CONFLICT (position_id, price_date) DO UPDATE SET price = excluded.price",
            position_id,
            day,
            portfolio_id,
            Decimal(str(price)),
        )

    async def profile(self, symbol: str, sector: str | None) -> None:
        await self.sql.execute(
            "INSERT INTO symbols.company_profiles (symbol, kind, sector, source, fetched_at, fetched_on) "
            "VALUES ($1, 'EQUITY', $2, 'test', now(), current_date) "
            "ON CONFLICT (symbol) DO UPDATE SET sector = excluded.sector",
            symbol,
            sector,
        )

    async def change(self, portfolio_id: UUID, since: date, *, deleted: bool = False) -> int:
        """Raise the version, as onboarding does with every edit."""
        version, owner = await self.sql.fetchrow(
            "UPDATE portfolios.portfolios SET version = version + 1, changed_at = now(), "
            "deleted_at = CASE WHEN $2 THEN now() END WHERE portfolio_id = $1 RETURNING version, owner_id",
            portfolio_id,
            deleted,
        )
        await self._changed(portfolio_id, owner, version, since)
        return int(version)

    async def _changed(self, portfolio_id: UUID, owner: str, version: int, since: date) -> None:
        await self.sql.execute(
            "INSERT INTO portfolios.portfolio_changes VALUES ($1, $2, $3, $4, now())",
            portfolio_id,
            version,
            owner,
            since,
        )

    async def head(self, portfolio_id: UUID) -> dict[str, Any] | None:
        row = await self.sql.fetchrow("SELECT * FROM valuations.valuation_heads WHERE portfolio_id = $1", portfolio_id)
        return None if row is None else dict(row)

    async def navs(self, portfolio_id: UUID) -> dict[date, float]:
        return {session: float(row["nav"]) for session, row in (await self.snapshots(portfolio_id)).items()}

    async def snapshots(self, portfolio_id: UUID) -> dict[date, dict[str, Any]]:
        rows = await self.sql.fetch(
            "SELECT * FROM valuations.portfolio_snapshots WHERE portfolio_id = $1 ORDER BY session", portfolio_id
        )
        return {row["session"]: dict(row) for row in rows}

    async def position_values(self, portfolio_id: UUID) -> dict[str, dict[str, Any]]:
        rows = await self.sql.fetch("SELECT * FROM valuations.position_values WHERE portfolio_id = $1", portfolio_id)
        return {row["symbol"]: dict(row) for row in rows}

    async def said(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of the events of a type in the outbox, in order."""
        rows = await self.sql.fetch(
            "SELECT payload FROM valuations.outbox WHERE type = $1 ORDER BY seq", f"{event_type}.v1"
        )
        return [json.loads(row["payload"]) for row in rows]

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of heads, snapshots and position values with its physical version: equal means untouched."""
        tables = ("valuation_heads", "portfolio_snapshots", "position_values")
        return {
            table: [
                tuple(row)
                for row in await self.sql.fetch(f"SELECT xmin::text, t.* FROM valuations.{table} t ORDER BY t")
            ]
            for table in tables
        }


@pytest.fixture
def envelope() -> Callable[..., Envelope[Any]]:
    """`envelope(event, number)`: the event as it arrives; two with one number are one event delivered twice."""

    def wrap(event: Event, number: int = 1) -> Envelope[Any]:
        return Envelope(
            id=UUID(int=number),
            source="/services/test",
            type=event.type,
            time=datetime(2024, 12, 3, 2, tzinfo=UTC),
            subject=event.key,
            event=event,
            correlation_id="test",
        )

    return wrap


@pytest.fixture
def days() -> list[date]:
    """Sessions from Monday 2024-12-02 on; these tests know no holidays."""
    return SESSIONS


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        world = World(connection)
        await world.sessions()
        yield world
    finally:
        await connection.close()


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.dsns["portfolio_refresh"], application="test", pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture
def outbox() -> Outbox:
    return Outbox("valuations", "/services/portfolio-refresh")


@pytest.fixture
def folding(engine: AsyncEngine, outbox: Outbox) -> Folding:
    return Folding(engine, outbox, FoldLimits(pause_seconds=0.01))
