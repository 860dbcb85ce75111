"""A portfolio as a file that can be imported again."""

import asyncio
import json
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response

from onboarding.api import documentation
from onboarding.api.authors import Owner
from onboarding.api.preconditions import Known, tag_of
from onboarding.imports.export import as_positions, write_csv
from onboarding.ledger import as_text, flow_as_json
from onboarding.portfolios import Portfolios, WholeLedger
from riskstream.runtime.conditional import is_unchanged, not_modified, under


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


MEDIA_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON: "application/json"}


def export_router(portfolios: Portfolios) -> APIRouter:
    router = APIRouter(prefix="/portfolios", tags=["portfolios"])

    @router.get(
        "/{portfolio_id}/export",
        response_class=Response,
        responses=documentation.problems(**documentation.NOT_FOUND) | documentation.EXPORT,
        summary="Export a portfolio as our CSV or JSON",
    )
    async def export_portfolio(
        portfolio_id: UUID,
        owner: Owner,
        as_format: Annotated[Format, Query(alias="format", description="The CSV has the lots alone.")] = Format.CSV,
        known: Known = None,
    ) -> Response:
        """The JSON is all of the ledger (lots with the prices of their owner's, cash flows, name, declared equity and
        first session) and gives the same portfolio by `POST /portfolios`; the CSV has the lots alone, and gives the
        same ones by `POST /portfolios/import`.
        """
        whole = await portfolios.find_whole(owner, portfolio_id)
        tag = tag_of(whole.record.version)
        if is_unchanged(known, tag):
            return not_modified(tag)

        def content() -> str:
            if as_format is Format.CSV:
                return write_csv(whole.lots)
            return json.dumps(_as_body(whole), ensure_ascii=False, indent=1)

        headers = under(tag) | {"Content-Disposition": _attachment(whole.record.name, as_format)}
        return Response(await asyncio.to_thread(content), media_type=MEDIA_TYPES[as_format], headers=headers)

    return router


def _as_body(whole: WholeLedger) -> dict[str, Any]:
    """The body of `POST /portfolios` that gives the same portfolio; what it does not have is left out."""
    record = whole.record
    said: dict[str, Any] = {"name": record.name, "first_session": record.first_session.isoformat()}
    if record.declared_equity is not None:
        said["declared_equity"] = format(record.declared_equity, "f")
    positions: list[dict[str, Any]] = [*as_positions(whole.lots)]
    for position, prices in zip(positions, whole.prices, strict=True):
        if prices:
            position["prices"] = [{"date": day.isoformat(), "price": as_text(price)} for day, price in prices.items()]
    said["positions"] = positions
    if whole.flows:
        said["cash_flows"] = [flow_as_json(flow) for flow in whole.flows]
    return said


def _attachment(name: str, as_format: Format) -> str:
    """The portfolio's name as a file's, for browsers that read RFC 6266; a plain one for others."""
    return f"attachment; filename=\"portfolio.{as_format}\"; filename*=UTF-8''{quote(name, safe='')}.{as_format}"
