"""Asking again for what one has: ETag and If-None-Match (RFC 9110, section 13)."""

from http import HTTPStatus

from fastapi import Response


def is_unchanged(known: str | None, tag: str) -> bool:
    """Whether `known`, the caller's If-None-Match, names `tag`; weak tags match strong ones here."""
    if known is None:
        return False
    tags = [name.strip().removeprefix("W/") for name in known.split(",")]
    return tag.removeprefix("W/") in tags or "*" in tags


def under(tag: str) -> dict[str, str]:
    """The headers of a body under its tag: to be kept by its owner alone, and asked about before it is used again."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def not_modified(tag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=under(tag))


def tagged(known: str | None, body: str | bytes, tag: str) -> Response:
    """The JSON body under its tag, or 304 where `known`, the caller's If-None-Match, names it."""
    if is_unchanged(known, tag):
        return not_modified(tag)
    return Response(body, media_type="application/json", headers=under(tag))
