"""Thousands of portfolios in Postgres, and nights for them to be folded on."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import numpy as np
from numpy.typing import NDArray

from benchmarks.market import Market
from local_stack.database import Database
from riskstream.database.engine import create_engine
from riskstream.events.symbol import SymbolBatchCompleted
from riskstream.messaging.outbox import Outbox
from riskstream.messaging.relay import Relay

SYMBOLS = "symbols"


class Crowd:
    """What onboarding and symbol-batch would have written, put in by COPY as a superuser."""

    def __init__(self, database: Database, market: Market, kafka: str, seed: int = 7) -> None:
        self._database = database
        self._market = market
        self._kafka = kafka
        self._random = np.random.default_rng(seed)

    def add(
        self, portfolios: int, positions: int, owners: int = 1_000, holed: float | None = None
    ) -> list[tuple[UUID, str]]:
        """New portfolios of the first edition's session, each of so many different symbols; (id, owner) of each.

        `holed` is the share of a portfolio's symbols that lack closes of the year; by default the market's.
        """
        return asyncio.run(self._add(portfolios, positions, owners, holed))

    def publish(self, session: date) -> tuple[UUID, datetime]:
        """Publish an edition of `session`, or say again that it is published, and send the event.

        Returns the event's run and, by the database's clock, when the edition was there.
        """
        return asyncio.run(self._publish(session))

    async def _add(self, portfolios: int, positions: int, owners: int, holed: float | None) -> list[tuple[UUID, str]]:
        session = self._market.first
        last = self._market.closes[self._market.sessions.index(session)]
        priced = np.isfinite(last)
        added = [(self._id(), f"owner-{number % owners}") for number in range(portfolios)]
        now = datetime.now().astimezone()
        lots = [
            (
                self._id(), portfolio, owner, self._market.symbols[symbol], Decimal(quantity),
                Decimal(str(round(float(last[symbol]) * 0.97, 4))), session, "PUBLIC",
            )
            for portfolio, owner in added
            for symbol, quantity in zip(
                self._symbols(priced, positions, holed),
                self._random.integers(1, 500, positions).tolist(),
                strict=True,
            )
        ]  # fmt: skip
        connection = await asyncpg.connect(self._database.superuser_dsn)
        try:
            await _copy(
                connection,
                "portfolios",
                ("portfolio_id", "owner_id", "name", "version", "first_session", "created_at", "changed_at"),
                [(portfolio, owner, "benchmark", 1, session, now, now) for portfolio, owner in added],
            )
            await _copy(
                connection,
                "positions",
                ("position_id", "portfolio_id", "owner_id", "symbol", "quantity", "entry_price", "entry_date",
                 "investment_class"),
                lots,
            )  # fmt: skip
            await _copy(
                connection,
                "portfolio_changes",
                ("portfolio_id", "version", "owner_id", "first_affected_session", "changed_at"),
                [(portfolio, 1, owner, session, now) for portfolio, owner in added],
            )
            await connection.execute("VACUUM ANALYZE portfolios.portfolios, portfolios.positions")
        finally:
            await connection.close()
        return added

    def _symbols(self, priced: NDArray[np.bool_], positions: int, holed: float | None) -> list[int]:
        """The places of some of the priced symbols."""
        if holed is None:
            chosen = self._random.choice(np.flatnonzero(priced), positions, replace=False)
        else:
            few = round(holed * positions)
            kinds = ((priced & self._market.holed, few), (priced & ~self._market.holed, positions - few))
            parts = [self._random.choice(np.flatnonzero(kind), count, replace=False) for kind, count in kinds]
            chosen = self._random.permutation(np.concatenate(parts))
        return list(chosen.tolist())

    def _id(self) -> UUID:
        return UUID(bytes=self._random.bytes(16), version=4)

    async def _publish(self, session: date) -> tuple[UUID, datetime]:
        run = uuid4()
        await self._add_edition(session, run)
        engine = create_engine(self._database.superuser_dsn, application="benchmark")
        try:
            async with engine.begin() as connection:
                raw = (await connection.get_raw_connection()).driver_connection
                assert raw is not None
                await connection.exec_driver_sql("SELECT 1")
                edition, published = await raw.fetchrow(
                    "SELECT edition, clock_timestamp() FROM symbols.current_edition"
                )
                count = len(self._market.symbols)
                event = SymbolBatchCompleted(
                    run=run, session=session, edition=edition, active=count, priced=count, with_exposures=count,
                    coverage=1.0,
                )  # fmt: skip
                await Outbox(SYMBOLS, "/services/symbol-batch").publish(connection, [event])
            await Relay(engine, SYMBOLS, self._kafka, "benchmark-relay").drain()
        finally:
            await engine.dispose()
        return run, published

    async def _add_edition(self, session: date, run: UUID) -> None:
        """An edition with the metrics of the one before: folds look only at which symbols it contains."""
        connection = await asyncpg.connect(self._database.superuser_dsn)
        try:
            async with connection.transaction():
                edition, current = await connection.fetchrow("SELECT edition, session FROM symbols.current_edition")
                if current == session:
                    return
                await connection.execute(
                    "INSERT INTO symbols.editions VALUES ($1, $2, 'night', $3, now())", edition + 1, session, run
                )
                columns = "symbol, price, data_quality, run_id"
                await connection.execute(
                    f"INSERT INTO symbols.symbol_daily_metrics (edition, session, {columns}) "
                    f"SELECT $1, $2, {columns} FROM symbols.symbol_daily_metrics WHERE edition = $3",
                    edition + 1,
                    session,
                    edition,
                )
                await connection.execute(
                    "UPDATE symbols.current_edition SET edition = $1, session = $2", edition + 1, session
                )
        finally:
            await connection.close()


async def _copy(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Sequence[object]) -> None:
    await connection.copy_records_to_table(table, schema_name="portfolios", columns=list(columns), records=rows)
