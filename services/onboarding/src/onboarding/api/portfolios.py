"""The endpoints. Each reads, asks the portfolios, answers; rules live below."""

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from onboarding.api import documentation, ledger_documentation
from onboarding.api.answers import (
    CreatedPortfolio,
    Portfolio,
    Portfolios,
    PortfolioSummary,
)
from onboarding.api.authors import CurrentAuthor, Owner
from onboarding.api.bodies import read_limited
from onboarding.api.creation_bodies import new_portfolio
from onboarding.api.creations import answer_created, named_now
from onboarding.api.documentation import CREATION_PROBLEMS
from onboarding.api.keys import IdempotencyKey, caller_key
from onboarding.api.ledger_answers import ChangedPortfolio
from onboarding.api.ledger_bodies import description_of, read_object
from onboarding.api.paging import Limit, next_page
from onboarding.api.preconditions import Known, Required, tag_of, tag_with_body
from onboarding.portfolios import Portfolios as PortfolioService
from onboarding.settings import OnboardingSettings
from riskstream.runtime.clock import Clock
from riskstream.runtime.conditional import tagged


def portfolio_router(portfolios: PortfolioService, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """The operations on portfolios."""
    router = APIRouter(prefix="/portfolios", tags=["portfolios"])

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=CreatedPortfolio,
        responses=documentation.problems(**CREATION_PROBLEMS),
        openapi_extra=documentation.CREATION,
        summary="Create a portfolio from JSON",
    )
    async def create_portfolio(
        request: Request, response: Response, author: CurrentAuthor, sent_key: IdempotencyKey = None
    ) -> CreatedPortfolio:
        """Stores the portfolio with all its positions and cash flows and waits a moment for its valuation.

        Symbols that nobody knows yet are brought in afterwards; until then the portfolio is `pending`.
        """
        body = await read_limited(request, settings.request_max_bytes)
        new, validated, document = await asyncio.to_thread(new_portfolio, body, clock, settings.portfolio_max_rows)
        validated = await named_now(portfolios, author.owner, validated)
        new = replace(new, lots=validated.lots)
        key = caller_key(sent_key, b"json", document)
        created = await portfolios.create(author, new, key)
        record = await answer_created(portfolios, author.owner, created, response)
        return CreatedPortfolio.with_warnings(record, validated)

    @router.get("", summary="List your portfolios")
    async def list_portfolios(
        request: Request,
        owner: Owner,
        after: Annotated[UUID | None, Query(description="The last id of the page before.")] = None,
        limit: Limit = 100,
    ) -> Portfolios:
        """In the order of their ids, each with its status."""
        records = await portfolios.page(owner, after, limit)
        more = next_page(request, [record.portfolio_id for record in records], limit)
        return Portfolios(portfolios=[PortfolioSummary.of(record) for record in records], next=more)

    @router.get(
        "/{portfolio_id}",
        response_model=Portfolio,
        responses=ledger_documentation.READING_ONE,
        summary="A portfolio with its positions",
    )
    async def read_portfolio(portfolio_id: UUID, owner: Owner, known: Known = None) -> Response:
        """Its ETag changes with the status too, which is in the body; If-Match takes it all the same."""
        record, lots = await portfolios.find_with_positions(owner, portfolio_id)

        def answer() -> Response:
            body = Portfolio.with_positions(record, lots).model_dump_json()
            return tagged(known, body, tag_with_body(record.version, body))

        return await asyncio.to_thread(answer)

    @router.patch(
        "/{portfolio_id}",
        responses=ledger_documentation.EDITING,
        openapi_extra=ledger_documentation.DESCRIPTION,
        summary="Give a portfolio another name or declared equity",
    )
    async def describe_portfolio(
        portfolio_id: UUID, request: Request, response: Response, author: CurrentAuthor, expected: Required
    ) -> ChangedPortfolio:
        """What is not sent stays as it is; the first session is fixed. Without a declared equity it begins
        with what it holds.
        """
        description = description_of(await read_object(request, settings.request_max_bytes))
        changed = await portfolios.describe(author, portfolio_id, description, expected)
        record = await portfolios.settled(author.owner, changed)
        response.headers["ETag"] = tag_of(record.version)
        return ChangedPortfolio.by(record, changed)

    @router.delete(
        "/{portfolio_id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=ledger_documentation.DELETING,
        summary="Delete a portfolio",
    )
    async def delete_portfolio(portfolio_id: UUID, author: CurrentAuthor, expected: Required) -> None:
        await portfolios.delete(author, portfolio_id, expected)

    return router
