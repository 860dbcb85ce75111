"""The endpoint that takes files in, ours and brokers'."""

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer

from onboarding.api.answers import DryRun, ImportedPortfolio, ImportReport
from onboarding.api.authors import author_of
from onboarding.api.bodies import read_file
from onboarding.api.creations import answer_created, named_now, refuse_fields
from onboarding.api.details import Details, caller_key, canonical, file_key
from onboarding.api.import_documentation import FILE, RESPONSES
from onboarding.imports.files import read_file as read_holdings
from onboarding.imports.movements import flows_after
from onboarding.imports.rows import Validated
from onboarding.imports.terms import Terms
from onboarding.portfolios import NewPortfolio, Portfolios
from onboarding.settings import OnboardingSettings
from riskstream.runtime.auth import current_owner
from riskstream.runtime.clock import Clock
from riskstream.runtime.problems import Problem

IMPORT_FIELDS = ("name", "declared_equity", "first_session", "mode", "dry_run", "file_date", "isins")
KEYED_ALWAYS = ("name", "declared_equity", "first_session", "mode")
"""What else a file stands for, beside its bytes, whether it was sent or not."""


def import_router(portfolios: Portfolios, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """Imports of files."""
    router = APIRouter(prefix="/portfolios", tags=["imports"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    async def read(owner: str, content: bytes, terms: Terms, new: NewPortfolio) -> tuple[Validated, NewPortfolio]:
        """All that was found, and the portfolio with what is to be stored of it."""
        found = await asyncio.to_thread(read_holdings, content, terms, max_rows=settings.portfolio_max_rows)
        found = await named_now(portfolios, owner, found)
        if found.flows:
            new = replace(new, first_session=await portfolios.first_session(owner, new.first_session))
            assert new.first_session is not None, "the service says one"
            found = flows_after(found, new.first_session)
        return found, replace(new, lots=found.lots, flows=[flow for _, flow in found.flows])

    @router.post(
        "/import",
        status_code=HTTPStatus.CREATED,
        response_model=ImportedPortfolio | DryRun,
        responses=RESPONSES,
        openapi_extra=FILE,
        summary="Create a portfolio from a file, ours or a broker's",
    )
    async def import_file(
        request: Request, response: Response, owner: Annotated[str, Depends(current_owner)]
    ) -> ImportedPortfolio | DryRun:
        """Reports every error of every row at once. The same file sent again creates nothing new and answers 200.

        Brokers' exports are recognised by their headers. Purchases and sales become lots, first in, first out, with
        what they cost; deposits, withdrawals and fees after the portfolio's first session become its cash flows.
        """
        sent = await read_file(request, settings.request_max_bytes)
        details = Details({name: value for name, value in sent.fields.items() if name != "file"})
        details.only(IMPORT_FIELDS)
        mode, dry_run = details.mode(), details.flag("dry_run")
        terms = Terms(clock.today(), details.isins(), details.file_date())
        new = NewPortfolio(
            name=details.name(),
            lots=(),
            declared_equity=details.declared_equity(),
            first_session=details.first_session(),
        )
        refuse_fields(details)
        found, new = await read(owner, sent.content, terms, new)
        report = await asyncio.to_thread(ImportReport.of, found)
        storable = bool(found.lots) and (mode == "accept_valid" or not found.errors)
        if dry_run:
            response.status_code = HTTPStatus.OK
            return DryRun(would_be_stored=storable, report=report)
        if not storable:
            raise _rows_refused(found, report)
        keyed = [name for name in IMPORT_FIELDS if name in KEYED_ALWAYS or (name in details.sent and name != "dry_run")]
        content = canonical({name: details.sent.get(name) for name in keyed})
        header = request.headers.get("idempotency-key")
        key = caller_key(header, b"file", sent.content, content) or file_key(sent.content, content)
        created = await portfolios.create(author_of(request, owner), new, key)
        record = await answer_created(portfolios, owner, created, response)
        return ImportedPortfolio.with_report(record, report)

    return router


def _rows_refused(found: Validated, report: ImportReport) -> Problem:
    hint = " Send mode=accept_valid to store the others." if found.lots else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "rows_invalid",
        f"{report.rejected:,} of {report.rows:,} rows have errors ({report.errors_count:,} in all); "
        f"nothing was stored.{hint}",
        errors=[error.model_dump() for error in report.errors],
    )
