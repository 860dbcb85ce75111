"""Which valuation a portfolio has now: asked of Postgres for every request, in one statement."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from analytics.metrics import HEAD_SECONDS


@dataclass(frozen=True, slots=True)
class Head:
    """The portfolio's newest valuation. A newer `current_version` means that a change waits for its fold."""

    valuation: int
    portfolio_version: int
    edition: int
    session: date
    current_version: int


class UnknownPortfolioError(Exception):
    """No such portfolio, or it is another owner's: the asker cannot tell which."""


class NotValuedYetError(Exception):
    """The portfolio exists and its first fold has not been written yet."""


# Each asker's head, by the place of the question.
_HEADS = """
SELECT asked.place, head.*
FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS asked (owner, portfolio, place)
CROSS JOIN LATERAL valuations.head(asked.owner, asked.portfolio) AS head
"""

READS_AT_ONCE = 2
"""Statements under way. Who comes meanwhile shares the next one: the busier, the less a head costs."""


@dataclass(frozen=True, slots=True)
class _Asked:
    owner: str
    portfolio: UUID
    row: asyncio.Future[asyncpg.Record | None]


class Heads:
    """Reads heads through the one function that the login role may call.

    Requests that wait at the same time share a statement, which is sent after the last of them came: each sees what
    was committed before it asked, as if it had asked alone.
    """

    def __init__(self, pool: asyncpg.Pool, timeout: float) -> None:
        self._pool = pool
        self._timeout = timeout
        self._waiting: list[_Asked] = []
        self._reads: set[asyncio.Task[None]] = set()

    async def head(self, owner: str, portfolio: UUID) -> Head:
        """The head; raises UnknownPortfolioError or NotValuedYetError where there is none to give.

        Raises TimeoutError when it takes too long, waiting for a connection included: whoever waits behind a Postgres
        that hangs is told so in time.
        """
        with HEAD_SECONDS.time():
            async with asyncio.timeout(self._timeout):
                row = await self._row(owner, portfolio)
        head = _head(portfolio, row)
        if isinstance(head, Exception):
            raise head
        return head

    async def many(self, asked: Sequence[tuple[str, UUID]]) -> list[Head | UnknownPortfolioError | NotValuedYetError]:
        """The head of each owner's portfolio, or the error that `head` would raise: one statement for all of them.

        For who watches many portfolios; it waits behind no request, and no request behind it. Raises TimeoutError, and
        what asyncpg raises while Postgres is away.
        """
        async with asyncio.timeout(self._timeout):
            rows = await self._pool.fetch(
                _HEADS, [owner for owner, _ in asked], [portfolio for _, portfolio in asked], timeout=self._timeout
            )
        found = {row["place"]: row for row in rows}
        return [_head(portfolio, found.get(place)) for place, (_, portfolio) in enumerate(asked, start=1)]

    def _row(self, owner: str, portfolio: UUID) -> asyncio.Future[asyncpg.Record | None]:
        asked = _Asked(owner, portfolio, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        self._read_on()
        return asked.row

    def _read_on(self) -> None:
        """Begin a read where somebody waits and one more is allowed.

        It takes its askers when its turn in the loop comes, so that all who came in the same turn share it.
        """
        if self._waiting and len(self._reads) < READS_AT_ONCE:
            read = asyncio.create_task(self._read())
            self._reads.add(read)
            read.add_done_callback(self._ended)

    def _ended(self, read: asyncio.Task[None]) -> None:
        self._reads.discard(read)
        self._read_on()

    async def _read(self) -> None:
        asked, self._waiting = self._waiting, []
        asked = [one for one in asked if not one.row.done()]
        if not asked:
            return
        try:
            async with asyncio.timeout(self._timeout):
                rows = await self._pool.fetch(
                    _HEADS, [one.owner for one in asked], [one.portfolio for one in asked], timeout=self._timeout
                )
        except Exception as error:
            _tell_all(asked, error)
            return
        found = {row["place"]: row for row in rows}
        for place, one in enumerate(asked, start=1):
            if not one.row.done():
                one.row.set_result(found.get(place))


def _head(portfolio: UUID, row: asyncpg.Record | None) -> Head | UnknownPortfolioError | NotValuedYetError:
    if row is None:
        return UnknownPortfolioError(str(portfolio))
    if row["valuation"] is None:
        return NotValuedYetError(str(portfolio))
    return Head(
        valuation=row["valuation"],
        portfolio_version=row["portfolio_version"],
        edition=row["edition"],
        session=row["session"],
        current_version=row["current_version"],
    )


def _tell_all(asked: list[_Asked], error: Exception) -> None:
    """Every asker hears of it; one who has gone is not missed."""
    for one in asked:
        if not one.row.done():
            one.row.set_exception(error)
