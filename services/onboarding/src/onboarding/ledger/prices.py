"""Prices of options and private holdings as their owner says."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding import store
from onboarding.edits import Author, Changed, Edit, Edits, Logged, refuse_conflict
from onboarding.imports.lot import InvestmentClass, Lot
from onboarding.ledger.described import price_as_json
from onboarding.ledger.lots import find_lot
from onboarding.refusals import FieldRefused, NoSuchPrice, PublicPrice, VersionConflict
from onboarding.store import PriceRecord

SET = "price.set"
DELETED = "price.delete"


class PriceLedger:
    """Every method speaks for one owner; raises NoSuchPortfolio, NoSuchLot and NoSuchPrice also for another owner's."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits

    async def page(
        self, owner: str, portfolio: UUID, lot_id: UUID, after: date | None, limit: int
    ) -> Sequence[PriceRecord]:
        """At most `limit` prices by date, beginning behind `after`."""
        async with self._edits.reading(owner, portfolio) as connection:
            await find_lot(connection, owner, portfolio, lot_id)
            return await store.page_of_prices(connection, owner, portfolio, lot_id, after=after, limit=limit)

    async def find(self, owner: str, portfolio: UUID, lot_id: UUID, day: date) -> PriceRecord:
        async with self._edits.reading(owner, portfolio) as connection:
            await find_lot(connection, owner, portfolio, lot_id)
            return await _find(connection, owner, portfolio, lot_id, day)

    async def add(
        self, author: Author, portfolio: UUID, lot_id: UUID, day: date, price: Decimal
    ) -> tuple[Changed, PriceRecord]:
        """Say for the first time what one share or unit was worth on `day`, and until the next price.

        Raises VersionConflict where it was said before, PublicPrice for what is traded, and FieldRefused for a day on
        which the lot was not held.
        """
        async with self._edits.editing(author, portfolio) as edit:
            await _refuse_day(edit, lot_id, day)
            was = await store.find_price(edit.connection, edit.owner, portfolio, lot_id, day)
            if was is not None:
                raise VersionConflict(was.changed_version, _named(was))
            return await self._set(edit, lot_id, day, price, None)

    async def change(
        self,
        author: Author,
        portfolio: UUID,
        lot_id: UUID,
        day: date,
        price: Decimal,
        *,
        expected: frozenset[int] | None,
    ) -> tuple[Changed, PriceRecord]:
        """Put another price in the place of that of `day`. Raises as `add`, and VersionConflict."""
        async with self._edits.editing(author, portfolio) as edit:
            await _refuse_day(edit, lot_id, day)
            was = await _held(edit, lot_id, day, expected)
            return await self._set(edit, lot_id, day, price, was)

    async def delete(
        self, author: Author, portfolio: UUID, lot_id: UUID, day: date, expected: frozenset[int] | None
    ) -> Changed:
        """Take the price of a day away: the one before it counts on. Raises VersionConflict."""
        async with self._edits.editing(author, portfolio) as edit:
            await find_lot(edit.connection, edit.owner, portfolio, lot_id)
            was = await _held(edit, lot_id, day, expected)
            await store.delete_price(edit.connection, edit.owner, portfolio, lot_id, day)
            logged = Logged(action=DELETED, subject=lot_id, before=[price_as_json(lot_id, day, was.price)])
            return await self._edits.finish(edit, logged, await edit.counts_on(day))

    async def _set(
        self, edit: Edit, lot_id: UUID, day: date, price: Decimal, was: PriceRecord | None
    ) -> tuple[Changed, PriceRecord]:
        now = PriceRecord(position_id=lot_id, price_date=day, price=price, changed_version=edit.version)
        await store.set_price(edit.connection, edit.owner, edit.portfolio_id, now)
        before = None if was is None else [price_as_json(lot_id, day, was.price)]
        logged = Logged(action=SET, subject=lot_id, before=before, after=[price_as_json(lot_id, day, price)])
        return await self._edits.finish(edit, logged, await edit.counts_on(day)), now


async def _refuse_day(edit: Edit, lot_id: UUID, day: date) -> None:
    """Raise where the portfolio has no such lot, or the lot no price of its owner's on that day."""
    lot = await find_lot(edit.connection, edit.owner, edit.portfolio_id, lot_id)
    refusal = price_refusal(lot.lot, day)
    if refusal is not None:
        raise refusal


async def _find(connection: AsyncConnection, owner: str, portfolio: UUID, lot_id: UUID, day: date) -> PriceRecord:
    found = await store.find_price(connection, owner, portfolio, lot_id, day)
    if found is None:
        raise NoSuchPrice(f"Lot {lot_id} has no price of {day}; the first one is put with If-None-Match: *.")
    return found


async def _held(edit: Edit, lot_id: UUID, day: date, expected: frozenset[int] | None) -> PriceRecord:
    record = await _find(edit.connection, edit.owner, edit.portfolio_id, lot_id, day)
    refuse_conflict(expected, record.changed_version, _named(record))
    return record


def _named(record: PriceRecord) -> str:
    return f"the price of {record.price_date} of lot {record.position_id}"


def price_refusal(lot: Lot, day: date) -> PublicPrice | FieldRefused | None:
    """Why the lot has no price of its owner's on that day; null where it may have one."""
    if lot.investment_class is InvestmentClass.PUBLIC:
        return PublicPrice(
            f"{lot.symbol} is traded, and valued at its market's prices; only options and private holdings have "
            "prices of their owner's."
        )
    if day < lot.entry_date:
        message = f"The lot was not held before {lot.entry_date}."
        return FieldRefused("date", "price_before_entry", message, day.isoformat(), "Write a day on which it was held.")
    if lot.exit_date is not None and day > lot.exit_date:
        message = f"The lot was closed on {lot.exit_date}."
        return FieldRefused("date", "price_after_exit", message, day.isoformat(), "Write a day on which it was held.")
    return None
