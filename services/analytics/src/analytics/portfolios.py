"""The portfolio layer, read for one owner at a time."""

from collections.abc import Callable
from uuid import UUID

import asyncpg

from analytics.book import Book, Position, Snapshot
from analytics.past import Past, Wanted
from analytics.past_rows import read_past
from riskstream.database.tenancy import OWNER_SETTING

API_ROLE = "analytics_api"

# For the rest of the transaction: see one owner's rows and nothing else.
_ACT_FOR_OWNER = "SELECT set_config('role', $1, true), set_config($2, $3, true)"

# The head, the snapshot of its session, and the run that published its edition.
_VALUATION = """
SELECT h.valuation, h.portfolio_version, h.edition, h.session, h.unknown_symbols, e.run_id,
    s.session AS snapshot_session, s.nav::float8, s.cash::float8,
    s.long_value::float8 AS long, s.short_value::float8 AS short,
    s.gross_value::float8 AS gross, s.net_value::float8 AS net, s.pnl::float8, s.pnl_price::float8,
    s.pnl_dividend::float8, s.pnl_in_kind::float8, s.pnl_trading::float8, s.fees::float8, s.daily_return,
    s.cumulative_pnl::float8, s.flow::float8, s.positions, s.stale, s.unpriced, s.coverage
FROM valuations.valuation_heads h
JOIN symbols.editions e ON e.edition = h.edition
LEFT JOIN valuations.portfolio_snapshots s ON s.portfolio_id = h.portfolio_id AND s.session = h.session
WHERE h.portfolio_id = $1
"""

# What the portfolio holds after the head's session, in an order that does not change.
_POSITIONS = """
SELECT position_id, symbol, investment_class, quantity::float8, price, price_session, price_status, sector,
    market_value::float8, cost_basis::float8, unrealised_pnl::float8, pnl::float8
FROM valuations.position_values
WHERE portfolio_id = $1
ORDER BY position_id
"""

_SNAPSHOT_FIELDS = tuple(Snapshot.__dataclass_fields__)
_POSITION_FIELDS = tuple(Position.__dataclass_fields__)


class BookGoneError(Exception):
    """There was a head a moment ago and there is none now: the portfolio was deleted."""


class Portfolios:
    """Reads books."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read(self, owner: str, portfolio: UUID, wants: Callable[[Book], Wanted]) -> tuple[Book, Wanted, Past]:
        """The book of the portfolio's newest valuation and what is wanted of its past, all of it as of one instant.

        A fold that is written meanwhile is in it whole or not at all. Raises BookGoneError where the owner has no such
        valued portfolio.
        """
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(_ACT_FOR_OWNER, API_ROLE, OWNER_SETTING, owner)
            book = await _book(connection, portfolio)
            wanted = wants(book)
            return book, wanted, await read_past(connection, book, wanted)


async def _book(connection: asyncpg.Connection, portfolio: UUID) -> Book:
    head = await connection.fetchrow(_VALUATION, portfolio)
    if head is None:
        raise BookGoneError(str(portfolio))
    if head["snapshot_session"] is None:
        raise RuntimeError(
            f"portfolio {portfolio} has a head at {head['session']} and no snapshot of that session; "
            "both are written in one transaction, so somebody else changed valuations.portfolio_snapshots"
        )
    positions = await connection.fetch(_POSITIONS, portfolio)
    return Book(
        portfolio=portfolio,
        valuation=head["valuation"],
        portfolio_version=head["portfolio_version"],
        edition=head["edition"],
        session=head["session"],
        run_id=UUID(int=head["run_id"].int),
        unknown_symbols=frozenset(head["unknown_symbols"]),
        snapshot=Snapshot(**{field: head[field] for field in _SNAPSHOT_FIELDS}),
        positions=tuple(Position(**{field: row[field] for field in _POSITION_FIELDS}) for row in positions),
    )
