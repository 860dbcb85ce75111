"""Portfolios of owners: created with everything that follows from it, found, deleted.

A creation stores and says what it must in one transaction and values nothing itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onboarding import store
from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import Lot
from onboarding.refusals import (
    CreatedAndDeleted,
    FirstSessionRefused,
    KeyReused,
    NoSuchPortfolio,
    NoTradingSessions,
    SymbolQueueFull,
    TooManyUnknownSymbols,
)
from onboarding.settings import OnboardingSettings
from onboarding.status import Status, derive
from onboarding.store import PortfolioRecord
from riskstream.database.tenancy import act_for_owner
from riskstream.events.portfolio import PortfolioChanged
from riskstream.events.symbol import SymbolRequested
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import NEW_YORK, Clock

NIGHT_HOUR = 21
"""In New York: from then on a session counts as due, published or not."""

FILE_KEY_PREFIX = "file:"
CALLER_KEY_PREFIX = "key:"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPortfolio:
    """What a portfolio is made of."""

    name: str
    lots: Sequence[Lot]
    flows: Sequence[CashFlow] = ()
    """After the first session: what came and went before is in the equity."""
    declared_equity: Decimal | None = None
    first_session: date | None = None
    """Null: the session of the current edition."""


@dataclass(frozen=True, slots=True)
class CreationKey:
    """Under which key a creation is remembered, and a hash of all of its content."""

    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class Created:
    """The portfolio that a creation led to, now or when it was first sent."""

    portfolio_id: UUID
    is_new: bool
    waits_its_turn: bool = False
    """So many symbols are being brought in that waiting for this portfolio's valuation is in vain."""


class Portfolios:
    """The portfolios of all owners; every method speaks for one owner and sees only theirs."""

    def __init__(self, engine: AsyncEngine, outbox: Outbox, clock: Clock, settings: OnboardingSettings) -> None:
        self._engine = engine
        self._outbox = outbox
        self._clock = clock
        self._settings = settings

    async def create(self, owner: str, new: NewPortfolio, key: CreationKey | None) -> Created:
        """Store the portfolio and say `portfolio.changed` and one `symbol.requested` for each unknown symbol.

        With a key that was used before for the same content nothing is stored, and what was created then is
        returned. Raises the refusals KeyReused, CreatedAndDeleted, FirstSessionRefused, NoTradingSessions,
        SymbolQueueFull and TooManyUnknownSymbols; then nothing is stored.
        """
        async with self._acting_for(owner) as connection:
            if key is not None:
                await store.lock_creation(connection, owner, key.key)
                earlier = await self._earlier(connection, owner, key)
                if earlier is not None:
                    return Created(earlier, is_new=False)
            return await self._store_new(connection, owner, new, key)

    async def first_session(self, owner: str, named: date | None) -> date:
        """The first session that a portfolio created now would have; raises as `create` does for a bad one."""
        async with self._acting_for(owner) as connection:
            return await self._first_session(connection, named)

    async def settled(self, owner: str, created: Created) -> PortfolioRecord:
        """The portfolio as soon as it is no longer pending, or as it is when the wait is over.

        Raises NoSuchPortfolio where it was deleted meanwhile.
        """
        wait = 0.0 if created.waits_its_turn or not created.is_new else self._settings.valuation_wait_ms / 1000
        until = time.monotonic() + wait
        while True:
            record = await self.find(owner, created.portfolio_id)
            left = until - time.monotonic()
            if status_of(record) is not Status.PENDING or left <= 0:
                return record
            await asyncio.sleep(min(left, self._settings.valuation_poll_ms / 1000))

    async def find(self, owner: str, portfolio: UUID) -> PortfolioRecord:
        """The portfolio; raises NoSuchPortfolio also for another owner's."""
        async with self._acting_for(owner) as connection:
            return await self._find(connection, owner, portfolio)

    async def find_with_positions(
        self, owner: str, portfolio: UUID
    ) -> tuple[PortfolioRecord, Sequence[tuple[UUID, Lot]]]:
        """The portfolio and its lots by id; raises NoSuchPortfolio also for another owner's."""
        async with self._acting_for(owner) as connection:
            record = await self._find(connection, owner, portfolio)
            return record, await store.positions(connection, owner, portfolio)

    async def page(self, owner: str, after: UUID | None, limit: int) -> Sequence[PortfolioRecord]:
        """At most `limit` of the owner's portfolios, in the order of their ids, beginning behind `after`."""
        async with self._acting_for(owner) as connection:
            return await store.page_of_portfolios(connection, owner, after, limit)

    async def new_names(self, owner: str, symbols: Sequence[str]) -> dict[str, str]:
        """The name that each of `symbols` has now, where it is not that one any more."""
        async with self._acting_for(owner) as connection:
            return await store.new_names(connection, symbols)

    async def delete(self, owner: str, portfolio: UUID) -> None:
        """Delete at a new version and say so; raises NoSuchPortfolio also for another owner's."""
        now = self._clock.now()
        async with self._acting_for(owner) as connection:
            deleted = await store.mark_deleted(connection, owner, portfolio, now)
            if deleted is None:
                raise _no_such(portfolio)
            version, first_session = deleted
            await store.insert_change(
                connection,
                owner=owner,
                portfolio=portfolio,
                version=version,
                first_affected_session=first_session,
                now=now,
            )
            await store.forget_file_creations(connection, owner, portfolio, FILE_KEY_PREFIX)
            await self._outbox.publish(
                connection,
                [
                    PortfolioChanged(
                        portfolio=portfolio,
                        owner=owner,
                        version=version,
                        first_affected_session=first_session,
                        deleted=True,
                    )
                ],
            )

    @asynccontextmanager
    async def _acting_for(self, owner: str) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            await act_for_owner(connection, store.API_ROLE, owner)
            yield connection

    async def _find(self, connection: AsyncConnection, owner: str, portfolio: UUID) -> PortfolioRecord:
        record = await store.find_portfolio(connection, owner, portfolio)
        if record is None:
            raise _no_such(portfolio)
        return record

    async def _earlier(self, connection: AsyncConnection, owner: str, key: CreationKey) -> UUID | None:
        earlier = await store.find_creation(connection, owner, key.key)
        if earlier is None:
            return None
        of_file = key.key.startswith(FILE_KEY_PREFIX)
        if earlier.deleted:
            raise CreatedAndDeleted(
                f"Portfolio {earlier.portfolio_id} was created under this Idempotency-Key and deleted since; "
                "send another key to create it again."
            )
        if earlier.request_hash != key.request_hash:
            what = "This file was imported" if of_file else "This Idempotency-Key was used"
            raise KeyReused(
                f"{what} with other content, which created portfolio {earlier.portfolio_id}; "
                f"send {'an' if of_file else 'another'} Idempotency-Key to create one more."
            )
        return earlier.portfolio_id

    async def _store_new(
        self, connection: AsyncConnection, owner: str, new: NewPortfolio, key: CreationKey | None
    ) -> Created:
        first_session = await self._first_session(connection, new.first_session)
        symbols = sorted({lot.symbol for lot in new.lots if lot.needs_prices_from(first_session)})
        unknown = await store.unknown_symbols(connection, symbols)
        waits = await self._take_turn(connection, unknown)
        portfolio, now = uuid4(), self._clock.now()
        await store.insert_portfolio(
            connection,
            owner=owner,
            portfolio=portfolio,
            name=new.name,
            first_session=first_session,
            declared_equity=new.declared_equity,
            lots=new.lots,
            now=now,
        )
        await store.insert_flows(connection, owner=owner, portfolio=portfolio, flows=new.flows)
        if key is not None:
            await store.remember_creation(
                connection,
                owner=owner,
                key=key.key,
                request_hash=key.request_hash,
                portfolio=portfolio,
                now=now,
            )
        changed = PortfolioChanged(portfolio=portfolio, owner=owner, version=1, first_affected_session=first_session)
        await self._outbox.publish(connection, [changed, *(SymbolRequested(symbol=symbol) for symbol in unknown)])
        return Created(portfolio, is_new=True, waits_its_turn=waits)

    async def _first_session(self, connection: AsyncConnection, named: date | None) -> date:
        """The first session of a new portfolio: the named one, or the last that is, or should be, published."""
        last = await store.published_session(connection)
        if last is None:
            last = await store.latest_session(connection, last_due_day(self._clock))
        if last is None:
            raise NoTradingSessions("The trading sessions are not published yet: symbol-batch has to run once.")
        if named is None:
            return last
        if named > last:
            raise FirstSessionRefused(f"first_session is {named}; the last published session is {last}.")
        if not await store.is_session(connection, named):
            raise FirstSessionRefused(f"first_session is {named}, which is no NYSE session that is known here.")
        return named

    async def _take_turn(self, connection: AsyncConnection, unknown: Sequence[str]) -> bool:
        """Whether the queue of new symbols is so long that `unknown` will wait; refuses above the hard limit.

        The limits guard a queue, they are no invariant: requests at the same moment may pass one together.
        """
        if not unknown:
            return False
        hard = self._settings.pending_symbols_hard_limit
        if len(unknown) > hard:
            raise TooManyUnknownSymbols(
                f"The portfolio has {len(unknown):,} symbols that are not known yet, and at most {hard:,} can be "
                "brought in at a time; split it."
            )
        pending, added = await store.symbol_queue(connection, unknown)
        if added and pending + added > hard:
            raise SymbolQueueFull(
                f"{pending:,} new symbols are being brought in and this portfolio would add {added:,}; at most "
                f"{hard:,} may wait. Nothing was stored: send the same request again later."
            )
        return pending + added > self._settings.pending_symbols_soft_limit


def status_of(record: PortfolioRecord) -> Status:
    """The portfolio's status at the moment it was read."""
    return derive(
        record.unknown, record.version, record.valued_version, valuation_failed=record.valuation_failed is not None
    )


def last_due_day(clock: Clock) -> date:
    """The last calendar day in New York whose 21:00 has passed."""
    local = clock.now().astimezone(NEW_YORK)
    return local.date() if local.hour >= NIGHT_HOUR else local.date() - timedelta(days=1)


def _no_such(portfolio: UUID) -> NoSuchPortfolio:
    return NoSuchPortfolio(f"You have no portfolio {portfolio}.")
