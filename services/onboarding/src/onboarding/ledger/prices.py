"""Prices of options and private holdings as their owner says."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from onboarding import store
from onboarding.edits import Author, Changed, Edit, Edits, Logged
from onboarding.imports.lot import InvestmentClass, Lot
from onboarding.ledger.described import price_as_json
from onboarding.ledger.lots import find_lot
from onboarding.refusals import FieldRefused, NoSuchPrice, PublicPrice
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

    async def set(
        self, author: Author, portfolio: UUID, lot_id: UUID, day: date, price: Decimal
    ) -> tuple[Changed, PriceRecord]:
        """Say what one share or unit was worth on `day`, and until the next price.

        Raises PublicPrice for what is traded, and FieldRefused for a day on which the lot was not held.
        """
        async with self._edits.editing(author, portfolio) as edit:
            assert isinstance(edit, Edit)
            lot = await find_lot(edit.connection, edit.owner, portfolio, lot_id)
            refusal = price_refusal(lot.lot, day)
            if refusal is not None:
                raise refusal
            was = await store.find_price(edit.connection, edit.owner, portfolio, lot_id, day)
            now = PriceRecord(position_id=lot_id, price_date=day, price=price, changed_version=edit.version)
            await store.set_price(edit.connection, edit.owner, portfolio, now)
            before = None if was is None else [price_as_json(lot_id, day, was.price)]
            logged = Logged(action=SET, subject=lot_id, before=before, after=[price_as_json(lot_id, day, price)])
            return await self._edits.finish(edit, logged, await edit.counts_on(day)), now

    async def delete(self, author: Author, portfolio: UUID, lot_id: UUID, day: date) -> Changed:
        """Take the price of a day away: the one before it counts on."""
        async with self._edits.editing(author, portfolio) as edit:
            assert isinstance(edit, Edit)
            await find_lot(edit.connection, edit.owner, portfolio, lot_id)
            was = await store.find_price(edit.connection, edit.owner, portfolio, lot_id, day)
            if was is None:
                raise NoSuchPrice(f"Lot {lot_id} has no price of {day}.")
            await store.delete_price(edit.connection, edit.owner, portfolio, lot_id, day)
            logged = Logged(action=DELETED, subject=lot_id, before=[price_as_json(lot_id, day, was.price)])
            return await self._edits.finish(edit, logged, await edit.counts_on(day))


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
