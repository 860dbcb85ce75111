"""The bodies of answers. Amounts, quantities and prices are decimal numbers as text: no float on their way."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from onboarding.imports.findings import Finding
from onboarding.imports.lot import InvestmentClass, Lot
from onboarding.imports.rows import Validated
from onboarding.portfolios import status_of
from onboarding.status import Status, UnknownSymbol, poll_after_ms
from onboarding.store import PortfolioRecord

MOST_FINDINGS = 10_000
"""As many findings as one answer lists; the counts are always of all."""


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class FailedSymbol(Answer):
    symbol: str
    reason: str = Field(description="`not_found`, or what else stopped the work.")
    detail: str | None


class SymbolProgress(Answer):
    """How far a new symbol is."""

    symbol: str
    state: str | None = Field(
        description="`queued`, `running`, `waiting_for_provider`, `ready` (known, and about to be valued); null while "
        "the request is on its way."
    )
    step: str | None
    attempt: int
    last_outcome: str | None = Field(description="What the provider answered last; refusals use up no attempt.")
    ahead: int | None = Field(
        description="How many requests made before it have not ended: they come first, three at a time, except that "
        "one whose provider refuses lets others pass. Null where it does not wait."
    )


class ValuationHead(Answer):
    """The last valuation of the portfolio and what it was computed from."""

    valuation: int
    portfolio_version: int
    edition: int
    session: date


class PortfolioStatus(Answer):
    portfolio_id: UUID
    status: Status = Field(
        description="`error`: a symbol failed, the rest is usable, or the portfolio cannot be valued. "
        "`pending`: a symbol or the valuation is on its way."
    )
    version: int = Field(description="Raised with every change.")
    pending_symbols: list[str]
    failed_symbols: list[FailedSymbol]
    progress: list[SymbolProgress] = Field(description="The pending symbols, one by one.")
    valuation: ValuationHead | None = Field(description="Null before the first valuation.")
    reason: str | None = Field(
        description="`valuation_failed: …` where this version cannot be valued, and what to look for; else null."
    )
    poll_after_ms: int | None = Field(description="When to ask again; null where nothing is on its way any more.")

    @classmethod
    def of(cls, record: PortfolioRecord) -> Self:
        return cls(**_status(record))


class PortfolioSummary(PortfolioStatus):
    name: str
    currency: str = "USD"
    first_session: date = Field(description="No snapshot exists before it.")
    declared_equity: Decimal | None
    positions_count: int
    created_at: datetime
    changed_at: datetime
    status_address: str

    @classmethod
    def of(cls, record: PortfolioRecord) -> Self:
        return cls(**summary_of(record))


class Portfolios(Answer):
    portfolios: list[PortfolioSummary]
    next: str | None = Field(description="The address of the next page; null on the last one.")


class Position(Answer):
    position_id: UUID
    symbol: str
    quantity: Decimal = Field(description="Signed (short < 0), as of the entry date.")
    multiplier: Decimal
    entry_price: Decimal
    entry_date: date
    exit_price: Decimal | None
    exit_date: date | None
    entry_fee: Decimal
    exit_fee: Decimal
    investment_class: InvestmentClass
    investment_subtype: str | None
    underlying_symbol: str | None
    strike_price: Decimal | None
    expiration_date: date | None
    option_type: str | None


class Portfolio(PortfolioSummary):
    positions: list[Position]

    @classmethod
    def with_positions(cls, record: PortfolioRecord, lots: Sequence[tuple[UUID, Lot]]) -> Self:
        return cls(**summary_of(record), positions=[position_of(identity, lot) for identity, lot in lots])


class RowFinding(Answer):
    row: int = Field(description="The line of the file, from 1.")
    column: str | None = Field(description="As the file's header names it; null where the whole row is meant.")
    code: str
    message: str
    value: str
    mend: str = Field(description="What to do about it.")


class ImportReport(Answer):
    """What a file came to. A dry run and an import of the same file say the same."""

    dialect: str = Field(description="Whose layout the file has: `riskstream` is ours.")
    rows: int = Field(description="Positions, trades and cash flows. What is none of them counts in `left_out`.")
    accepted: int
    rejected: int
    left_out: int = Field(description="Totals, dividends, interest: a warning for each kind of them.")
    positions: int = Field(description="Lots: a broker's trades are matched, first in, first out.")
    flows: int = Field(description="Deposits, withdrawals and fees of the account, from the first session on.")
    errors: list[RowFinding] = Field(description=f"At most {MOST_FINDINGS:,}; `errors_count` is of all.")
    warnings: list[RowFinding] = Field(description=f"At most {MOST_FINDINGS:,}; `warnings_count` is of all.")
    errors_count: int
    warnings_count: int

    @classmethod
    def of(cls, validated: Validated) -> Self:
        return cls(
            dialect=validated.dialect,
            rows=validated.rows,
            accepted=validated.rows - validated.rejected,
            rejected=validated.rejected,
            left_out=validated.left_out,
            positions=len(validated.lots),
            flows=len(validated.flows),
            errors=[_row_finding(finding) for finding in validated.errors[:MOST_FINDINGS]],
            warnings=[_row_finding(finding) for finding in validated.warnings[:MOST_FINDINGS]],
            errors_count=len(validated.errors),
            warnings_count=len(validated.warnings),
        )


class CreatedPortfolio(PortfolioSummary):
    warnings: list[dict[str, Any]] = Field(description="Findings that refused nothing, by index and field.")

    @classmethod
    def with_warnings(cls, record: PortfolioRecord, validated: Validated) -> Self:
        found = [position_finding(finding) for finding in validated.warnings[:MOST_FINDINGS]]
        return cls(**summary_of(record), warnings=found)


class ImportedPortfolio(PortfolioSummary):
    report: ImportReport

    @classmethod
    def with_report(cls, record: PortfolioRecord, report: ImportReport) -> Self:
        return cls(**summary_of(record), report=report)


class DryRun(Answer):
    dry_run: bool = True
    would_be_stored: bool = Field(description="Whether the same request without `dry_run` would pass the rules.")
    report: ImportReport


def position_finding(finding: Finding) -> dict[str, Any]:
    """A finding about one of several positions in the words of JSON: index and field."""
    return {"index": finding.place} | field_finding(finding)


def field_finding(finding: Finding) -> dict[str, Any]:
    """A finding about the one thing that was sent."""
    return {
        "field": finding.field,
        "code": finding.code,
        "message": finding.message,
        "value": finding.value,
        "mend": finding.mend,
    }


def _row_finding(finding: Finding) -> RowFinding:
    return RowFinding(
        row=finding.place,
        column=finding.column,
        code=finding.code,
        message=finding.message,
        value=finding.value,
        mend=finding.mend,
    )


def _status(record: PortfolioRecord) -> dict[str, Any]:
    pending = [symbol for symbol in record.unknown if not symbol.failed]
    head = record.valuation
    return {
        "portfolio_id": record.portfolio_id,
        "status": status_of(record),
        "version": record.version,
        "pending_symbols": [symbol.symbol for symbol in pending],
        "failed_symbols": [_failed(symbol) for symbol in record.unknown if symbol.failed],
        "progress": [_progress(symbol) for symbol in pending],
        "reason": None if record.valuation_failed is None else f"valuation_failed: {record.valuation_failed}",
        "poll_after_ms": poll_after_ms(
            record.unknown, record.version, record.valued_version, valuation_failed=record.valuation_failed is not None
        ),
        "valuation": None
        if head is None
        else ValuationHead(
            valuation=head.valuation,
            portfolio_version=head.portfolio_version,
            edition=head.edition,
            session=head.session,
        ),
    }


def summary_of(record: PortfolioRecord) -> dict[str, Any]:
    return _status(record) | {
        "name": record.name,
        "first_session": record.first_session,
        "declared_equity": record.declared_equity,
        "positions_count": record.positions,
        "created_at": record.created_at,
        "changed_at": record.changed_at,
        "status_address": f"/portfolios/{record.portfolio_id}/status",
    }


def _failed(symbol: UnknownSymbol) -> FailedSymbol:
    return FailedSymbol(symbol=symbol.symbol, reason=symbol.reason or "failed", detail=symbol.detail)


def _progress(symbol: UnknownSymbol) -> SymbolProgress:
    return SymbolProgress(
        symbol=symbol.symbol,
        state=symbol.state,
        step=symbol.step,
        attempt=symbol.attempt,
        last_outcome=symbol.last_outcome,
        ahead=symbol.ahead,
    )


def position_of(identity: UUID, lot: Lot) -> Position:
    return Position(
        position_id=identity,
        symbol=lot.symbol,
        quantity=lot.quantity,
        multiplier=lot.multiplier,
        entry_price=lot.entry_price,
        entry_date=lot.entry_date,
        exit_price=lot.exit_price,
        exit_date=lot.exit_date,
        entry_fee=lot.entry_fee,
        exit_fee=lot.exit_fee,
        investment_class=lot.investment_class,
        investment_subtype=lot.investment_subtype,
        underlying_symbol=lot.underlying_symbol,
        strike_price=lot.strike_price,
        expiration_date=lot.expiration_date,
        option_type=lot.option_type,
    )
