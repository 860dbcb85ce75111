"""The cash flows of a portfolio over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from onboarding.api import ledger_documentation as documentation
from onboarding.api.authors import CurrentAuthor, Owner
from onboarding.api.keys import IdempotencyKey, caller_key, canonical
from onboarding.api.ledger_answers import CashFlowAnswer, CashFlows, ChangedCashFlow, ChangeMade, made
from onboarding.api.ledger_bodies import flow_change, new_flow, read_object
from onboarding.api.paging import Limit, next_page
from onboarding.api.preconditions import Known, Named, Required, tag_of
from onboarding.imports.flow import FlowKind
from onboarding.portfolios import Portfolios
from onboarding.settings import OnboardingSettings
from riskstream.runtime.clock import Clock
from riskstream.runtime.conditional import tagged


def cash_flow_router(portfolios: Portfolios, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """The operations on cash flows."""
    router = APIRouter(
        prefix="/portfolios/{portfolio_id}/cash-flows",
        tags=["cash flows"],
    )
    ledger = portfolios.ledger.flows

    @router.get("", responses=documentation.READING, summary="List the cash flows of a portfolio")
    async def list_cash_flows(
        portfolio_id: UUID,
        *,
        request: Request,
        owner: Owner,
        after: Annotated[UUID | None, Query(description="The last id of the page before.")] = None,
        limit: Limit = 100,
        kind: FlowKind | None = None,
    ) -> CashFlows:
        """In the order of their ids."""
        found = await ledger.page(owner, portfolio_id, after=after, limit=limit, kind=kind)
        more = next_page(request, [record.flow_id for record in found], limit)
        return CashFlows(cash_flows=[CashFlowAnswer.of(record) for record in found], next=more)

    @router.get(
        "/{flow_id}",
        response_model=CashFlowAnswer,
        responses=documentation.READING_ONE,
        summary="A cash flow of a portfolio",
    )
    async def read_cash_flow(portfolio_id: UUID, flow_id: UUID, owner: Owner, known: Known = None) -> Response:
        record = await ledger.find(owner, portfolio_id, flow_id)
        return tagged(known, CashFlowAnswer.of(record).model_dump_json(), tag_of(record.changed_version))

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=ChangedCashFlow,
        responses=documentation.ADDING,
        openapi_extra=documentation.NEW_FLOW,
        summary="Add a deposit, a withdrawal or a fee",
    )
    async def add_cash_flow(
        portfolio_id: UUID,
        *,
        request: Request,
        response: Response,
        author: CurrentAuthor,
        expected: Named,
        sent_key: IdempotencyKey = None,
    ) -> ChangedCashFlow:
        """It counts at the close of its session; on a day without one, of the next. A withdrawal is at most the NAV."""
        document = await read_object(request, settings.request_max_bytes)
        flow = new_flow(document, clock.today())
        content = (b"cash_flow.create", portfolio_id.bytes, canonical(document))
        key = caller_key(sent_key, *content)
        changed, added = await ledger.add(author, portfolio_id, flow, key=key, expected=expected)
        response.status_code = HTTPStatus.CREATED if changed.is_new else HTTPStatus.OK
        response.headers["ETag"] = tag_of(added.changed_version)
        response.headers["Location"] = f"/portfolios/{portfolio_id}/cash-flows/{added.flow_id}"
        return ChangedCashFlow(**await made(portfolios, author, changed), cash_flow=CashFlowAnswer.of(added))

    @router.patch(
        "/{flow_id}",
        responses=documentation.EDITING,
        openapi_extra=documentation.FLOW_CHANGE,
        summary="Change a cash flow",
    )
    async def edit_cash_flow(
        portfolio_id: UUID,
        flow_id: UUID,
        *,
        request: Request,
        response: Response,
        author: CurrentAuthor,
        expected: Required,
    ) -> ChangedCashFlow:
        """What is not sent stays as it is."""
        change = flow_change(await read_object(request, settings.request_max_bytes), clock.today())
        changed, flow = await ledger.edit(author, portfolio_id, flow_id, expected, change)
        response.headers["ETag"] = tag_of(flow.changed_version)
        return ChangedCashFlow(**await made(portfolios, author, changed), cash_flow=CashFlowAnswer.of(flow))

    @router.delete("/{flow_id}", responses=documentation.DELETING, summary="Delete a cash flow")
    async def delete_cash_flow(
        portfolio_id: UUID, flow_id: UUID, author: CurrentAuthor, expected: Required
    ) -> ChangeMade:
        """As if it had never been."""
        changed = await ledger.delete(author, portfolio_id, flow_id, expected)
        return ChangeMade(**await made(portfolios, author, changed))

    return router
