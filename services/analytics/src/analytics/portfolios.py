"""The portfolio layer, read for one owner at a time."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias
from uuid import UUID

import asyncpg
from cachetools import LRUCache

from analytics.book import Book, Position, Snapshot
from analytics.past import NO_PAST, Past, Wanted
from analytics.past_rows import read_past
from analytics.together import MOST_PORTFOLIOS, Standing, combined, in_step, versions_hash
from riskstream.database.tenancy import OWNER_SETTING

API_ROLE = "analytics_api"

# For the rest of the transaction: see one owner's rows and nothing else.
_ACT_FOR_OWNER = "SELECT set_config('role', $1, true), set_config($2, $3, true)"

# The head, the snapshot of its session, and the run that published its edition.
_VALUATION = """
SELECT h.portfolio_id, h.valuation, h.portfolio_version, h.edition, h.session, h.unknown_symbols, e.run_id,
    s.session AS snapshot_session, s.nav::float8, s.cash::float8,
    s.long_value::float8 AS long, s.short_value::float8 AS short,
    s.gross_value::float8 AS gross, s.net_value::float8 AS net, s.pnl::float8, s.pnl_price::float8,
    s.pnl_dividend::float8, s.pnl_in_kind::float8, s.pnl_trading::float8, s.fees::float8, s.daily_return,
    s.cumulative_pnl::float8, s.flow::float8, s.positions, s.stale, s.unpriced, s.coverage
FROM valuations.valuation_heads h
JOIN symbols.editions e ON e.edition = h.edition
LEFT JOIN valuations.portfolio_snapshots s ON s.portfolio_id = h.portfolio_id AND s.session = h.session
WHERE h.portfolio_id = ANY ($1)
ORDER BY h.portfolio_id
"""

# What each portfolio holds after its head's session, in an order that does not change; the fields of a Position.
_POSITIONS = """
SELECT portfolio_id, position_id, symbol, investment_class, quantity::float8, price, price_session, price_status,
    sector, market_value::float8, cost_basis::float8, unrealised_pnl::float8, pnl::float8
FROM valuations.position_values
WHERE portfolio_id = ANY ($1)
ORDER BY portfolio_id, position_id
"""

# The owner's portfolios, valued or not. Row-level security shows no others.
_STANDINGS = """
SELECT p.portfolio_id, p.version, h.valuation, h.portfolio_version, h.edition, h.session
FROM portfolios.portfolios p LEFT JOIN valuations.valuation_heads h USING (portfolio_id)
WHERE p.deleted_at IS NULL LIMIT $1
"""

_SNAPSHOT_FIELDS = tuple(Snapshot.__dataclass_fields__)


class BookGoneError(Exception):
    """There was a head a moment ago and there is none now: the portfolio was deleted."""


class NoneValuedYetError(Exception):
    """The owner has portfolios, and none of them has a valuation."""


class TooManyPortfoliosError(Exception):
    """The owner has more portfolios than can be computed as one book."""


Read: TypeAlias = tuple[Book, Wanted, Past]
"""A book, what was wanted beside it, and what there is of that."""


class Portfolios:
    """Reads books, and keeps the last ones: whoever asks one question about a portfolio asks others too."""

    def __init__(self, pool: asyncpg.Pool, positions_kept: int = 20_000) -> None:
        self._pool = pool
        # A book belongs to its valuation and never changes, so that one that is kept cannot be wrong.
        self._books: LRUCache[tuple[UUID, int], Book] = LRUCache(positions_kept, getsizeof=_size)

    async def read(
        self, owner: str, portfolio: UUID, wants: Callable[[Book], Wanted], valuation: int | None = None
    ) -> Read:
        """The book of the portfolio's newest valuation and what is wanted of its past, all of it as of one instant.

        A fold that is written meanwhile is in it whole or not at all. Who has just read, as `owner`, that `valuation`
        is the newest may get that one from memory. Raises BookGoneError where the owner has no such valued portfolio.
        """
        kept = None if valuation is None else self._books.get((portfolio, valuation))
        if kept is not None and not (wanted := wants(kept)).of_the_past:
            return kept, wanted, NO_PAST
        async with self._of(owner) as connection:
            books = await _books(connection, [portfolio])
            if not books:
                raise BookGoneError(str(portfolio))
            [book] = books
            if _size(book) <= self._books.maxsize:
                self._books[portfolio, book.valuation] = book
            wanted = wants(book)
            return book, wanted, await read_past(connection, book, [portfolio], wanted)

    async def read_together(self, owner: str, wants: Callable[[Book], Wanted]) -> tuple[str, Read]:
        """The same of all the owner's portfolios as one book, and the hash of the valuations that it rests on.

        Raises NoneValuedYetError, and BookGoneError for an owner without portfolios.
        """
        async with self._of(owner) as connection:
            standings = await _standings(connection)
            inside, left_out = in_step(standings)
            ids = [standing.portfolio for standing in inside]
            if not ids:
                raise NoneValuedYetError if standings else BookGoneError(f"{owner} has no portfolio")
            book = combined(owner, await _books(connection, ids), left_out)
            wanted = wants(book)
            return versions_hash(standings), (book, wanted, await read_past(connection, book, ids, wanted))

    async def standings(self, owner: str) -> list[Standing]:
        """Where each of the owner's portfolios stands; raises TooManyPortfoliosError."""
        async with self._of(owner) as connection:
            return await _standings(connection)

    @asynccontextmanager
    async def _of(self, owner: str) -> AsyncIterator[asyncpg.Connection]:
        """One instant of what the owner may see."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(_ACT_FOR_OWNER, API_ROLE, OWNER_SETTING, owner)
            yield connection


def _size(book: Book) -> int:
    return len(book.positions) + 1


async def _standings(connection: asyncpg.Connection) -> list[Standing]:
    rows = await connection.fetch(_STANDINGS, MOST_PORTFOLIOS + 1)
    if len(rows) > MOST_PORTFOLIOS:
        raise TooManyPortfoliosError(f"more than {MOST_PORTFOLIOS} portfolios")
    return [
        Standing(
            portfolio=UUID(int=row["portfolio_id"].int),
            current_version=row["version"],
            valuation=row["valuation"],
            portfolio_version=row["portfolio_version"],
            edition=row["edition"],
            session=None if row["session"] is None else row["session"].toordinal(),
        )
        for row in rows
    ]


async def _books(connection: asyncpg.Connection, portfolios: Sequence[UUID]) -> list[Book]:
    """Of those that have a valuation, by id."""
    heads = await connection.fetch(_VALUATION, portfolios)
    rows = await connection.fetch(_POSITIONS, portfolios)
    held = {
        portfolio: tuple([Position._make(row[1:]) for row in lots]) for portfolio, lots in groupby(rows, itemgetter(0))
    }
    return [_book(head, held.get(head["portfolio_id"], ())) for head in heads]


def _book(head: asyncpg.Record, positions: tuple[Position, ...]) -> Book:
    if head["snapshot_session"] is None:
        raise RuntimeError(
            f"portfolio {head['portfolio_id']} has a head at {head['session']} and no snapshot of that session; "
            "both are written in one transaction, so somebody else changed valuations.portfolio_snapshots"
        )
    return Book(
        portfolio=UUID(int=head["portfolio_id"].int),
        valuation=head["valuation"],
        portfolio_version=head["portfolio_version"],
        edition=head["edition"],
        session=head["session"],
        run_id=UUID(int=head["run_id"].int),
        unknown_symbols=frozenset(head["unknown_symbols"]),
        snapshot=Snapshot(**{field: head[field] for field in _SNAPSHOT_FIELDS}),
        positions=positions,
    )
