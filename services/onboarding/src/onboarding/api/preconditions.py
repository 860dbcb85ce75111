"""Versions of resources over HTTP: ETag, If-Match, If-None-Match (RFC 9110, section 13).

The tag of a lot or flow is the version that changed it last. A portfolio's is its version; where its status is in the
body too, which changes without the version, a fingerprint of the body follows behind a point. Who changes something
has to have seen its version; what the rest of the tag says does not matter then.
"""

import re
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Response

from riskstream.runtime.problems import Problem

_TAG = re.compile(r'"([0-9]{1,18})(?:\.[0-9a-f]+)?"')


def tag_of(version: int) -> str:
    return f'"{version}"'


def tag_with_body(version: int, body: str) -> str:
    """The tag of a body that depends on more than the version."""
    return f'"{version}.{fingerprint(body)}"'


def fingerprint(body: str) -> str:
    return blake2b(body.encode(), digest_size=12).hexdigest()


def required_versions(request: Request) -> frozenset[int] | None:
    """The versions named by If-Match, null for any (`*`); a Problem (428) where there is no such header."""
    if "if-match" not in request.headers:
        raise Problem(
            HTTPStatus.PRECONDITION_REQUIRED,
            "precondition_required",
            "Send the ETag of what you have seen in If-Match, so that nobody's change is lost; `*` overwrites any.",
        )
    return named_versions(request)


def named_versions(request: Request) -> frozenset[int] | None:
    """The versions named by If-Match, null for any and where there is no such header. Weak tags match nothing."""
    tags = [tag.strip() for tag in request.headers.get("if-match", "*").split(",")]
    if "*" in tags:
        return None
    return frozenset(int(found[1]) for found in map(_TAG.fullmatch, tags) if found)


Required = Annotated[frozenset[int] | None, Depends(required_versions)]
Named = Annotated[frozenset[int] | None, Depends(named_versions)]


def is_unchanged(request: Request, tag: str) -> bool:
    """Whether If-None-Match names `tag`; weak tags match strong ones here."""
    tags = [name.strip().removeprefix("W/") for name in request.headers.get("if-none-match", "").split(",")]
    return tag in tags or "*" in tags


def under(tag: str) -> dict[str, str]:
    """The headers of a body under its tag: to be kept by its owner alone, and asked about before it is used again."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def not_modified(tag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=under(tag))


def tagged(request: Request, body: str, tag: str) -> Response:
    """The JSON body under its tag, or 304 where the caller has it."""
    if is_unchanged(request, tag):
        return not_modified(tag)
    return Response(body, media_type="application/json", headers=under(tag))
