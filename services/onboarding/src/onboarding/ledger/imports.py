"""What a file adds to a portfolio: lots and cash flows, in one version."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from onboarding import store
from onboarding.edits import Author, Changed, Edit, Edits, Logged, Repeated
from onboarding.idempotency import CreationKey
from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import Lot
from onboarding.ledger.described import flow_as_json, lot_as_json
from onboarding.ledger.flows import bound_withdrawal, flow_refusal
from onboarding.ledger.lots import insert_lots, symbols_of
from onboarding.refusals import FieldRefused, FlowsRefused

IMPORTED = "portfolio.import"


class ImportLedger:
    """Speaks for one owner; raises NoSuchPortfolio also for another owner's."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits

    async def add(
        self,
        author: Author,
        portfolio: UUID,
        lots: Sequence[Lot],
        flows: Sequence[tuple[int, CashFlow]],
        *,
        key: CreationKey,
        expected: frozenset[int] | None,
    ) -> Changed:
        """Add all lots, of which there is at least one, and all flows, each with its row.

        Raises TooManyLots, VersionConflict, KeyReused, FlowsRefused for flows that cannot be, and what asking for new
        symbols raises; then nothing is stored.
        """
        async with self._edits.editing(author, portfolio, key, expected) as edit:
            if isinstance(edit, Repeated):
                done, _ = await edit.said()
                return done
            ids = await insert_lots(edit, lots, self._edits.settings.portfolio_max_rows)
            flow_ids, days = await _insert_flows(edit, flows)
            after = [lot_as_json(lot_id, lot) for lot_id, lot in zip(ids, lots, strict=True)]
            after += [flow_as_json(flow, flow_id) for flow_id, (_, flow) in zip(flow_ids, flows, strict=True)]
            affected = min([await edit.counts_on(min(lot.entry_date for lot in lots)), *days])
            logged = Logged(action=IMPORTED, after=after)
            return await self._edits.finish(edit, logged, affected, key=key, symbols=symbols_of(edit, *lots))


async def _insert_flows(edit: Edit, flows: Sequence[tuple[int, CashFlow]]) -> tuple[list[UUID], list[date]]:
    """The ids of the flows, and the sessions on which they count."""
    ids = await store.insert_flows(
        edit.connection, edit.owner, edit.portfolio_id, [flow for _, flow in flows], version=edit.version
    )
    days: list[date] = []
    refused: list[tuple[int, FieldRefused]] = []
    for row, flow in flows:
        counts_on = await edit.counts_on(flow.day)
        refusal = flow_refusal(flow, edit.was.first_session)
        try:
            # All flows of the file are in by now: each withdrawal is judged beside the others.
            await bound_withdrawal(edit, flow, flow, counts_on)
        except FieldRefused as error:
            refusal = refusal or error
        if refusal is not None:
            refused.append((row, refusal))
        days.append(counts_on)
    if refused:
        raise FlowsRefused(refused, place="row")
    return ids, days
