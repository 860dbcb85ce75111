"""The endpoints. Each reads, asks the portfolios, answers; rules live below."""

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer

from onboarding.api import documentation
from onboarding.api.answers import (
    MOST_FINDINGS,
    CreatedPortfolio,
    DryRun,
    ImportedPortfolio,
    ImportReport,
    Portfolio,
    Portfolios,
    PortfolioSummary,
    position_finding,
)
from onboarding.api.bodies import read_file, read_json, read_limited
from onboarding.api.details import Details, caller_key, canonical, file_key
from onboarding.imports.files import read_file as read_holdings
from onboarding.imports.renames import listed_symbol, under_new_names
from onboarding.imports.rows import Validated, validate
from onboarding.imports.terms import Terms
from onboarding.portfolios import Created, NewPortfolio
from onboarding.portfolios import Portfolios as PortfolioService
from onboarding.settings import OnboardingSettings
from riskstream.runtime.auth import current_owner
from riskstream.runtime.clock import Clock
from riskstream.runtime.problems import Problem

Owner = Annotated[str, Depends(current_owner)]

JSON_FIELDS = ("name", "positions", "declared_equity", "first_session")
IMPORT_FIELDS = ("name", "declared_equity", "first_session", "mode", "dry_run", "file_date", "isins")
KEYED_ALWAYS = ("name", "declared_equity", "first_session", "mode")
"""What else a file stands for, beside its bytes, whether it was sent or not."""

UNAUTHORIZED = {"s401": "No bearer token, or one that is refused."}
NOT_FOUND = {"s404": "You have no such portfolio. Another owner's is answered the same way."}
CREATION = UNAUTHORIZED | {
    "s400": "The body cannot be read.",
    "s409": "The key, or the file, stands for a creation with other content.",
    "s413": "The body is too large.",
    "s422": "Findings about rows and fields, all at once.",
    "s503": "So many new symbols wait that nothing was stored; see Retry-After.",
}


def portfolio_router(portfolios: PortfolioService, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """The operations on portfolios."""
    router = APIRouter(prefix="/portfolios", tags=["portfolios"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    async def named_now(owner: str, validated: Validated) -> Validated:
        symbols = {listed[1] for listed in map(listed_symbol, validated.lots) if listed is not None}
        return under_new_names(validated, await portfolios.new_names(owner, sorted(symbols)))

    async def answer_created(owner: str, created: Created, response: Response) -> Any:
        record = await portfolios.settled(owner, created)
        response.status_code = HTTPStatus.CREATED if created.is_new else HTTPStatus.OK
        response.headers["Location"] = f"/portfolios/{created.portfolio_id}"
        return record

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=CreatedPortfolio,
        responses=documentation.problems(**CREATION),
        openapi_extra=documentation.CREATION,
        summary="Create a portfolio from JSON",
    )
    async def create(request: Request, response: Response, owner: Owner) -> CreatedPortfolio:
        """Stores the portfolio with all its positions and waits a moment for its valuation.

        Symbols that nobody knows yet are brought in afterwards; until then the portfolio is `pending`.
        """
        body = await read_limited(request, settings.request_max_bytes)
        new, validated, document = await asyncio.to_thread(_from_json, body, clock, settings.portfolio_max_rows)
        validated = await named_now(owner, validated)
        new = replace(new, lots=validated.lots)
        key = caller_key(request.headers.get("idempotency-key"), b"json", document)
        created = await portfolios.create(owner, new, key)
        record = await answer_created(owner, created, response)
        return CreatedPortfolio.with_warnings(record, validated)

    @router.post(
        "/import",
        status_code=HTTPStatus.CREATED,
        response_model=ImportedPortfolio | DryRun,
        responses=documentation.problems(**CREATION, s415="Neither a form nor a CSV."),
        openapi_extra=documentation.IMPORT,
        summary="Create a portfolio from a file, ours or a broker's",
    )
    async def import_file(request: Request, response: Response, owner: Owner) -> ImportedPortfolio | DryRun:
        """Reports every error of every row at once. The same file sent again creates nothing new and answers 200.

        Brokers' exports are recognised by their headers. Purchases and sales become lots, first in, first out.
        """
        sent = await read_file(request, settings.request_max_bytes)
        details = Details({name: value for name, value in sent.fields.items() if name != "file"})
        details.only(IMPORT_FIELDS)
        mode, dry_run = details.mode(), details.flag("dry_run")
        terms = Terms(clock.today(), details.isins(), details.file_date())
        table = await asyncio.to_thread(read_holdings, sent.content, terms, max_rows=settings.portfolio_max_rows)
        table = await named_now(owner, table)
        report = await asyncio.to_thread(ImportReport.of, table)
        new = NewPortfolio(
            name=details.name(),
            lots=table.lots,
            declared_equity=details.declared_equity(),
            first_session=details.first_session(),
        )
        _refuse_fields(details)
        storable = bool(table.lots) and (mode == "accept_valid" or not table.errors)
        if dry_run:
            response.status_code = HTTPStatus.OK
            return DryRun(would_be_stored=storable, report=report)
        if not storable:
            raise _rows_refused(table, report)
        keyed = [name for name in IMPORT_FIELDS if name in KEYED_ALWAYS or (name in details.sent and name != "dry_run")]
        content = canonical({name: details.sent.get(name) for name in keyed})
        header = request.headers.get("idempotency-key")
        key = caller_key(header, b"file", sent.content, content) or file_key(sent.content, content)
        created = await portfolios.create(owner, new, key)
        return ImportedPortfolio.with_report(await answer_created(owner, created, response), report)

    @router.get("", responses=documentation.problems(**UNAUTHORIZED), summary="List your portfolios")
    async def page(
        owner: Owner,
        after: Annotated[UUID | None, Query(description="The last id of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Portfolios:
        """In the order of their ids, each with its status."""
        records = await portfolios.page(owner, after, limit)
        more = f"/portfolios?after={records[-1].portfolio_id}&limit={limit}" if len(records) == limit else None
        return Portfolios(portfolios=[PortfolioSummary.of(record) for record in records], next=more)

    @router.get(
        "/{portfolio_id}",
        response_model=Portfolio,
        responses=documentation.problems(**UNAUTHORIZED, **NOT_FOUND),
        summary="A portfolio with its positions",
    )
    async def portfolio(portfolio_id: UUID, owner: Owner) -> Response:
        record, lots = await portfolios.find_with_positions(owner, portfolio_id)
        body = await asyncio.to_thread(lambda: Portfolio.with_positions(record, lots).model_dump_json())
        return Response(body, media_type="application/json")

    @router.delete(
        "/{portfolio_id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documentation.problems(**UNAUTHORIZED, **NOT_FOUND),
        summary="Delete a portfolio",
    )
    async def delete(portfolio_id: UUID, owner: Owner) -> None:
        await portfolios.delete(owner, portfolio_id)

    return router


def _from_json(body: bytes, clock: Clock, most: int) -> tuple[NewPortfolio, Validated, bytes]:
    """The portfolio that a JSON body describes, what was found, and the body in canonical form."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "body_unreadable", "The body must be a JSON object.")
    details = Details(document)
    details.only(JSON_FIELDS)
    validated = validate(details.positions(most), clock.today())
    new = NewPortfolio(
        name=details.name(),
        lots=validated.lots,
        declared_equity=details.declared_equity(),
        first_session=details.first_session(),
    )
    if document.get("positions") == [] and new.declared_equity is None:
        details.refuse("positions", "positions_missing", "Without positions, declare the equity that is held as cash.")
    details.errors += [position_finding(finding) for finding in validated.errors]
    _refuse_fields(details)
    return new, validated, canonical(document)


def _refuse_fields(details: Details) -> None:
    if details.errors:
        count = len(details.errors)
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "portfolio_invalid",
            f"{count:,} {'error' if count == 1 else 'errors'}; nothing was stored.",
            errors=details.errors[:MOST_FINDINGS],
        )


def _rows_refused(table: Validated, report: ImportReport) -> Problem:
    hint = " Send mode=accept_valid to store the others." if table.lots else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "rows_invalid",
        f"{report.rejected:,} of {report.rows:,} rows have errors ({report.errors_count:,} in all); "
        f"nothing was stored.{hint}",
        errors=[error.model_dump() for error in report.errors],
    )
