"""One change of one portfolio: a transaction that raises its version, logs what changed, and says so.

Whoever changes a portfolio holds its row meanwhile, so that versions follow each other one by one.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onboarding import store
from onboarding.idempotency import CreationKey, earlier_under
from onboarding.refusals import NoSuchPortfolio, NoTradingSessions, VersionConflict
from onboarding.settings import OnboardingSettings
from onboarding.store import Change, KeyRecord, PortfolioRow
from onboarding.store.changes import Resources
from onboarding.symbol_queue import Wanted, take_turn
from riskstream.database.tenancy import act_for_owner
from riskstream.events.portfolio import PortfolioChanged
from riskstream.events.symbol import SymbolRequested
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks for something, for whom, and under which id of theirs; the log of changes says so."""

    owner: str
    actor: str
    """The token's subject."""
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a request did to a portfolio, now or when it was first sent."""

    portfolio_id: UUID
    is_new: bool
    waits_its_turn: bool = False
    """So many symbols are being brought in that waiting for this portfolio's valuation is in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Done):
    """The version that a change led to, and from which session on valuations differ."""

    version: int
    first_affected_session: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What the log of changes says of an edit."""

    action: str
    subject: UUID | None = None
    before: Resources | None = None
    after: Resources | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """A request that was done before: the transaction in which that was found, and what was done."""

    connection: AsyncConnection
    owner: str
    record: KeyRecord

    async def said(self) -> tuple[Changed, Change]:
        """The version that it led to, and what the log of changes says of it."""
        record = self.record
        change = await store.find_change(self.connection, self.owner, record.portfolio_id, record.version)
        done = Changed(
            portfolio_id=record.portfolio_id,
            is_new=False,
            version=change.version,
            first_affected_session=change.first_affected_session,
        )
        return done, change


class Edit:
    """A change that is being made: its transaction, the portfolio as it was, and the version it leads to."""

    def __init__(self, connection: AsyncConnection, author: Author, portfolio: PortfolioRow, now: datetime) -> None:
        self.connection = connection
        self.owner = author.owner
        self.author = author
        self.was = portfolio
        self.portfolio_id = portfolio.portfolio_id
        self.version = portfolio.version + 1
        self.now = now

    async def counts_on(self, day: date) -> date:
        """The session on which something dated `day` counts: never before the portfolio's first."""
        return (await self.each_counts_on([day]))[day]

    async def each_counts_on(self, days: Iterable[date]) -> dict[date, date]:
        """The same of each of `days`."""
        sessions = await sessions_of(self.connection, days)
        return {day: max(session, self.was.first_session) for day, session in sessions.items()}

    async def published(self) -> date:
        """The session that valuations have now: where a change of no figure begins."""
        return max(await store.published_session(self.connection) or self.was.first_session, self.was.first_session)


class Edits:
    """Makes changes. One object for all owners; every transaction speaks for one and sees only theirs."""

    def __init__(self, engine: AsyncEngine, outbox: Outbox, clock: Clock, settings: OnboardingSettings) -> None:
        self._engine = engine
        self._outbox = outbox
        self.clock = clock
        self.settings = settings

    @asynccontextmanager
    async def acting_for(self, owner: str) -> AsyncIterator[AsyncConnection]:
        """A transaction in which row-level security shows `owner`'s rows alone."""
        async with self._engine.begin() as connection:
            await act_for_owner(connection, store.API_ROLE, owner)
            yield connection

    @asynccontextmanager
    async def reading(self, owner: str, portfolio: UUID) -> AsyncIterator[AsyncConnection]:
        """A transaction for reading what a portfolio has; raises NoSuchPortfolio also for another owner's."""
        async with self.acting_for(owner) as connection:
            if not await store.portfolio_exists(connection, owner, portfolio):
                raise no_such_portfolio(portfolio)
            yield connection

    @asynccontextmanager
    async def editing(
        self, author: Author, portfolio: UUID, expected: frozenset[int] | None = None
    ) -> AsyncIterator[Edit]:
        """A transaction that holds the portfolio.

        Raises NoSuchPortfolio also for another owner's, and VersionConflict where its version is none of `expected`.
        """
        async with self.acting_for(author.owner) as connection:
            yield await self._begun(connection, author, portfolio, expected)

    @asynccontextmanager
    async def editing_once(
        self, author: Author, portfolio: UUID, key: CreationKey | None, expected: frozenset[int] | None = None
    ) -> AsyncIterator[Edit | Repeated]:
        """The same; Repeated where the same was done under `key` before. Raises KeyReused too."""
        async with self.acting_for(author.owner) as connection:
            earlier = None if key is None else await earlier_under(connection, author.owner, key)
            if earlier is not None:
                yield Repeated(connection, author.owner, earlier)
            else:
                yield await self._begun(connection, author, portfolio, expected)

    async def _begun(
        self, connection: AsyncConnection, author: Author, portfolio: UUID, expected: frozenset[int] | None
    ) -> Edit:
        row = await store.lock_portfolio(connection, author.owner, portfolio)
        if row is None:
            raise no_such_portfolio(portfolio)
        refuse_conflict(expected, row.version, f"portfolio {portfolio}")
        return Edit(connection, author, row, self.clock.now())

    async def take_turn(self, connection: AsyncConnection, symbols: Iterable[str]) -> Wanted:
        """Which of the symbols must be asked for; raises SymbolQueueFull and TooManyUnknownSymbols."""
        return await take_turn(connection, symbols, self.settings)

    async def finish(
        self,
        edit: Edit,
        logged: Logged,
        affected: date,
        *,
        key: CreationKey | None = None,
        symbols: Iterable[str] = (),
        deleted: bool = False,
    ) -> Changed:
        """Raise the version, log the change, remember the key, and say what must be said.

        `affected` is the first session that the change affects; `symbols` are those whose prices are needed by now.
        Raises SymbolQueueFull and TooManyUnknownSymbols; then nothing is stored.
        """
        connection, owner = edit.connection, edit.owner
        wanted = await self.take_turn(connection, symbols)
        await store.raise_version(connection, owner, edit.portfolio_id, edit.version, edit.now)
        change = Change(
            version=edit.version,
            first_affected_session=affected,
            changed_at=edit.now,
            actor=edit.author.actor,
            action=logged.action,
            subject=logged.subject,
            before=logged.before,
            after=logged.after,
            request_id=edit.author.request_id,
        )
        await store.insert_change(connection, owner, edit.portfolio_id, change)
        if key is not None:
            await store.remember_key(
                connection,
                owner=owner,
                key=key.key,
                request_hash=key.request_hash,
                portfolio=edit.portfolio_id,
                operation=logged.action,
                subject=logged.subject,
                version=edit.version,
                now=edit.now,
            )
        said = PortfolioChanged(
            portfolio=edit.portfolio_id,
            owner=owner,
            version=edit.version,
            first_affected_session=affected,
            deleted=deleted,
        )
        await self._outbox.publish(connection, [said, *(SymbolRequested(symbol=symbol) for symbol in wanted.unknown)])
        return Changed(
            portfolio_id=edit.portfolio_id,
            is_new=True,
            waits_its_turn=wanted.wait_their_turn,
            version=edit.version,
            first_affected_session=affected,
        )


async def sessions_of(connection: AsyncConnection, days: Iterable[date]) -> dict[date, date]:
    """The first trading session on or after each day; raises NoTradingSessions where the calendar ends before."""
    sessions: dict[date, date] = {}
    for day, session in (await store.next_sessions(connection, days)).items():
        if session is None:
            raise NoTradingSessions(
                f"The trading sessions are not published up to {day}: symbol-batch has to run once."
            )
        sessions[day] = session
    return sessions


def refuse_conflict(expected: frozenset[int] | None, current: int, what: str) -> None:
    """Raise VersionConflict where a caller has seen other versions than the current one; null has seen any."""
    if expected is not None and current not in expected:
        raise VersionConflict(current, what)


def no_such_portfolio(portfolio: UUID) -> NoSuchPortfolio:
    return NoSuchPortfolio(f"You have no portfolio {portfolio}.")
