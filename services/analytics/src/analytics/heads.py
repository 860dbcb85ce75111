"""Which valuation a portfolio has now: asked of Postgres for every request, in one statement."""

import asyncio
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


class Heads:
    """Reads heads through the one function that the login role may call."""

    def __init__(self, pool: asyncpg.Pool, timeout: float) -> None:
        self._pool = pool
        self._timeout = timeout

    async def head(self, owner: str, portfolio: UUID) -> Head:
        """The head; raises UnknownPortfolioError or NotValuedYetError where there is none to give.

        Raises TimeoutError when it takes too long, waiting for a connection included: whoever waits behind a Postgres
        that hangs is told so in time.
        """
        with HEAD_SECONDS.time():
            async with asyncio.timeout(self._timeout):
                row = await self._pool.fetchrow("SELECT * FROM valuations.head($1, $2)", owner, portfolio)
        if row is None:
            raise UnknownPortfolioError(str(portfolio))
        if row["valuation"] is None:
            raise NotValuedYetError(str(portfolio))
        return Head(
            valuation=row["valuation"],
            portfolio_version=row["portfolio_version"],
            edition=row["edition"],
            session=row["session"],
            current_version=row["current_version"],
        )
