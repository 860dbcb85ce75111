"""The real symbol layer and real replicas of portfolio-refresh; the test plays onboarding and decides when events come.

Data is written in one transaction, as onboarding does. Its events are said when the test says so: a relay may be late
by any time.
"""

import asyncio
import io
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from chaos.system.processes import replica
from local_stack.database import Database, copy_database
from local_stack.programs import PortfolioRefresh, Program, SymbolBatch
from local_stack.system import System, shortly_before_the_night
from observer.tables import Tables
from portfolio_refresh.folding import Folding
from riskstream.database.engine import create_engine
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioChanged
from riskstream.events.symbol import SymbolBatchCompleted
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay
from symbol_batch.store import requests

T = TypeVar("T")

SILENCE = 3
"""Seconds that a session of portfolio-refresh may be silent in a transaction."""

SCHEMA_OF = {"symbol": "symbols", "session": "symbols", "portfolio": "portfolios", "chunk": "valuations"}
WRITTEN = {
    "valuations.portfolio_snapshots": {"edition", "valuation", "revision", "run_id"},
    "valuations.position_values": set[str](),
    "valuations.valuation_heads": {"valuation", "folded_at"},
}
"""What folds write, and the columns that tell how often and by which run, not what came of it."""

COPIED = (
    *(f"symbols.{name}" for name in ("trading_sessions", "market_data_cache", "corporate_actions", "editions")),
    *(f"symbols.{name}" for name in ("current_edition", "symbol_daily_metrics", "revisions", "company_profiles")),
    *(f"portfolios.{name}" for name in ("portfolios", "positions", "cash_flows", "manual_prices", "portfolio_changes")),
)

BEHIND = """
SELECT p.portfolio_id, p.version, h.portfolio_version, h.session, h.unknown_symbols
FROM portfolios.portfolios p FULL JOIN valuations.valuation_heads h USING (portfolio_id)
CROSS JOIN symbols.current_edition e
WHERE CASE WHEN p.deleted_at IS NOT NULL THEN h.portfolio_id IS NOT NULL
    ELSE (h.session, h.portfolio_version) IS DISTINCT FROM (e.session, p.version) OR EXISTS (
        SELECT FROM symbols.symbol_daily_metrics m WHERE m.edition = e.edition AND m.symbol = ANY(h.unknown_symbols))
    END
"""


@dataclass(frozen=True)
class Lot:
    symbol: str
    quantity: int
    entered: date


class Stage(System):
    """As `System`, with no service running but the replicas that a test starts."""

    calm: Database
    """Where the same portfolios are folded once, in one go, by nobody else."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._runner = asyncio.Runner()
        self._sql: asyncpg.Connection | None = None
        self._ids = random.Random(1)
        self._plans = itertools.count(1)

    @property
    def services(self) -> tuple[Program, ...]:
        return ()

    @property
    def tables(self) -> Tables:
        return Tables(self.database)

    def prepare(self) -> None:
        super().prepare()
        password = make_url(self.database.dsns["portfolio_refresh"]).password
        self.calm = asyncio.run(copy_database(self.database, "calm", str(password)))
        # What a frozen replica holds in an open transaction is taken from it, here soon.
        self.write((f"ALTER ROLE portfolio_refresh SET idle_in_transaction_session_timeout = '{SILENCE}s'", ()))

    def replica(self, folder: Path, **more: str) -> Program:
        return replica(self, PortfolioRefresh, "portfolio_refresh", folder, more)

    def night(self, session: date) -> None:
        """Publish the session's edition. Its events wait in the outbox for `relay`."""
        self.move_clock(shortly_before_the_night(session, seconds=0))
        self._reconcile()
        assert self.tables.value("SELECT session FROM symbols.current_edition") == session

    def bring_in(self, symbols: Sequence[str]) -> None:
        """Add symbols to the current edition, as when they were requested. Their events wait for `relay`."""

        async def enqueue(engine: AsyncEngine) -> None:
            async with engine.begin() as connection:
                await requests.enqueue(connection, list(symbols))

        self._on_engine(enqueue)
        self._reconcile()

    def relay(self, schema: str) -> None:
        """Publish what waits in the outbox of a schema whose service does not run."""

        async def drain(engine: AsyncEngine) -> None:
            await Relay(engine, schema, self._servers.kafka.address, "test").drain()

        self._on_engine(drain)

    def say(self, *events: Event, root: str | None = None) -> None:
        """Say events in this order, as their service does; an event said before is delivered again with its id."""

        async def publish(engine: AsyncEngine) -> None:
            async with engine.begin() as connection:
                for event in events:
                    outbox = Outbox(SCHEMA_OF[event.aggregate], "/services/test")
                    await outbox.publish(connection, [event], root=root or f"{event.key}:{event.aggregate_version}")

        self._on_engine(publish)
        for schema in {SCHEMA_OF[event.aggregate] for event in events} - {"valuations"}:
            self.relay(schema)

    def plan_again(self) -> None:
        """Say once more, by a new event, that the edition is complete: a new run over all portfolios."""
        number = next(self._plans)
        edition, session = self.tables.rows("SELECT edition, session FROM symbols.current_edition")[0]
        counts = {"active": 1, "priced": 1, "with_exposures": 1, "coverage": 1.0}
        event = SymbolBatchCompleted(run=UUID(int=number), session=session, edition=edition, **counts)
        self.say(event, root=f"again {number}")

    def create(self, lots: Sequence[Lot], first_session: date, *, equity: int | None = None) -> PortfolioChanged:
        """A portfolio at version 1, unsaid: the event that says it."""
        portfolio = self._new_id()
        now = "now(), now()"
        self.write(
            (
                f"INSERT INTO portfolios.portfolios VALUES ($1, 'alice', 'test', 'USD', 1, $2, $3, {now})",
                (portfolio, first_session, None if equity is None else Decimal(equity)),
            ),
            *(_lot(self._new_id(), portfolio, lot) for lot in lots),
            _change(portfolio, 1, first_session),
        )
        return PortfolioChanged(portfolio=portfolio, owner="alice", version=1, first_affected_session=first_session)

    def edit(
        self, portfolio: UUID, since: date, *statements: tuple[str, tuple[Any, ...]], deleted: bool = False
    ) -> PortfolioChanged:
        """Raise the version and change what the statements say, all in one transaction; the event that says it."""
        version = self.write(
            (
                "UPDATE portfolios.portfolios SET version = version + 1, changed_at = now(),"
                " deleted_at = CASE WHEN $2 THEN now() END WHERE portfolio_id = $1 RETURNING version",
                (portfolio, deleted),
            ),
            *statements,
            (
                "INSERT INTO portfolios.portfolio_changes SELECT portfolio_id, version, owner_id, $2, now()"
                " FROM portfolios.portfolios WHERE portfolio_id = $1",
                (portfolio, since),
            ),
        )
        return PortfolioChanged(
            portfolio=portfolio, owner="alice", version=version, first_affected_session=since, deleted=deleted
        )

    def write(self, *statements: tuple[str, tuple[Any, ...]]) -> int:
        """Statements in one transaction, as the superuser; what the first one returns, if anything."""
        return self._runner.run(self._write(statements))

    async def _write(self, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> int:
        if self._sql is None:
            self._sql = await asyncpg.connect(self.database.superuser_dsn)
        async with self._sql.transaction():
            (sql, arguments), *others = statements
            returned: int = await self._sql.fetchval(sql, *arguments)
            for sql, arguments in others:
                await self._sql.execute(sql, *arguments)
        return returned

    def _new_id(self) -> UUID:
        """The same ids in every run, so that a seed makes the same chunks."""
        return UUID(int=self._ids.getrandbits(128), version=4)

    def close(self) -> None:
        if self._sql is not None:
            self._sql.terminate()
        self._runner.close()
        super().close()

    def all_folded(self, seconds: float = 60) -> None:
        """Wait until every portfolio is folded to the edition and its version, and every run has ended."""
        self.tables.wait("every portfolio folded", f"SELECT NOT EXISTS ({BEHIND})", seconds=seconds)
        running = "SELECT FROM valuations.refresh_runs WHERE remaining > 0"
        self.tables.wait("every run ended", f"SELECT NOT EXISTS ({running})")
        self.tables.wait("all said", "SELECT NOT EXISTS (SELECT FROM valuations.outbox)")

    def folded(self) -> dict[str, tuple[int, str]]:
        """A digest of everything that folds have written."""
        return {name: self.tables.digest(name, without=without) for name, without in WRITTEN.items()}

    def fold_now(self) -> None:
        """Fold everything here and now, with no replica and no event: a head for everybody."""
        self._fold_all(self.database)

    def _fold_all(self, database: Database) -> None:
        async def fold() -> None:
            engine = create_engine(database.dsns["portfolio_refresh"], application="calm")
            try:
                result = await Folding(engine, Outbox("valuations", "/services/test")).fold(ids, "sweep")
                assert not result.failed, result.failed
            finally:
                await engine.dispose()

        ids = [row["portfolio_id"] for row in self.tables.rows("SELECT portfolio_id FROM portfolios.portfolios")]
        asyncio.run(fold())

    def folded_calmly(self) -> dict[str, tuple[int, str]]:
        """What it comes to when the same portfolios are folded from their beginning, once, with nobody else about."""
        asyncio.run(self._copy_to_calm())
        self._fold_all(self.calm)
        return {name: Tables(self.calm).digest(name, without=without) for name, without in WRITTEN.items()}

    async def _copy_to_calm(self) -> None:
        source = await asyncpg.connect(self.database.superuser_dsn)
        target = await asyncpg.connect(self.calm.superuser_dsn)
        try:
            async with source.transaction(isolation="repeatable_read"), target.transaction():
                await target.execute("SET LOCAL session_replication_role = replica")
                for table in (*WRITTEN, *COPIED):
                    await target.execute(f"DELETE FROM {table}")
                for table in COPIED:
                    rows = io.BytesIO()
                    await source.copy_from_query(f"SELECT * FROM {table}", output=rows, format="binary")
                    rows.seek(0)
                    schema, name = table.split(".")
                    await target.copy_to_table(name, schema_name=schema, source=rows, format="binary")
        finally:
            await source.close()
            await target.close()

    def _reconcile(self) -> None:
        ended = self.command(SymbolBatch, "symbol_batch", "reconcile")
        assert ended.returncode == 0, ended.stderr

    def _on_engine(self, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
        async def run() -> T:
            engine = create_engine(self.database.superuser_dsn, application="test")
            try:
                return await work(engine)
            finally:
                await engine.dispose()

        return asyncio.run(run())


def _lot(position: UUID, portfolio: UUID, lot: Lot) -> tuple[str, tuple[Any, ...]]:
    return (
        "INSERT INTO portfolios.positions (position_id, portfolio_id, owner_id, symbol, quantity, entry_price,"
        " entry_date, investment_class) VALUES ($1, $2, 'alice', $3, $4, 100, $5, 'PUBLIC')",
        (position, portfolio, lot.symbol, Decimal(lot.quantity), lot.entered),
    )


def _change(portfolio: UUID, version: int, since: date) -> tuple[str, tuple[Any, ...]]:
    return "INSERT INTO portfolios.portfolio_changes VALUES ($1, $2, 'alice', $3, now())", (portfolio, version, since)
