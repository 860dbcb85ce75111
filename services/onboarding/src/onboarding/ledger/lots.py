"""The lots of a portfolio: added, changed, closed wholly or in part, deleted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding import store
from onboarding.edits import Author, Changed, Edit, Edits, Logged, Repeated, refuse_conflict
from onboarding.idempotency import CreationKey
from onboarding.imports.findings import Finding
from onboarding.imports.lot import InvestmentClass, Lot
from onboarding.imports.renames import listed_symbol, under_new_name
from onboarding.ledger.closing import Parted, close_part
from onboarding.ledger.described import lot_as_json, price_as_json
from onboarding.refusals import CreatedAndDeleted, LotClosed, NoSuchLot, TooManyLots
from onboarding.store import LotRecord

ADDED = "lot.create"
EDITED = "lot.edit"
CLOSED = "lot.close"
DELETED = "lot.delete"

LotChange: TypeAlias = Callable[[Lot], tuple[Lot, Sequence[Finding]]]
"""Makes of a lot what it is to be, with warnings; raises where that cannot be."""


@dataclass(frozen=True, slots=True)
class ClosedLots:
    """What a close made of a lot: `stays` is null where all of it was closed."""

    closed: LotRecord
    stays: LotRecord | None
    warnings: Sequence[Finding] = ()


class LotLedger:
    """Every method speaks for one owner; raises NoSuchPortfolio and NoSuchLot also for another owner's."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits

    async def page(
        self,
        owner: str,
        portfolio: UUID,
        *,
        after: UUID | None,
        limit: int,
        symbol: str | None,
        is_open: bool | None,
    ) -> Sequence[LotRecord]:
        """At most `limit` lots in the order of their ids, beginning behind `after`; null does not filter."""
        async with self._edits.reading(owner, portfolio) as connection:
            return await store.page_of_lots(
                connection, owner, portfolio, after=after, limit=limit, symbol=symbol, is_open=is_open
            )

    async def find(self, owner: str, portfolio: UUID, lot_id: UUID) -> LotRecord:
        async with self._edits.reading(owner, portfolio) as connection:
            return await find_lot(connection, owner, portfolio, lot_id)

    async def add(
        self,
        author: Author,
        portfolio: UUID,
        lots: Sequence[Lot],
        *,
        key: CreationKey | None,
        expected: frozenset[int] | None,
    ) -> tuple[Changed, Sequence[LotRecord]]:
        """Add all of `lots`, in one version; returns them in their order.

        Raises TooManyLots, VersionConflict, KeyReused, and what asking for new symbols raises.
        """
        async with self._edits.editing_once(author, portfolio, key, expected) as edit:
            if isinstance(edit, Repeated):
                return await _done_before(edit)
            await refuse_too_many(edit, len(lots), self._edits.settings.portfolio_max_rows)
            ids = await store.insert_lots(edit.connection, edit.owner, portfolio, lots, version=edit.version)
            logged = Logged(
                action=ADDED,
                subject=ids[0] if len(ids) == 1 else None,
                after=[lot_as_json(lot_id, lot) for lot_id, lot in zip(ids, lots, strict=True)],
            )
            affected = await edit.counts_on(min(lot.entry_date for lot in lots))
            symbols = symbols_of(edit, *lots)
            done = await self._edits.finish(edit, logged, affected, key=key, symbols=symbols)
            return done, await _in_order(edit.connection, edit.owner, portfolio, ids)

    async def edit(
        self,
        author: Author,
        portfolio: UUID,
        lot_id: UUID,
        expected: frozenset[int] | None,
        change: LotChange,
    ) -> tuple[Changed, LotRecord, Sequence[Finding]]:
        """Let the lot be what `change` makes of it; what that raises leaves it as it was. Raises VersionConflict.

        A symbol that it did not name before is entered by the name that it has now. Returns the warnings too.
        """
        async with self._edits.editing(author, portfolio) as edit:
            was = await _held(edit, lot_id, expected)
            lot, rounded = change(was.lot)
            lot, renamed = await _named_now(edit, was.lot, lot)
            await store.change_lot(edit.connection, edit.owner, lot_id, lot, edit.version)
            logged = Logged(
                action=EDITED,
                subject=lot_id,
                before=[lot_as_json(lot_id, was.lot, was.split_from)],
                after=[lot_as_json(lot_id, lot, was.split_from)],
            )
            affected = await edit.counts_on(_earliest_difference(was.lot, lot))
            done = await self._edits.finish(edit, logged, affected, symbols=symbols_of(edit, lot))
            return done, await find_lot(edit.connection, edit.owner, portfolio, lot_id), [*rounded, *renamed]

    async def close(
        self,
        author: Author,
        portfolio: UUID,
        lot_id: UUID,
        *,
        key: CreationKey | None,
        expected: frozenset[int] | None,
        change: LotChange,
        quantity: Decimal | None,
    ) -> tuple[Changed, ClosedLots]:
        """Close the lot, or `quantity` shares of it as of the exit date, with the exit that `change` gives it.

        A part that is closed becomes a lot of its own; what stays keeps its id. Raises LotClosed, VersionConflict,
        KeyReused, and FieldRefused for more than is held.
        """
        async with self._edits.editing_once(author, portfolio, key) as edit:
            if isinstance(edit, Repeated):
                done, lots = await _done_before(edit)
                return done, _closed(lots)
            was = await _held(edit, lot_id, expected)
            if was.lot.exit_date is not None:
                raise LotClosed(
                    f"The lot was closed on {was.lot.exit_date}. To open it again, PATCH it with exit_date null."
                )
            whole, warnings = change(was.lot)
            assert whole.exit_date is not None, "a close has a date"
            parted = close_part(whole, quantity, await _ratios(edit, whole, whole.exit_date))
            ids, after = await _store_parted(edit, was, parted)
            before = [lot_as_json(lot_id, was.lot, was.split_from)]
            logged = Logged(action=CLOSED, subject=ids[0], before=before, after=after)
            # Two lots in place of one are two lots from the entry on: how many there were is in every snapshot since.
            affected = await edit.counts_on(whole.exit_date if parted.stays is None else was.lot.entry_date)
            changed = await self._edits.finish(edit, logged, affected, key=key)
            return changed, _closed(await _in_order(edit.connection, edit.owner, portfolio, ids), warnings)

    async def delete(self, author: Author, portfolio: UUID, lot_id: UUID, expected: frozenset[int] | None) -> Changed:
        """Take the lot away, as if it had never been held. Raises VersionConflict."""
        async with self._edits.editing(author, portfolio) as edit:
            was = await _held(edit, lot_id, expected)
            await store.delete_lot(edit.connection, edit.owner, lot_id, edit.version)
            logged = Logged(action=DELETED, subject=lot_id, before=[lot_as_json(lot_id, was.lot, was.split_from)])
            return await self._edits.finish(edit, logged, await edit.counts_on(was.lot.entry_date))


async def refuse_too_many(edit: Edit, more: int, most: int) -> None:
    """Raise TooManyLots where the portfolio would have more than `most` with so many `more`."""
    if await store.count_lots(edit.connection, edit.owner, edit.portfolio_id) + more > most:
        raise TooManyLots(f"A portfolio has at most {most:,} lots; put these into another one.")


async def find_lot(connection: AsyncConnection, owner: str, portfolio: UUID, lot_id: UUID) -> LotRecord:
    """The lot; raises NoSuchLot where the portfolio has none with this id."""
    found = await store.find_lots(connection, owner, portfolio, [lot_id])
    if not found:
        raise NoSuchLot(f"Portfolio {portfolio} has no lot {lot_id}.")
    return found[0]


async def _held(edit: Edit, lot_id: UUID, expected: frozenset[int] | None) -> LotRecord:
    record = await find_lot(edit.connection, edit.owner, edit.portfolio_id, lot_id)
    refuse_conflict(expected, record.changed_version, f"lot {lot_id}")
    return record


async def _in_order(
    connection: AsyncConnection, owner: str, portfolio: UUID, ids: Sequence[UUID]
) -> Sequence[LotRecord]:
    """Those of `ids` that there are, in the order of `ids`."""
    found = {record.position_id: record for record in await store.find_lots(connection, owner, portfolio, ids)}
    return [found[each] for each in ids if each in found]


async def _done_before(repeated: Repeated) -> tuple[Changed, Sequence[LotRecord]]:
    """What a request did when it was first sent, with its lots as they are now."""
    done, change = await repeated.said()
    ids = [UUID(each["position_id"]) for each in change.after or () if "symbol" in each]
    lots = await _in_order(repeated.connection, repeated.owner, done.portfolio_id, ids)
    if len(lots) < len(ids):
        raise CreatedAndDeleted(
            f"Version {done.version} of portfolio {done.portfolio_id} came of this Idempotency-Key, and some of its "
            "lots were deleted since; send another key to do it again."
        )
    return done, lots


def _closed(lots: Sequence[LotRecord], warnings: Sequence[Finding] = ()) -> ClosedLots:
    return ClosedLots(lots[0], lots[1] if len(lots) > 1 else None, warnings)


async def _named_now(edit: Edit, was: Lot, lot: Lot) -> tuple[Lot, Sequence[Finding]]:
    """The lot with the present name of the symbol that it came to name, and a warning where that is another one.

    A name that it had before stays: it changes with those of all holders, once the edition has the new one.
    """
    listed = listed_symbol(lot)
    if listed is None or listed == listed_symbol(was):
        return lot, ()
    return under_new_name(lot, await store.new_names(edit.connection, [listed[1]]))


async def _store_parted(edit: Edit, was: LotRecord, parted: Parted) -> tuple[list[UUID], list[dict[str, Any]]]:
    """The ids of what was closed and of what stays, and both as the log says them, with prices that were copied."""
    connection, owner, lot_id = edit.connection, edit.owner, was.position_id
    if parted.stays is None:
        await store.change_lot(connection, owner, lot_id, parted.closed, edit.version)
        return [lot_id], [lot_as_json(lot_id, parted.closed, was.split_from)]
    await store.change_lot(connection, owner, lot_id, parted.stays, edit.version)
    [closed_id] = await store.insert_lots(
        connection, owner, edit.portfolio_id, [parted.closed], version=edit.version, split_from=lot_id
    )
    # What was worth so much before the part was closed was worth it in both parts.
    copied = await store.copy_prices(connection, owner, lot_id, copy=closed_id, version=edit.version)
    after = [lot_as_json(closed_id, parted.closed, lot_id), lot_as_json(lot_id, parted.stays, was.split_from)]
    after += [price_as_json(closed_id, day, price) for day, price in copied]
    return [closed_id, lot_id], after


async def _ratios(edit: Edit, lot: Lot, until: date) -> Sequence[Decimal]:
    """Of the splits between the lot's entry and `until`. An option's contracts and private units stay as they are."""
    if lot.investment_class is not InvestmentClass.PUBLIC:
        return ()
    return await store.split_ratios(edit.connection, lot.symbol, lot.entry_date, until)


def symbols_of(edit: Edit, *lots: Lot) -> set[str]:
    """The symbols whose prices the portfolio needs for the lots."""
    return {symbol for lot in lots for symbol in lot.symbols_to_price(edit.was.first_session)}


def _earliest_difference(was: Lot, now: Lot) -> date:
    """The first day on which it matters which of the two was held."""
    if replace(was, exit_date=None, exit_price=None, exit_fee=now.exit_fee) == replace(
        now, exit_date=None, exit_price=None
    ):
        days = [day for day in (was.exit_date, now.exit_date) if day is not None]
        if days:
            return min(days)
    return min(was.entry_date, now.entry_date)
