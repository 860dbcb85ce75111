"""The cash flows of a portfolio: deposits, withdrawals and fees, added, changed, deleted."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onboarding import store
from onboarding.edits import Author, Changed, Edit, Edits, Logged, Repeated, refuse_conflict
from onboarding.idempotency import CreationKey
from onboarding.imports.flow import CashFlow, FlowKind
from onboarding.ledger.described import flow_as_json
from onboarding.ledger.withdrawals import excessive_withdrawals
from onboarding.refusals import CreatedAndDeleted, FieldRefused, NoSuchFlow
from onboarding.store import FlowRecord

ADDED = "cash_flow.create"
EDITED = "cash_flow.edit"
DELETED = "cash_flow.delete"


class FlowLedger:
    """Every method speaks for one owner; raises NoSuchPortfolio and NoSuchFlow also for another owner's."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits

    async def page(
        self, owner: str, portfolio: UUID, *, after: UUID | None, limit: int, kind: FlowKind | None
    ) -> Sequence[FlowRecord]:
        """At most `limit` flows in the order of their ids, beginning behind `after`; null does not filter."""
        async with self._edits.reading(owner, portfolio) as connection:
            return await store.page_of_flows(connection, owner, portfolio, after=after, limit=limit, kind=kind)

    async def find(self, owner: str, portfolio: UUID, flow_id: UUID) -> FlowRecord:
        async with self._edits.reading(owner, portfolio) as connection:
            return await _find(connection, owner, portfolio, flow_id)

    async def add(
        self,
        author: Author,
        portfolio: UUID,
        flow: CashFlow,
        *,
        key: CreationKey | None,
        expected: frozenset[int] | None,
    ) -> tuple[Changed, FlowRecord]:
        """Add a flow. Raises VersionConflict, KeyReused, and FieldRefused for one that cannot be."""
        async with self._edits.editing_once(author, portfolio, key, expected) as edit:
            if isinstance(edit, Repeated):
                return await _done_before(edit)
            counts_on = await _judged(edit, flow, None)
            [flow_id] = await store.insert_flows(edit.connection, edit.owner, portfolio, [flow], version=edit.version)
            logged = Logged(action=ADDED, subject=flow_id, after=[flow_as_json(flow, flow_id)])
            done = await self._edits.finish(edit, logged, counts_on, key=key)
            return done, await _find(edit.connection, edit.owner, portfolio, flow_id)

    async def edit(
        self,
        author: Author,
        portfolio: UUID,
        flow_id: UUID,
        expected: frozenset[int] | None,
        change: Callable[[CashFlow], CashFlow],
    ) -> tuple[Changed, FlowRecord]:
        """Let the flow be what `change` makes of it; what that raises leaves it as it was. Raises VersionConflict."""
        async with self._edits.editing(author, portfolio) as edit:
            was = await _held(edit, flow_id, expected)
            flow = change(was.flow)
            counts_on = await _judged(edit, flow, was.flow)
            await store.change_flow(edit.connection, edit.owner, flow_id, flow, edit.version)
            before, after = [flow_as_json(was.flow, flow_id)], [flow_as_json(flow, flow_id)]
            logged = Logged(action=EDITED, subject=flow_id, before=before, after=after)
            affected = min(counts_on, await edit.counts_on(was.flow.day))
            return await self._edits.finish(edit, logged, affected), await _find(
                edit.connection, edit.owner, portfolio, flow_id
            )

    async def delete(self, author: Author, portfolio: UUID, flow_id: UUID, expected: frozenset[int] | None) -> Changed:
        """Take the flow away, as if it had never been. Raises VersionConflict."""
        async with self._edits.editing(author, portfolio) as edit:
            was = await _held(edit, flow_id, expected)
            await store.delete_flow(edit.connection, edit.owner, flow_id, edit.version)
            logged = Logged(action=DELETED, subject=flow_id, before=[flow_as_json(was.flow, flow_id)])
            return await self._edits.finish(edit, logged, await edit.counts_on(was.flow.day))


async def _find(connection: AsyncConnection, owner: str, portfolio: UUID, flow_id: UUID) -> FlowRecord:
    found = await store.find_flows(connection, owner, portfolio, [flow_id])
    if not found:
        raise NoSuchFlow(f"Portfolio {portfolio} has no cash flow {flow_id}.")
    return found[0]


async def _held(edit: Edit, flow_id: UUID, expected: frozenset[int] | None) -> FlowRecord:
    record = await _find(edit.connection, edit.owner, edit.portfolio_id, flow_id)
    refuse_conflict(expected, record.changed_version, f"cash flow {flow_id}")
    return record


async def _done_before(repeated: Repeated) -> tuple[Changed, FlowRecord]:
    """What a request did when it was first sent, with its flow as it is now."""
    done, change = await repeated.said()
    assert change.subject is not None, "a flow is the subject of its creation"
    found = await store.find_flows(repeated.connection, repeated.owner, done.portfolio_id, [change.subject])
    if not found:
        raise CreatedAndDeleted(
            f"Cash flow {change.subject} came of this Idempotency-Key and was deleted since; send another key to do it "
            "again."
        )
    return done, found[0]


async def _judged(edit: Edit, flow: CashFlow, was: CashFlow | None) -> date:
    """The session on which the flow counts; FieldRefused where it cannot be. `was` is what it takes the place of."""
    refusal = flow_refusal(flow, edit.was.first_session)
    if refusal is not None:
        raise refusal
    for excess in (await excessive_withdrawals(edit, [flow], [] if was is None else [was])).values():
        raise excess
    return await edit.counts_on(flow.day)


def flow_refusal(flow: CashFlow, first_session: date) -> FieldRefused | None:
    """Why a portfolio that begins on `first_session` cannot have the flow; null where it can."""
    if flow.day > first_session:
        return None
    return FieldRefused(
        "date",
        "flow_before_first_session",
        f"What came and went up to {first_session}, the portfolio's first session, is in the equity it begins with.",
        flow.day.isoformat(),
        f"Write a date after {first_session}, or correct the portfolio's declared_equity.",
    )
