"""What a file adds to a portfolio: lots and cash flows, in one version."""

from collections.abc import Sequence
from uuid import UUID

from onboarding.edits import Author, Changed, Edit, Edits, Logged, Repeated
from onboarding.idempotency import CreationKey
from onboarding.imports.flow import CashFlow
from onboarding.imports.lot import Lot
from onboarding.ledger.entering import enter
from onboarding.ledger.flows import flow_refusal
from onboarding.ledger.lots import refuse_too_many, symbols_of
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
            await refuse_too_many(edit, len(lots), self._edits.settings.portfolio_max_rows)
            await _refuse_flows(edit, flows)
            logged = Logged(action=IMPORTED, after=await enter(edit, lots, [flow for _, flow in flows]))
            affected = await edit.counts_on(min([*(lot.entry_date for lot in lots), *(flow.day for _, flow in flows)]))
            return await self._edits.finish(edit, logged, affected, key=key, symbols=symbols_of(edit, *lots))


async def _refuse_flows(edit: Edit, flows: Sequence[tuple[int, CashFlow]]) -> None:
    excessive = await excessive_withdrawals(edit, [flow for _, flow in flows])
    judged = [
        (row, flow_refusal(flow, edit.was.first_session) or excessive.get(index))
        for index, (row, flow) in enumerate(flows)
    ]
    if refused := [(row, refusal) for row, refusal in judged if refusal is not None]:
        raise FlowsRefused(refused, place="row")
