"""The endpoints that take files in, ours and brokers': as a new portfolio, or into one that there is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request, Response

from onboarding.api.answers import DryRun, ImportedPortfolio, ImportReport
from onboarding.api.authors import CurrentAuthor
from onboarding.api.bodies import read_file
from onboarding.api.creations import answer_created, named_now, refuse_fields
from onboarding.api.details import Details
from onboarding.api.import_documentation import FILE, FILE_INTO, RESPONSES, RESPONSES_INTO
from onboarding.api.keys import IdempotencyKey, caller_key, canonical, file_key
from onboarding.api.ledger_answers import AddedFile, made
from onboarding.api.preconditions import Named, tag_of
from onboarding.idempotency import CreationKey
from onboarding.imports.files import read_file as read_holdings
from onboarding.imports.movements import flows_after
from onboarding.imports.rows import Validated
from onboarding.imports.terms import Terms
from onboarding.portfolios import NewPortfolio, Portfolios
from onboarding.settings import OnboardingSettings
from riskstream.runtime.clock import Clock
from riskstream.runtime.problems import Problem

TERM_FIELDS = ("mode", "dry_run", "file_date", "isins")
IMPORT_FIELDS = ("name", "declared_equity", "first_session", *TERM_FIELDS)
KEYED_ALWAYS = ("name", "declared_equity", "first_session", "mode")
"""What else a file stands for, beside its bytes, whether it was sent or not."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A file, and what is said beside it."""

    content: bytes
    details: Details
    known: Sequence[str]
    partly: bool
    """Whether rows without errors are to be stored where others have some."""
    dry_run: bool
    terms: Terms

    def key(self, sent_key: str | None, into: UUID | None = None) -> CreationKey:
        """The key that the caller names, else the file itself; for a new portfolio, or for the one it is added to."""
        sent, known = self.details.sent, self.known
        always = [name for name in KEYED_ALWAYS if name in known]
        keyed = [name for name in known if name in always or (name in sent and name != "dry_run")]
        content = canonical({name: sent.get(name) for name in keyed})
        what = (b"file",) if into is None else (b"portfolio.import", into.bytes)
        return caller_key(sent_key, *what, self.content, content) or file_key(self.content, content, into=into)


def import_router(portfolios: Portfolios, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """Imports of files."""
    router = APIRouter(prefix="/portfolios", tags=["imports"])

    async def receive(request: Request, known: Sequence[str]) -> _Sent:
        """The file with its terms; what is wrong with them is noted in its details."""
        sent = await read_file(request, settings.request_max_bytes)
        details = Details({name: value for name, value in sent.fields.items() if name != "file"})
        details.only(known)
        mode, dry_run = details.mode(), details.flag("dry_run")
        terms = Terms(clock.today(), details.isins(), details.file_date())
        return _Sent(sent.content, details, known, mode == "accept_valid", dry_run, terms)

    async def read(owner: str, sent: _Sent) -> Validated:
        """All that was found, under the names that symbols have now."""
        found = await asyncio.to_thread(read_holdings, sent.content, sent.terms, max_rows=settings.portfolio_max_rows)
        return await named_now(portfolios, owner, found)

    async def judge(sent: _Sent, found: Validated) -> tuple[bool, ImportReport]:
        """Whether the rows may be stored, and the report; a Problem (422) where not, unless it is a dry run."""
        report = await asyncio.to_thread(ImportReport.of, found)
        storable = found.is_storable(partly=sent.partly)
        if not storable and not sent.dry_run:
            raise _rows_refused(found, report)
        return storable, report

    @router.post(
        "/import",
        status_code=HTTPStatus.CREATED,
        response_model=ImportedPortfolio | DryRun,
        responses=RESPONSES,
        openapi_extra=FILE,
        summary="Create a portfolio from a file, ours or a broker's",
    )
    async def import_portfolio(
        request: Request, response: Response, author: CurrentAuthor, sent_key: IdempotencyKey = None
    ) -> ImportedPortfolio | DryRun:
        """Reports every error of every row at once. The same file sent again creates nothing new and answers 200.

        Brokers' exports are recognised by their headers. Purchases and sales become lots, first in, first out, with
        what they cost; deposits, withdrawals and fees after the portfolio's first session become its cash flows.
        """
        sent = await receive(request, IMPORT_FIELDS)
        details = sent.details
        name, equity, first_session = details.name(), details.declared_equity(), details.first_session()
        refuse_fields(details)
        found = await read(author.owner, sent)
        if found.flows:
            first_session = await portfolios.first_session(author.owner, first_session)
            found = flows_after(found, first_session)
        storable, report = await judge(sent, found)
        new = NewPortfolio(
            name=name,
            lots=found.lots,
            flows=[row.flow for row in found.flows],
            declared_equity=equity,
            first_session=first_session,
        )
        key = sent.key(sent_key)
        if sent.dry_run:
            if storable:
                await portfolios.check(author.owner, new, key)
            response.status_code = HTTPStatus.OK
            return DryRun(would_be_stored=storable, report=report)
        created = await portfolios.create(author, new, key)
        record = await answer_created(portfolios, author.owner, created, response)
        return ImportedPortfolio.with_report(record, report)

    @router.post(
        "/{portfolio_id}/import",
        status_code=HTTPStatus.CREATED,
        response_model=AddedFile | DryRun,
        responses=RESPONSES_INTO,
        openapi_extra=FILE_INTO,
        summary="Add a file's lots and cash flows to a portfolio",
    )
    async def import_into_portfolio(
        portfolio_id: UUID,
        *,
        request: Request,
        response: Response,
        author: CurrentAuthor,
        expected: Named,
        sent_key: IdempotencyKey = None,
    ) -> AddedFile | DryRun:
        """As an import that creates one, in one version of the portfolio that there is. The same file sent again into
        the same portfolio adds nothing and answers 200; an Idempotency-Key stands in its place.

        If-Match, where it is sent, names the portfolio's version.
        """
        record = await portfolios.find(author.owner, portfolio_id)
        sent = await receive(request, TERM_FIELDS)
        refuse_fields(sent.details)
        imported = await portfolios.ledger.imports.add(
            author,
            portfolio_id,
            flows_after(await read(author.owner, sent), record.first_session),
            partly=sent.partly,
            dry_run=sent.dry_run,
            key=sent.key(sent_key, portfolio_id),
            expected=expected,
        )
        storable, report = await judge(sent, imported.found)
        if sent.dry_run:
            response.status_code = HTTPStatus.OK
            return DryRun(would_be_stored=storable, report=report)
        changed = imported.changed
        assert changed is not None, "what may be stored was stored"
        response.status_code = HTTPStatus.CREATED if changed.is_new else HTTPStatus.OK
        response.headers["ETag"] = tag_of(changed.version)
        return AddedFile(**await made(portfolios, author, changed), report=report)

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
