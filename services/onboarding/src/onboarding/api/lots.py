"""The lots of a portfolio over HTTP."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from onboarding.api import ledger_documentation as documentation
from onboarding.api.answers import MOST_FINDINGS, field_finding, position_finding
from onboarding.api.authors import CurrentAuthor, Owner
from onboarding.api.creations import named_now
from onboarding.api.keys import IdempotencyKey, caller_key, canonical
from onboarding.api.ledger_answers import AddedLots, ChangedLot, ChangeMade, ClosedLot, LotAnswer, Lots, made
from onboarding.api.ledger_bodies import closing, lot_change, new_lots, read_object
from onboarding.api.paging import Limit, next_page
from onboarding.api.preconditions import Known, Named, Required, tag_of
from onboarding.portfolios import Portfolios
from onboarding.settings import OnboardingSettings
from riskstream.runtime.clock import Clock
from riskstream.runtime.conditional import tagged
from riskstream.symbology import dash_form


def lot_router(portfolios: Portfolios, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """The operations on lots."""
    router = APIRouter(prefix="/portfolios/{portfolio_id}/lots", tags=["lots"])
    ledger = portfolios.ledger.lots

    @router.get("", responses=documentation.READING, summary="List the lots of a portfolio")
    async def list_lots(
        portfolio_id: UUID,
        *,
        request: Request,
        owner: Owner,
        after: Annotated[UUID | None, Query(description="The last id of the page before.")] = None,
        limit: Limit = 100,
        symbol: Annotated[str | None, Query(max_length=64, description="Of the lot, or of what it is on.")] = None,
        state: Literal["open", "closed"] | None = None,
    ) -> Lots:
        """In the order of their ids."""
        found = await ledger.page(
            owner,
            portfolio_id,
            after=after,
            limit=limit,
            symbol=None if symbol is None else dash_form(symbol),
            is_open=None if state is None else state == "open",
        )
        more = next_page(request, [record.position_id for record in found], limit)
        return Lots(lots=[LotAnswer.of(record) for record in found], next=more)

    @router.get(
        "/{position_id}", response_model=LotAnswer, responses=documentation.READING_ONE, summary="A lot of a portfolio"
    )
    async def read_lot(portfolio_id: UUID, position_id: UUID, owner: Owner, known: Known = None) -> Response:
        record = await ledger.find(owner, portfolio_id, position_id)
        return tagged(known, LotAnswer.of(record).model_dump_json(), tag_of(record.changed_version))

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=AddedLots,
        responses=documentation.ADDING,
        openapi_extra=documentation.NEW_LOTS,
        summary="Add one or several lots",
    )
    async def add_lots(
        portfolio_id: UUID,
        *,
        request: Request,
        response: Response,
        author: CurrentAuthor,
        expected: Named,
        sent_key: IdempotencyKey = None,
    ) -> AddedLots:
        """All or none, in one version. If-Match, where it is sent, names the portfolio's version."""
        document = await read_object(request, settings.request_max_bytes)
        found = await asyncio.to_thread(new_lots, document, settings.portfolio_max_rows, clock.today())
        found = await named_now(portfolios, author.owner, found)
        content = (b"lot.create", portfolio_id.bytes, canonical(document))
        key = caller_key(sent_key, *content)
        changed, lots = await ledger.add(author, portfolio_id, found.lots, key=key, expected=expected)
        response.status_code = HTTPStatus.CREATED if changed.is_new else HTTPStatus.OK
        response.headers["ETag"] = tag_of(changed.version)
        if len(lots) == 1:
            response.headers["Location"] = f"/portfolios/{portfolio_id}/lots/{lots[0].position_id}"
        return AddedLots(
            **await made(portfolios, author, changed),
            lots=[LotAnswer.of(lot) for lot in lots],
            warnings=[position_finding(finding) for finding in found.warnings[:MOST_FINDINGS]],
        )

    @router.patch(
        "/{position_id}",
        responses=documentation.EDITING,
        openapi_extra=documentation.LOT_CHANGE,
        summary="Change a lot, or open it again",
    )
    async def edit_lot(
        portfolio_id: UUID,
        position_id: UUID,
        *,
        request: Request,
        response: Response,
        author: CurrentAuthor,
        expected: Required,
    ) -> ChangedLot:
        """What is not sent stays as it is; null clears a field. With `exit_date` null the lot is open again."""
        change = lot_change(await read_object(request, settings.request_max_bytes), clock.today())
        changed, lot, warnings = await ledger.edit(author, portfolio_id, position_id, expected, change)
        response.headers["ETag"] = tag_of(lot.changed_version)
        return ChangedLot(
            **await made(portfolios, author, changed),
            lot=LotAnswer.of(lot),
            warnings=[field_finding(finding) for finding in warnings],
        )

    @router.post(
        "/{position_id}/close",
        responses=documentation.CLOSING,
        openapi_extra=documentation.CLOSE,
        summary="Close a lot, wholly or in part",
    )
    async def close_lot(
        portfolio_id: UUID,
        position_id: UUID,
        *,
        request: Request,
        response: Response,
        author: CurrentAuthor,
        expected: Required,
        sent_key: IdempotencyKey = None,
    ) -> ClosedLot:
        """`quantity` is in shares as of the exit date, after splits; without it all is closed.

        A part that is closed becomes a lot of its own, and what stays keeps its id. The fee of the entry is shared in
        proportion. The ETag is that of the lot that was named.
        """
        document = await read_object(request, settings.request_max_bytes)
        how = closing(document, clock.today())
        content = (b"lot.close", portfolio_id.bytes, position_id.bytes, canonical(document))
        key = caller_key(sent_key, *content)
        changed, lots = await ledger.close(
            author, portfolio_id, position_id, key=key, expected=expected, change=how.change, quantity=how.quantity
        )
        response.headers["ETag"] = tag_of((lots.stays or lots.closed).changed_version)
        return ClosedLot.of(await made(portfolios, author, changed), lots)

    @router.delete("/{position_id}", responses=documentation.DELETING, summary="Delete a lot")
    async def delete_lot(
        portfolio_id: UUID, position_id: UUID, author: CurrentAuthor, expected: Required
    ) -> ChangeMade:
        """As if it had never been held. What was sold is closed instead."""
        changed = await ledger.delete(author, portfolio_id, position_id, expected)
        return ChangeMade(**await made(portfolios, author, changed))

    return router
