"""What a file adds to a portfolio: lots and cash flows, in one version."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from onboarding.edits import Author, Changed, Edit, Edits, Logged, Repeated
from onboarding.idempotency import CreationKey
from onboarding.imports.findings import Finding
from onboarding.imports.flow import FlowRow
from onboarding.imports.movements import without_flows
from onboarding.imports.rows import Validated
from onboarding.ledger.described import flow_as_json
from onboarding.ledger.entering import enter
from onboarding.ledger.lots import refuse_too_many, symbols_of
from onboarding.ledger.withdrawals import EXCESS, excessive_withdrawals
from onboarding.store import Change

IMPORTED = "portfolio.import"


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to in this portfolio, and what it changed: null where nothing was to be stored, or could be."""

    found: Validated
    changed: Changed | None


class ImportLedger:
    """Speaks for one owner; raises NoSuchPortfolio also for another owner's."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits

    async def add(
        self,
        author: Author,
        portfolio: UUID,
        found: Validated,
        *,
        partly: bool,
        dry_run: bool,
        key: CreationKey,
        expected: frozenset[int] | None,
    ) -> Imported:
        """Add the lots of a file, and its flows after the first session.

        With errors nothing is stored, or `partly` the rows without any. A withdrawal of more than there is is an error
        of its row. A dry run finds and raises the same and stores nothing.

        Raises TooManyLots, VersionConflict, KeyReused, and what asking for new symbols raises; then nothing is stored
        either.
        """
        async with self._edits.editing_once(author, portfolio, key, expected) as edit:
            if isinstance(edit, Repeated):
                done, change = await edit.said()
                return Imported(_judged_before(found, change), done)
            found = await _judged(edit, found)
            if not found.is_storable(partly=partly):
                return Imported(found, None)
            flows = [row.flow for row in found.flows]
            affected = await edit.counts_on(
                min([*(lot.entry_date for lot in found.lots), *(flow.day for flow in flows)])
            )
            symbols = symbols_of(edit, *found.lots)
            await refuse_too_many(edit, len(found.lots), self._edits.settings.portfolio_max_rows)
            if dry_run:
                await self._edits.take_turn(edit.connection, symbols)
                return Imported(found, None)
            logged = Logged(action=IMPORTED, after=await enter(edit, found.lots, flows))
            return Imported(found, await self._edits.finish(edit, logged, affected, key=key, symbols=symbols))


async def _judged(edit: Edit, found: Validated) -> Validated:
    """The same, with an error in place of each withdrawal of more than there is."""
    excessive = await excessive_withdrawals(edit, [row.flow for row in found.flows])
    wrong = {index: _excess(found.flows[index], str(refusal)) for index, refusal in excessive.items()}
    return without_flows(found, wrong)


def _judged_before(found: Validated, change: Change) -> Validated:
    """The same as it was judged when the file was first sent: what is not in the log of then was refused."""
    stored = Counter(_said(flow) for flow in change.after or () if "flow_id" in flow)
    wrong = {}
    for index, row in enumerate(found.flows):
        said = _said(flow_as_json(row.flow))
        if not stored[said]:
            wrong[index] = _excess(row, "It was more than the portfolio was worth when the file was first sent.")
        stored[said] -= 1
    return without_flows(found, wrong)


def _said(flow: Mapping[str, Any]) -> tuple[str, ...]:
    return flow["kind"], flow["amount"], flow["date"], flow["note"]


def _excess(row: FlowRow, message: str) -> Finding:
    return Finding(row.place, None, EXCESS, message, row.amount, row.amount_title)
