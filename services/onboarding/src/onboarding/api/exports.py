"""A portfolio as a file that can be imported again."""

import asyncio
import json
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer

from onboarding.api import documentation
from onboarding.imports.export import as_positions, write_csv
from onboarding.portfolios import Portfolios
from riskstream.runtime.auth import current_owner


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


MEDIA_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON: "application/json"}


def export_router(portfolios: Portfolios) -> APIRouter:
    router = APIRouter(prefix="/portfolios", tags=["portfolios"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.get(
        "/{portfolio_id}/export",
        response_class=Response,
        responses=documentation.problems(**documentation.UNAUTHORIZED, **documentation.NOT_FOUND)
        | documentation.EXPORT,
        summary="Export a portfolio as our CSV or JSON",
    )
    async def export(
        portfolio_id: UUID,
        request: Request,
        owner: Annotated[str, Depends(current_owner)],
        as_format: Annotated[Format, Query(alias="format", description="The CSV has the lots alone.")] = Format.CSV,
    ) -> Response:
        """Imported again it gives the same lots: the CSV by `POST /portfolios/import`, the JSON, which
        has name, declared equity and first session too, by `POST /portfolios`.
        """
        record, lots = await portfolios.find_with_positions(owner, portfolio_id)
        tag = f'"{record.version}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if _has(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)

        def content() -> str:
            held = [lot for _, lot in lots]
            if as_format is Format.CSV:
                return write_csv(held)
            said: dict[str, Any] = {"name": record.name, "first_session": record.first_session.isoformat()}
            if record.declared_equity is not None:
                said["declared_equity"] = format(record.declared_equity, "f")
            return json.dumps(said | {"positions": as_positions(held)}, ensure_ascii=False, indent=1)

        headers["Content-Disposition"] = _attachment(record.name, as_format)
        return Response(await asyncio.to_thread(content), media_type=MEDIA_TYPES[as_format], headers=headers)

    return router


def _has(sent: str, tag: str) -> bool:
    """Whether the header `If-None-Match` names `tag`; weak ones match strong ones here (RFC 9110, 13.1.2)."""
    names = [name.strip().removeprefix("W/") for name in sent.split(",")]
    return tag in names or "*" in names


def _attachment(name: str, as_format: Format) -> str:
    """The portfolio's name as a file's, for browsers that read RFC 6266; a plain one for others."""
    return f"attachment; filename=\"portfolio.{as_format}\"; filename*=UTF-8''{quote(name, safe='')}.{as_format}"
