"""Withdrawals take out at most what a portfolio is worth, where that is known."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate

from onboarding import store
from onboarding.edits import Edit
from onboarding.imports.flow import CashFlow, FlowKind
from onboarding.imports.mends import mend_of
from onboarding.ledger.described import as_text
from onboarding.refusals import FieldRefused
from onboarding.store import Worth

EXCESS = "withdrawal_exceeds_nav"


async def excessive_withdrawals(
    edit: Edit, coming: Sequence[CashFlow], gone: Sequence[CashFlow] = ()
) -> Mapping[int, FieldRefused]:
    """Which of the flows that are `coming` take out more than there is, by their index; `gone` are those they replace.

    There is what the portfolio was worth at its last snapshot, with what its flows came to since, each withdrawal
    beside all the others. A snapshot counts flows as they were at its version: what was added, changed or taken away
    since is known from the log. Without a snapshot nothing is known, and nothing refused.
    """
    asking = {index: flow for index, flow in enumerate(coming) if flow.kind is FlowKind.WITHDRAWAL}
    if not asking:
        return {}
    counts_on = await edit.each_counts_on(flow.day for flow in asking.values())
    worth = await store.worth_on(edit.connection, edit.portfolio_id, counts_on.values())
    if not worth:
        return {}
    cash = await _Cash.of(edit, next(iter(worth.values())).version, coming, gone)
    refused = {}
    for index, flow in asking.items():
        session = counts_on[flow.day]
        if session not in worth:
            continue
        # What is asked for does not count against itself.
        available = worth[session].nav + cash.since(worth[session].session, session) - flow.amount
        if -flow.amount > available:
            refused[index] = _refusal(flow, worth[session], available)
    return refused


class _Cash:
    """What flows come to by a day, signed: those of the ledger as it is to be, and what a fold has not seen of them."""

    def __init__(self, to_be: "_Running", unseen: "_Running") -> None:
        self._to_be, self._unseen = to_be, unseen

    @classmethod
    async def of(cls, edit: Edit, seen: int, coming: Sequence[CashFlow], gone: Sequence[CashFlow]) -> "_Cash":
        change = [*((flow.day, flow.amount) for flow in coming), *((flow.day, -flow.amount) for flow in gone)]
        ledger = await store.cash_by_day(edit.connection, edit.owner, edit.portfolio_id)
        logged = await store.changed_cash_by_day(edit.connection, edit.owner, edit.portfolio_id, seen)
        return cls(_Running([*ledger, *change]), _Running([*logged, *change]))

    def since(self, snapshot: date, until: date) -> Decimal:
        """What came by `until` that the snapshot does not count."""
        return self._to_be.by(until) - self._to_be.by(snapshot) + self._unseen.by(snapshot)


class _Running:
    """Sums of dated amounts up to any day."""

    def __init__(self, amounts: Iterable[tuple[date, Decimal]]) -> None:
        ordered = sorted(amounts)
        self._days = [day for day, _ in ordered]
        self._sums = list(accumulate((amount for _, amount in ordered), initial=Decimal(0)))

    def by(self, day: date) -> Decimal:
        return self._sums[bisect_right(self._days, day)]


def _refusal(flow: CashFlow, worth: Worth, available: Decimal) -> FieldRefused:
    return FieldRefused(
        "amount",
        EXCESS,
        f"The portfolio was worth {as_text(worth.nav)} USD on {worth.session}, and with the flows since it has "
        f"{as_text(available)} USD.",
        as_text(-flow.amount),
        mend_of(EXCESS),
    )
