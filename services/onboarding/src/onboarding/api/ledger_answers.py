"""The bodies of answers about lots, flows, prices and changes."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self, TypeAlias
from uuid import UUID

from pydantic import Field

from onboarding.api.answers import (
    Answer,
    ImportReport,
    PortfolioSummary,
    Position,
    field_finding,
    position_of,
    summary_of,
)
from onboarding.edits import Author, Changed
from onboarding.imports.flow import FlowKind
from onboarding.ledger import ClosedLots
from onboarding.portfolios import Portfolios, status_of
from onboarding.status import Status
from onboarding.store import Change, FlowRecord, LotRecord, PortfolioRecord, PriceRecord

Day: TypeAlias = date
"""The type, where a member is called `date`."""


class LotAnswer(Position):
    split_from: UUID | None = Field(description="The lot that a partial close took it from.")
    created_version: int
    changed_version: int = Field(description="Its ETag: the portfolio's version that changed it last.")
    entry_counts_on: date | None = Field(
        description="The NYSE session on which the entry counts: the next one, for a day without; the portfolio's "
        "first session for what was bought before."
    )
    exit_counts_on: date | None

    @classmethod
    def of(cls, record: LotRecord) -> Self:
        return cls(
            **position_of(record.position_id, record.lot).model_dump(),
            split_from=record.split_from,
            created_version=record.created_version,
            changed_version=record.changed_version,
            entry_counts_on=record.entry_counts_on,
            exit_counts_on=record.exit_counts_on,
        )


class CashFlowAnswer(Answer):
    flow_id: UUID
    kind: FlowKind = Field(description="Deposits and withdrawals are no gain and no loss; a fee is a loss.")
    amount: Decimal = Field(description="USD, above 0; its kind says which way it went.")
    date: Day
    note: str
    created_version: int
    changed_version: int = Field(description="Its ETag: the portfolio's version that changed it last.")
    counts_on: Day | None = Field(description="The NYSE session at whose close it counts.")

    @classmethod
    def of(cls, record: FlowRecord) -> Self:
        return cls(
            flow_id=record.flow_id,
            kind=record.flow.kind,
            amount=abs(record.flow.amount),
            date=record.flow.day,
            note=record.flow.note,
            created_version=record.created_version,
            changed_version=record.changed_version,
            counts_on=record.counts_on,
        )


class PriceAnswer(Answer):
    date: Day
    price: Decimal = Field(description="USD per share or unit, from that day until the next price.")
    changed_version: int = Field(description="Its ETag: the portfolio's version that changed it last.")

    @classmethod
    def of(cls, record: PriceRecord) -> Self:
        return cls(date=record.price_date, price=record.price, changed_version=record.changed_version)


class ChangeMade(Answer):
    """What a change led to. `pending` until the portfolio is valued at this version."""

    portfolio_id: UUID
    version: int
    first_affected_session: date = Field(description="From which session on valuations differ.")
    status: Status
    status_address: str


class AddedLots(ChangeMade):
    lots: list[LotAnswer]
    warnings: list[dict[str, Any]] = Field(description="Findings that refused nothing, by index and field.")


class AddedFile(ChangeMade):
    """What a file added, in this version."""

    report: ImportReport


class ChangedLot(ChangeMade):
    lot: LotAnswer
    warnings: list[dict[str, Any]] = Field(description="Findings that refused nothing, by field.")


class ClosedLot(ChangeMade):
    closed: LotAnswer
    remaining: LotAnswer | None = Field(description="The lot with what is still held; null where all was closed.")
    warnings: list[dict[str, Any]] = Field(description="Findings that refused nothing, by field.")

    @classmethod
    def of(cls, made: dict[str, Any], lots: ClosedLots) -> Self:
        remaining = None if lots.stays is None else LotAnswer.of(lots.stays)
        warnings = [field_finding(finding) for finding in lots.warnings]
        return cls(**made, closed=LotAnswer.of(lots.closed), remaining=remaining, warnings=warnings)


class ChangedCashFlow(ChangeMade):
    cash_flow: CashFlowAnswer


class ChangedPrice(ChangeMade):
    price: PriceAnswer
    counts_on: date = Field(description="The NYSE session from which on it counts.")


class ChangedPortfolio(PortfolioSummary):
    first_affected_session: date

    @classmethod
    def by(cls, record: PortfolioRecord, changed: Changed) -> Self:
        return cls(**summary_of(record), first_affected_session=changed.first_affected_session)


class Lots(Answer):
    lots: list[LotAnswer]
    next: str | None = Field(description="The address of the next page; null on the last one.")


class CashFlows(Answer):
    cash_flows: list[CashFlowAnswer]
    next: str | None = Field(description="The address of the next page; null on the last one.")


class Prices(Answer):
    prices: list[PriceAnswer]
    next: str | None = Field(description="The address of the next page; null on the last one.")


class LoggedChange(Answer):
    """A version: who did what."""

    version: int
    changed_at: datetime
    actor: str | None = Field(description="The token's subject, or the service that did it by itself.")
    action: str
    subject: UUID | None = Field(description="The lot or cash flow; null where it is the portfolio, or several.")
    first_affected_session: date
    request_id: str | None = Field(description="What the caller sent as X-Request-ID.")
    before: list[dict[str, Any]] | None = Field(description="What is concerned, as it was; null where it was not.")
    after: list[dict[str, Any]] | None = Field(description="The same as it became; null where it was taken away.")

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls(
            version=change.version,
            changed_at=change.changed_at,
            actor=change.actor,
            action=change.action,
            subject=change.subject,
            first_affected_session=change.first_affected_session,
            request_id=change.request_id,
            before=_listed(change.before),
            after=_listed(change.after),
        )


class Changes(Answer):
    changes: list[LoggedChange]
    next: str | None = Field(description="The address of the next page; null on the last one.")


async def made(portfolios: Portfolios, author: Author, changed: Changed) -> dict[str, Any]:
    """The members that every answer about a change has, after the wait for its valuation.

    The status is of the moment, the version of the change.
    """
    record = await portfolios.settled(author.owner, changed)
    return {
        "portfolio_id": record.portfolio_id,
        "version": changed.version,
        "first_affected_session": changed.first_affected_session,
        "status": status_of(record),
        "status_address": f"/portfolios/{record.portfolio_id}/status",
    }


def _listed(resources: Sequence[Any] | None) -> list[dict[str, Any]] | None:
    return None if resources is None else [dict(resource) for resource in resources]
