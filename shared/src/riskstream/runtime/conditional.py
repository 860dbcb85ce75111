"""Asking again for what one has: ETag and If-None-Match (RFC 9110, section 13)."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request, Response


def is_unchanged(request: Request, tag: str) -> bool:
    """Whether If-None-Match names `tag`; weak tags match strong ones here."""
    named = request.headers.get("if-none-match")
    if named is None:
        return False
    tags = [name.strip().removeprefix("W/") for name in named.split(",")]
    return tag.removeprefix("W/") in tags or "*" in tags


def under(tag: str) -> Mapping[str, str]:
    """The headers of a body under its tag: to be kept by its owner alone, and asked about before it is used again."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def not_modified(tag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=under(tag))
