"""The log of a portfolio's changes over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from onboarding.api import ledger_documentation as documentation
from onboarding.api.authors import Owner
from onboarding.api.ledger_answers import Changes, LoggedChange
from onboarding.api.paging import Limit, next_page
from onboarding.portfolios import Portfolios


def change_router(portfolios: Portfolios) -> APIRouter:
    router = APIRouter(prefix="/portfolios", tags=["portfolios"])

    @router.get("/{portfolio_id}/changes", responses=documentation.READING, summary="Who changed what, and when")
    async def list_changes(
        portfolio_id: UUID,
        request: Request,
        owner: Owner,
        after: Annotated[int | None, Query(ge=1, description="The last version of the page before.")] = None,
        limit: Limit = 100,
    ) -> Changes:
        """One entry a version, the newest first."""
        found = await portfolios.changes(owner, portfolio_id, after, limit)
        more = next_page(request, [change.version for change in found], limit)
        return Changes(changes=[LoggedChange.of(change) for change in found], next=more)

    return router
