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
from onboarding.ledger.flows import flow_refusal
from onboarding.ledger.lots import insert_lots, symbols_of
from onboarding.ledger.withdrawals import excessive_withdrawals
from onboarding.refusals import FlowsRefused

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
    coming = [flow for _, flow in flows]
    excessive = await excessive_withdrawals(edit, coming)
    judged = [
        (row, flow_refusal(flow, edit.was.first_session) or excessive.get(index))
        for index, (row, flow) in enumerate(flows)
    ]
    if refused := [(row, refusal) for row, refusal in judged if refusal is not None]:
        raise FlowsRefused(refused, place="row")
    ids = await store.insert_flows(edit.connection, edit.owner, edit.portfolio_id, coming, version=edit.version)
    counts_on = await edit.each_counts_on(flow.day for flow in coming)
    return ids, [*counts_on.values()]
