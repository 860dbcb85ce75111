"""Pages of lists: each names the address of the next."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Request

Limit = Annotated[int, Query(ge=1, le=500)]


def next_page(request: Request, cursors: Sequence[object], limit: int) -> str | None:
    """The address of the page behind this one, which has items of these cursors, with the same filters.

    Null where this one is not full, and so the last.
    """
    if len(cursors) < limit:
        return None
    return f"{request.url.path}?{request.url.include_query_params(after=str(cursors[-1])).query}"
