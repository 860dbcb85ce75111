"""Prices of options and private holdings over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from onboarding.api import ledger_documentation as documentation
from onboarding.api.authors import CurrentAuthor, Owner
from onboarding.api.ledger_answers import ChangedPrice, ChangeMade, PriceAnswer, Prices, made
from onboarding.api.ledger_bodies import price_day, price_of, read_object
from onboarding.api.paging import Limit, next_page
from onboarding.api.preconditions import Known, Required, SeenOrNothing, tag_of
from onboarding.portfolios import Portfolios
from onboarding.settings import OnboardingSettings
from riskstream.runtime.clock import Clock
from riskstream.runtime.conditional import tagged


def price_router(portfolios: Portfolios, clock: Clock, settings: OnboardingSettings) -> APIRouter:
    """The operations on prices that owners give."""
    router = APIRouter(
        prefix="/portfolios/{portfolio_id}/lots/{position_id}/prices",
        tags=["prices"],
    )
    ledger = portfolios.ledger.prices

    @router.get("", responses=documentation.READING, summary="List the prices that were given for a lot")
    async def list_prices(
        portfolio_id: UUID,
        position_id: UUID,
        *,
        request: Request,
        owner: Owner,
        after: Annotated[date | None, Query(description="The last date of the page before.")] = None,
        limit: Limit = 100,
    ) -> Prices:
        """By date."""
        found = await ledger.page(owner, portfolio_id, position_id, after, limit)
        more = next_page(request, [record.price_date for record in found], limit)
        return Prices(prices=[PriceAnswer.of(record) for record in found], next=more)

    @router.get(
        "/{day}",
        response_model=PriceAnswer,
        responses=documentation.READING_ONE,
        summary="The price that was given for a day",
    )
    async def read_price(
        portfolio_id: UUID, position_id: UUID, day: str, owner: Owner, known: Known = None
    ) -> Response:
        record = await ledger.find(owner, portfolio_id, position_id, price_day(day, clock.today()))
        return tagged(known, PriceAnswer.of(record).model_dump_json(), tag_of(record.changed_version))

    @router.put(
        "/{day}",
        responses=documentation.PRICING,
        openapi_extra=documentation.PRICE,
        summary="Say what an option or a private holding was worth on a day",
    )
    async def put_price(
        portfolio_id: UUID,
        position_id: UUID,
        day: str,
        *,
        request: Request,
        response: Response,
        author: CurrentAuthor,
        seen: SeenOrNothing,
    ) -> ChangedPrice:
        """It counts from that day's session, or the next, until the session of the next price.

        The day's first price is sent with `If-None-Match: *`, another in its place with its ETag in If-Match.
        """
        when = price_day(day, clock.today())
        price = price_of(await read_object(request, settings.request_max_bytes))
        if seen.nothing:
            changed, said = await ledger.add(author, portfolio_id, position_id, when, price)
        else:
            changed, said = await ledger.change(author, portfolio_id, position_id, when, price, expected=seen.versions)
        response.headers["ETag"] = tag_of(said.changed_version)
        return ChangedPrice(
            **await made(portfolios, author, changed),
            price=PriceAnswer.of(said),
            counts_on=changed.first_affected_session,
        )

    @router.delete("/{day}", responses=documentation.DELETING, summary="Take the price of a day away")
    async def delete_price(
        portfolio_id: UUID, position_id: UUID, day: str, author: CurrentAuthor, expected: Required
    ) -> ChangeMade:
        """The price before it counts on."""
        when = price_day(day, clock.today())
        changed = await ledger.delete(author, portfolio_id, position_id, when, expected)
        return ChangeMade(**await made(portfolios, author, changed))

    return router
