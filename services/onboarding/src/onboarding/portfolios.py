"""Portfolios of owners: created with everything that follows from it, found, described anew, deleted.

Each stores and says what it must in one transaction and values nothing itself.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onboarding import store
from onboarding.edits import Author, Changed, Done, Edit, Edits, Logged, no_such_portfolio
from onboarding.idempotency import CREATION, FILE_KEY_PREFIX, CreationKey, earlier_under
from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import Lot
from onboarding.ledger import Ledger, enter, flow_refusal, portfolio_as_json, price_refusal
from onboarding.refusals import FirstSessionRefused, FlowsRefused, NoTradingSessions
from onboarding.settings import OnboardingSettings
from onboarding.status import Status, derive
from onboarding.store import Change, PortfolioRecord, PortfolioRow
from riskstream.messaging.outbox import Outbox
from riskstream.runtime.clock import NEW_YORK, Clock

NIGHT_HOUR = 21
"""In New York: from then on a session counts as due, published or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPortfolio:
    """What a portfolio is made of."""

    name: str
    lots: Sequence[Lot]
    flows: Sequence[CashFlow] = ()
    """After the first session: what came and went before is in the equity."""
    prices: Sequence[Mapping[date, Decimal]] = ()
    """What each lot was worth on which day, as its owner says; empty where nobody has said any."""
    declared_equity: Decimal | None = None
    first_session: date | None = None
    """Null: the session of the current edition."""

    def symbols_to_price(self, first_session: date) -> set[str]:
        """The symbols whose prices it needs from then on."""
        return {symbol for lot in self.lots for symbol in lot.symbols_to_price(first_session)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeLedger:
    """Everything that a portfolio is made of, as of one snapshot of the database."""

    record: PortfolioRecord
    lots: Sequence[Lot]
    prices: Sequence[Mapping[date, Decimal]]
    """Of each lot, on days on which it may have one: others count for nothing."""
    flows: Sequence[CashFlow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is said about a portfolio anew. Null leaves a name; an equity is left unless `redeclares`."""

    name: str | None = None
    declared_equity: Decimal | None = None
    redeclares: bool = False

    def equity_of(self, was: Decimal | None) -> Decimal | None:
        return self.declared_equity if self.redeclares else was


class Portfolios:
    """The portfolios of all owners; every method speaks for one owner and sees only theirs."""

    def __init__(self, engine: AsyncEngine, outbox: Outbox, clock: Clock, settings: OnboardingSettings) -> None:
        self._edits = Edits(engine, outbox, clock, settings)
        self._clock = clock
        self._settings = settings
        self.ledger = Ledger(self._edits)
        """The lots, flows and prices in them."""

    async def create(self, author: Author, new: NewPortfolio, key: CreationKey | None) -> Done:
        """Store the portfolio and say `portfolio.changed` and one `symbol.requested` for each unknown symbol.

        With a key that was used before for the same content nothing is stored, and what was created then is
        returned. Raises the refusals KeyReused, CreatedAndDeleted, FirstSessionRefused, FlowsRefused,
        NoTradingSessions, SymbolQueueFull and TooManyUnknownSymbols; then nothing is stored.
        """
        async with self._edits.acting_for(author.owner) as connection:
            earlier = None if key is None else await earlier_under(connection, author.owner, key)
            if earlier is not None:
                return Done(portfolio_id=earlier.portfolio_id, is_new=False)
            return await self._store_new(connection, author, new, key)

    async def check(self, owner: str, new: NewPortfolio, key: CreationKey | None) -> None:
        """Raise what `create` would raise now; store nothing."""
        async with self._edits.acting_for(owner) as connection:
            if key is None or await earlier_under(connection, owner, key) is None:
                first_session = await self._judged(connection, new)
                await self._edits.take_turn(connection, new.symbols_to_price(first_session))

    async def first_session(self, owner: str, named: date | None) -> date:
        """The first session that a portfolio created now would have; raises as `create` does for a bad one."""
        async with self._edits.acting_for(owner) as connection:
            return await self._first_session(connection, named)

    async def settled(self, owner: str, done: Done) -> PortfolioRecord:
        """The portfolio as soon as it is no longer pending, or as it is when the wait is over.

        Raises NoSuchPortfolio where it was deleted meanwhile.
        """
        wait = 0.0 if done.waits_its_turn or not done.is_new else self._settings.valuation_wait_ms / 1000
        until = time.monotonic() + wait
        while True:
            record = await self.find(owner, done.portfolio_id)
            left = until - time.monotonic()
            if status_of(record) is not Status.PENDING or left <= 0:
                return record
            await asyncio.sleep(min(left, self._settings.valuation_poll_ms / 1000))

    async def find(self, owner: str, portfolio: UUID) -> PortfolioRecord:
        """The portfolio; raises NoSuchPortfolio also for another owner's."""
        async with self._edits.acting_for(owner) as connection:
            return await self._find(connection, owner, portfolio)

    async def find_with_positions(
        self, owner: str, portfolio: UUID
    ) -> tuple[PortfolioRecord, Sequence[tuple[UUID, Lot]]]:
        """The portfolio and its lots by id; raises NoSuchPortfolio also for another owner's."""
        async with self._edits.acting_for(owner) as connection:
            record = await self._find(connection, owner, portfolio)
            return record, await store.positions(connection, owner, portfolio)

    async def find_whole(self, owner: str, portfolio: UUID) -> WholeLedger:
        """The portfolio with its lots, flows and prices; raises NoSuchPortfolio also for another owner's."""
        async with self._edits.acting_for(owner) as connection:
            record = await self._find(connection, owner, portfolio)
            lots = await store.positions(connection, owner, portfolio)
            said = await store.all_prices(connection, owner, portfolio)
            flows = await store.all_flows(connection, owner, portfolio)
        prices: dict[UUID, dict[date, Decimal]] = defaultdict(dict)
        for price in said:
            prices[price.position_id][price.price_date] = price.price
        counted = [
            {day: price for day, price in prices[lot_id].items() if price_refusal(lot, day) is None}
            for lot_id, lot in lots
        ]
        return WholeLedger(record=record, lots=[lot for _, lot in lots], prices=counted, flows=flows)

    async def page(self, owner: str, after: UUID | None, limit: int) -> Sequence[PortfolioRecord]:
        """At most `limit` of the owner's portfolios, in the order of their ids, beginning behind `after`."""
        async with self._edits.acting_for(owner) as connection:
            return await store.page_of_portfolios(connection, owner, after, limit)

    async def new_names(self, owner: str, symbols: Sequence[str]) -> dict[str, str]:
        """The name that each of `symbols` has now, where it is not that one any more."""
        async with self._edits.acting_for(owner) as connection:
            return await store.new_names(connection, symbols)

    async def describe(
        self, author: Author, portfolio: UUID, description: Description, expected: frozenset[int] | None
    ) -> Changed:
        """Give the portfolio another name or another equity that it began with.

        Raises NoSuchPortfolio also for another owner's, and VersionConflict.
        """
        async with self._edits.editing(author, portfolio, expected) as edit:
            now = replace(
                edit.was,
                name=edit.was.name if description.name is None else description.name,
                declared_equity=description.equity_of(edit.was.declared_equity),
            )
            await store.describe_portfolio(edit.connection, edit.owner, portfolio, now.name, now.declared_equity)
            same_figures = now.declared_equity == edit.was.declared_equity
            affected = await edit.published() if same_figures else edit.was.first_session
            logged = Logged(
                action="portfolio.edit", before=[portfolio_as_json(edit.was)], after=[portfolio_as_json(now)]
            )
            return await self._edits.finish(edit, logged, affected)

    async def delete(self, author: Author, portfolio: UUID, expected: frozenset[int] | None) -> None:
        """Delete at a new version and say so; raises NoSuchPortfolio also for another owner's, and VersionConflict."""
        async with self._edits.editing(author, portfolio, expected) as edit:
            await store.mark_deleted(edit.connection, edit.owner, portfolio, edit.now)
            await store.forget_file_keys(edit.connection, edit.owner, portfolio, FILE_KEY_PREFIX)
            logged = Logged(action="portfolio.delete", before=[portfolio_as_json(edit.was)])
            await self._edits.finish(edit, logged, edit.was.first_session, deleted=True)

    async def changes(self, owner: str, portfolio: UUID, after: int | None, limit: int) -> Sequence[Change]:
        """At most `limit` changes, the newest first, beginning behind the version `after`."""
        async with self._edits.reading(owner, portfolio) as connection:
            return await store.page_of_changes(connection, owner, portfolio, after, limit)

    async def _find(self, connection: AsyncConnection, owner: str, portfolio: UUID) -> PortfolioRecord:
        record = await store.find_portfolio(connection, owner, portfolio)
        if record is None:
            raise no_such_portfolio(portfolio)
        return record

    async def _store_new(
        self, connection: AsyncConnection, author: Author, new: NewPortfolio, key: CreationKey | None
    ) -> Changed:
        first_session = await self._judged(connection, new)
        owner, row = (
            author.owner,
            PortfolioRow(
                portfolio_id=uuid4(),
                name=new.name,
                version=0,
                first_session=first_session,
                declared_equity=new.declared_equity,
            ),
        )
        edit = Edit(connection, author, row, self._clock.now())
        await store.insert_portfolio(connection, owner, row, edit.now)
        entered = await enter(edit, new.lots, new.flows, new.prices)
        return await self._edits.finish(
            edit,
            Logged(action=CREATION, after=[portfolio_as_json(row), *entered]),
            first_session,
            key=key,
            symbols=new.symbols_to_price(first_session),
        )

    async def _judged(self, connection: AsyncConnection, new: NewPortfolio) -> date:
        """The first session that the portfolio is to have; raises FirstSessionRefused and FlowsRefused."""
        first_session = await self._first_session(connection, new.first_session)
        judged = ((index, flow_refusal(flow, first_session)) for index, flow in enumerate(new.flows))
        if refused := [(index, refusal) for index, refusal in judged if refusal is not None]:
            raise FlowsRefused(refused)
        return first_session

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


def status_of(record: PortfolioRecord) -> Status:
    """The portfolio's status at the moment it was read."""
    return derive(
        record.unknown, record.version, record.valued_version, valuation_failed=record.valuation_failed is not None
    )


def last_due_day(clock: Clock) -> date:
    """The last calendar day in New York whose 21:00 has passed."""
    local = clock.now().astimezone(NEW_YORK)
    return local.date() if local.hour >= NIGHT_HOUR else local.date() - timedelta(days=1)
