"""Made from docs/api/onboarding.openapi.json by `make documents`; not edited by hand."""

from __future__ import annotations

from datetime import date as date_aliased
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field


class Deleted(BaseModel):
    """
    The event `deleted`, the last one: the portfolio is gone.
    """

    portfolio_id: UUID


class FailedSymbol(BaseModel):
    symbol: str
    reason: str
    """
    `not_found`, or what else stopped the work.
    """

    detail: str | None


class Interrupted(BaseModel):
    """
    The event `interrupted`: the stream has not come to its end; come back with the id that you were told last.
    """

    code: str
    """
    The stable word to test for: what is in the way.
    """

    detail: str


class LoggedChange(BaseModel):
    """
    A version: who did what.
    """

    version: int
    changed_at: AwareDatetime
    actor: str | None
    """
    The token's subject, or the service that did it by itself.
    """

    action: str
    subject: UUID | None
    """
    The lot or cash flow; null where it is the portfolio, or several.
    """

    first_affected_session: date_aliased
    request_id: str | None
    """
    What the caller sent as X-Request-ID.
    """

    before: list[dict[str, Any]] | None
    """
    What is concerned, as it was; null where it was not.
    """

    after: list[dict[str, Any]] | None
    """
    The same as it became; null where it was taken away.
    """


class LotAnswer(BaseModel):
    position_id: UUID
    symbol: str
    quantity: str
    """
    Signed (short < 0), as of the entry date.
    """

    multiplier: str
    entry_price: str
    entry_date: date_aliased
    exit_price: str | None
    exit_date: date_aliased | None
    entry_fee: str
    exit_fee: str
    investment_class: Annotated[
        Literal['PUBLIC', 'OPTIONS', 'PRIVATE'] | str, Field(title='InvestmentClass')
    ]
    investment_subtype: str | None
    underlying_symbol: str | None
    strike_price: str | None
    expiration_date: date_aliased | None
    option_type: str | None
    split_from: UUID | None
    """
    The lot that a partial close took it from.
    """

    created_version: int
    changed_version: int
    """
    Its ETag: the portfolio's version that changed it last.
    """

    entry_counts_on: date_aliased | None
    """
    The NYSE session on which the entry counts: the next one, for a day without; the portfolio's first session for what was bought before.
    """

    exit_counts_on: date_aliased | None


class Lots(BaseModel):
    lots: list[LotAnswer]
    next: str | None
    """
    The address of the next page; null on the last one.
    """


class Position(BaseModel):
    position_id: UUID
    symbol: str
    quantity: str
    """
    Signed (short < 0), as of the entry date.
    """

    multiplier: str
    entry_price: str
    entry_date: date_aliased
    exit_price: str | None
    exit_date: date_aliased | None
    entry_fee: str
    exit_fee: str
    investment_class: Annotated[
        Literal['PUBLIC', 'OPTIONS', 'PRIVATE'] | str, Field(title='InvestmentClass')
    ]
    investment_subtype: str | None
    underlying_symbol: str | None
    strike_price: str | None
    expiration_date: date_aliased | None
    option_type: str | None


class PriceAnswer(BaseModel):
    date: date_aliased
    price: str
    """
    USD per share or unit, from that day until the next price.
    """

    changed_version: int
    """
    Its ETag: the portfolio's version that changed it last.
    """


class Prices(BaseModel):
    prices: list[PriceAnswer]
    next: str | None
    """
    The address of the next page; null on the last one.
    """


class RowFinding(BaseModel):
    row: int
    """
    The line of the file, from 1.
    """

    column: str | None
    """
    As the file's header names it; null where the whole row is meant.
    """

    code: str
    message: str
    value: str
    mend: str
    """
    What to do about it.
    """


class SymbolProgress(BaseModel):
    """
    How far a new symbol is.
    """

    symbol: str
    state: str | None
    """
    `queued`, `running`, `waiting_for_provider`, `ready` (known, and about to be valued); null while the request is on its way.
    """

    step: str | None
    attempt: int
    last_outcome: str | None
    """
    What the provider answered last; refusals use up no attempt.
    """

    ahead: int | None
    """
    How many requests made before it have not ended: they come first, three at a time, except that one whose provider refuses lets others pass. Null where it does not wait.
    """


class ValuationHead(BaseModel):
    """
    The last valuation of the portfolio and what it was computed from.
    """

    valuation: int
    portfolio_version: int
    edition: int
    session: date_aliased


class ProblemDocument(BaseModel):
    """
    An error (RFC 9457). Programs test `code`; people read `detail`.
    """

    type: str
    """
    A URN that ends in `code`.
    """

    title: str
    """
    The status in words.
    """

    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    detail: str
    """
    What is wrong, and how to mend it.
    """

    instance: str | None = None
    """
    The path that was asked; examples of a route may leave it out.
    """

    errors: list[dict[str, Any]] | None = None
    """
    Single findings, where there are several.
    """


class AddedLots(BaseModel):
    portfolio_id: UUID
    version: int
    first_affected_session: date_aliased
    """
    From which session on valuations differ.
    """

    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    The three words there are.
    """

    status_address: str
    lots: list[LotAnswer]
    warnings: list[dict[str, Any]]
    """
    Findings that refused nothing, by index and field.
    """


class CashFlowAnswer(BaseModel):
    flow_id: UUID
    kind: Annotated[
        Literal['deposit', 'withdrawal', 'fee'] | str, Field(title='FlowKind')
    ]
    """
    Deposits and withdrawals are no gain and no loss; a fee is a loss.
    """

    amount: str
    """
    USD, above 0; its kind says which way it went.
    """

    date: date_aliased
    note: str
    created_version: int
    changed_version: int
    """
    Its ETag: the portfolio's version that changed it last.
    """

    counts_on: date_aliased | None
    """
    The NYSE session at whose close it counts.
    """


class CashFlows(BaseModel):
    cash_flows: list[CashFlowAnswer]
    next: str | None
    """
    The address of the next page; null on the last one.
    """


class ChangeMade(BaseModel):
    """
    What a change led to. `pending` until the portfolio is valued at this version.
    """

    portfolio_id: UUID
    version: int
    first_affected_session: date_aliased
    """
    From which session on valuations differ.
    """

    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    The three words there are.
    """

    status_address: str


class ChangedCashFlow(BaseModel):
    portfolio_id: UUID
    version: int
    first_affected_session: date_aliased
    """
    From which session on valuations differ.
    """

    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    The three words there are.
    """

    status_address: str
    cash_flow: CashFlowAnswer


class ChangedLot(BaseModel):
    portfolio_id: UUID
    version: int
    first_affected_session: date_aliased
    """
    From which session on valuations differ.
    """

    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    The three words there are.
    """

    status_address: str
    lot: LotAnswer
    warnings: list[dict[str, Any]]
    """
    Findings that refused nothing, by field.
    """


class ChangedPortfolio(BaseModel):
    portfolio_id: UUID
    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    `error`: a symbol failed, the rest is usable, or the portfolio cannot be valued. `pending`: a symbol or the valuation is on its way.
    """

    version: int
    """
    Raised with every change.
    """

    pending_symbols: list[str]
    failed_symbols: list[FailedSymbol]
    progress: list[SymbolProgress]
    """
    The pending symbols, one by one.
    """

    valuation: ValuationHead | None
    """
    Null before the first valuation.
    """

    reason: str | None
    """
    `valuation_failed: …` where this version cannot be valued, and what to look for; else null.
    """

    poll_after_ms: int | None
    """
    When to ask again; null where nothing is on its way any more.
    """

    name: str
    currency: str | None = 'USD'
    first_session: date_aliased
    """
    No snapshot exists before it.
    """

    declared_equity: str | None
    positions_count: int
    created_at: AwareDatetime
    changed_at: AwareDatetime
    status_address: str
    first_affected_session: date_aliased


class ChangedPrice(BaseModel):
    portfolio_id: UUID
    version: int
    first_affected_session: date_aliased
    """
    From which session on valuations differ.
    """

    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    The three words there are.
    """

    status_address: str
    price: PriceAnswer
    counts_on: date_aliased
    """
    The NYSE session from which on it counts.
    """


class Changes(BaseModel):
    changes: list[LoggedChange]
    next: str | None
    """
    The address of the next page; null on the last one.
    """


class ClosedLot(BaseModel):
    portfolio_id: UUID
    version: int
    first_affected_session: date_aliased
    """
    From which session on valuations differ.
    """

    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    The three words there are.
    """

    status_address: str
    closed: LotAnswer
    remaining: LotAnswer | None
    """
    The lot with what is still held; null where all was closed.
    """

    warnings: list[dict[str, Any]]
    """
    Findings that refused nothing, by field.
    """


class CreatedPortfolio(BaseModel):
    portfolio_id: UUID
    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    `error`: a symbol failed, the rest is usable, or the portfolio cannot be valued. `pending`: a symbol or the valuation is on its way.
    """

    version: int
    """
    Raised with every change.
    """

    pending_symbols: list[str]
    failed_symbols: list[FailedSymbol]
    progress: list[SymbolProgress]
    """
    The pending symbols, one by one.
    """

    valuation: ValuationHead | None
    """
    Null before the first valuation.
    """

    reason: str | None
    """
    `valuation_failed: …` where this version cannot be valued, and what to look for; else null.
    """

    poll_after_ms: int | None
    """
    When to ask again; null where nothing is on its way any more.
    """

    name: str
    currency: str | None = 'USD'
    first_session: date_aliased
    """
    No snapshot exists before it.
    """

    declared_equity: str | None
    positions_count: int
    created_at: AwareDatetime
    changed_at: AwareDatetime
    status_address: str
    warnings: list[dict[str, Any]]
    """
    Findings that refused nothing, by index and field.
    """


class ImportReport(BaseModel):
    """
    What a file came to. A dry run and an import of the same file say the same.
    """

    dialect: str
    """
    Whose layout the file has: `riskstream` is ours.
    """

    rows: int
    """
    Positions, trades and cash flows. What is none of them counts in `left_out`.
    """

    accepted: int
    rejected: int
    left_out: int
    """
    Totals, dividends, interest: a warning for each kind of them.
    """

    positions: int
    """
    Lots: a broker's trades are matched, first in, first out.
    """

    flows: int
    """
    Deposits, withdrawals and fees of the account, from the first session on.
    """

    errors: list[RowFinding]
    """
    At most 10,000; `errors_count` is of all.
    """

    warnings: list[RowFinding]
    """
    At most 10,000; `warnings_count` is of all.
    """

    errors_count: int
    warnings_count: int


class ImportedPortfolio(BaseModel):
    portfolio_id: UUID
    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    `error`: a symbol failed, the rest is usable, or the portfolio cannot be valued. `pending`: a symbol or the valuation is on its way.
    """

    version: int
    """
    Raised with every change.
    """

    pending_symbols: list[str]
    failed_symbols: list[FailedSymbol]
    progress: list[SymbolProgress]
    """
    The pending symbols, one by one.
    """

    valuation: ValuationHead | None
    """
    Null before the first valuation.
    """

    reason: str | None
    """
    `valuation_failed: …` where this version cannot be valued, and what to look for; else null.
    """

    poll_after_ms: int | None
    """
    When to ask again; null where nothing is on its way any more.
    """

    name: str
    currency: str | None = 'USD'
    first_session: date_aliased
    """
    No snapshot exists before it.
    """

    declared_equity: str | None
    positions_count: int
    created_at: AwareDatetime
    changed_at: AwareDatetime
    status_address: str
    report: ImportReport


class Portfolio(BaseModel):
    portfolio_id: UUID
    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    `error`: a symbol failed, the rest is usable, or the portfolio cannot be valued. `pending`: a symbol or the valuation is on its way.
    """

    version: int
    """
    Raised with every change.
    """

    pending_symbols: list[str]
    failed_symbols: list[FailedSymbol]
    progress: list[SymbolProgress]
    """
    The pending symbols, one by one.
    """

    valuation: ValuationHead | None
    """
    Null before the first valuation.
    """

    reason: str | None
    """
    `valuation_failed: …` where this version cannot be valued, and what to look for; else null.
    """

    poll_after_ms: int | None
    """
    When to ask again; null where nothing is on its way any more.
    """

    name: str
    currency: str | None = 'USD'
    first_session: date_aliased
    """
    No snapshot exists before it.
    """

    declared_equity: str | None
    positions_count: int
    created_at: AwareDatetime
    changed_at: AwareDatetime
    status_address: str
    positions: list[Position]


class PortfolioStatus(BaseModel):
    portfolio_id: UUID
    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    `error`: a symbol failed, the rest is usable, or the portfolio cannot be valued. `pending`: a symbol or the valuation is on its way.
    """

    version: int
    """
    Raised with every change.
    """

    pending_symbols: list[str]
    failed_symbols: list[FailedSymbol]
    progress: list[SymbolProgress]
    """
    The pending symbols, one by one.
    """

    valuation: ValuationHead | None
    """
    Null before the first valuation.
    """

    reason: str | None
    """
    `valuation_failed: …` where this version cannot be valued, and what to look for; else null.
    """

    poll_after_ms: int | None
    """
    When to ask again; null where nothing is on its way any more.
    """


class PortfolioSummary(BaseModel):
    portfolio_id: UUID
    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    `error`: a symbol failed, the rest is usable, or the portfolio cannot be valued. `pending`: a symbol or the valuation is on its way.
    """

    version: int
    """
    Raised with every change.
    """

    pending_symbols: list[str]
    failed_symbols: list[FailedSymbol]
    progress: list[SymbolProgress]
    """
    The pending symbols, one by one.
    """

    valuation: ValuationHead | None
    """
    Null before the first valuation.
    """

    reason: str | None
    """
    `valuation_failed: …` where this version cannot be valued, and what to look for; else null.
    """

    poll_after_ms: int | None
    """
    When to ask again; null where nothing is on its way any more.
    """

    name: str
    currency: str | None = 'USD'
    first_session: date_aliased
    """
    No snapshot exists before it.
    """

    declared_equity: str | None
    positions_count: int
    created_at: AwareDatetime
    changed_at: AwareDatetime
    status_address: str


class Portfolios(BaseModel):
    portfolios: list[PortfolioSummary]
    next: str | None
    """
    The address of the next page; null on the last one.
    """


class AddedFile(BaseModel):
    """
    What a file added, in this version.
    """

    portfolio_id: UUID
    version: int
    first_affected_session: date_aliased
    """
    From which session on valuations differ.
    """

    status: Annotated[Literal['ready', 'pending', 'error'] | str, Field(title='Status')]
    """
    The three words there are.
    """

    status_address: str
    report: ImportReport


class DryRun(BaseModel):
    dry_run: bool | None = True
    would_be_stored: bool
    """
    Whether the same request without `dry_run` would pass the rules.
    """

    report: ImportReport
