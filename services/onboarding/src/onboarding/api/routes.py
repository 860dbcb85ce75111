"""The endpoints. Each reads, asks the portfolios, answers; rules live below."""

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer

from onboarding.api import documentation
from onboarding.api.answers import (
    CreatedPortfolio,
    Portfolio,
    Portfolios,
    PortfolioSummary,
    position_finding,
)
from onboarding.api.bodies import read_json, read_limited
from onboarding.api.creations import answer_created, named_now, refuse_fields
from onboarding.api.details import Details, caller_key, canonical
from onboarding.api.documentation import CREATION_PROBLEMS, NOT_FOUND, UNAUTHORIZED
from onboarding.imports.rows import Validated, validate
from onboarding.portfolios import NewPortfolio
from onboarding.portfolios import Portfolios as PortfolioService
from onboarding.settings import OnboardingSettings
from riskstream.runtime.auth import current_owner
from riskstream.runtime.clock import Clock
from riskstream.runtime.problems import Problem

Owner = Annotated[str, Depends(current_owner)]

JSON_FIELDS = ("name", "positions", "declared_equity", "first_session")


def portfolio_router(portfolios: PortfolioService, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """The operations on portfolios."""
    router = APIRouter(prefix="/portfolios", tags=["portfolios"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=CreatedPortfolio,
        responses=documentation.problems(**CREATION_PROBLEMS),
        openapi_extra=documentation.CREATION,
        summary="Create a portfolio from JSON",
    )
    async def create(request: Request, response: Response, owner: Owner) -> CreatedPortfolio:
        """Stores the portfolio with all its positions and waits a moment for its valuation.

        Symbols that nobody knows yet are brought in afterwards; until then the portfolio is `pending`.
        """
        body = await read_limited(request, settings.request_max_bytes)
        new, validated, document = await asyncio.to_thread(_from_json, body, clock, settings.portfolio_max_rows)
        validated = await named_now(portfolios, owner, validated)
        new = replace(new, lots=validated.lots)
        key = caller_key(request.headers.get("idempotency-key"), b"json", document)
        created = await portfolios.create(owner, new, key)
        record = await answer_created(portfolios, owner, created, response)
        return CreatedPortfolio.with_warnings(record, validated)

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
    refuse_fields(details)
    return new, validated, canonical(document)
