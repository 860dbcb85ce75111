"""Versions of resources over HTTP: ETag, If-Match, If-None-Match (RFC 9110, section 13).

The tag of a lot, flow or price is the version that changed it last. A portfolio's is its version; where its status is
in the body too, which changes without the version, a fingerprint of the body follows behind a point. Who changes
something has to have seen its version; what the rest of the tag says does not matter then. Who puts what may not be
there yet says so.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header

from riskstream.runtime.problems import Problem

_TAG = re.compile(r'"([0-9]{1,18})(?:\.[0-9a-f]+)?"')


def tag_of(version: int) -> str:
    return f'"{version}"'


def tag_with_body(version: int, body: str) -> str:
    """The tag of a body that depends on more than the version."""
    return f'"{version}.{fingerprint(body)}"'


def fingerprint(body: str) -> str:
    return blake2b(body.encode(), digest_size=12).hexdigest()


SEND_WHAT_WAS_SEEN = (
    "Send the ETag of what you have seen in If-Match, so that nobody's change is lost; `*` overwrites any."
)
SEND_THAT_THERE_IS_NONE = " Where there is nothing yet, send If-None-Match: *."

_IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="The ETag of what was seen; `*` for any. 428 without it.", examples=['"7"', "*"]
    ),
]
_PortfolioIfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="The portfolio's ETag, where nothing may have changed since.", examples=['"7"']
    ),
]
_IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="`*` in place of If-Match, where there is none yet.", examples=["*"]),
]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a caller has seen where it puts something: nothing, or one of `versions`, null for any."""

    nothing: bool
    versions: frozenset[int] | None = None


def required_versions(if_match: _IfMatch = None) -> frozenset[int] | None:
    """The versions named by If-Match, null for any (`*`); a Problem (428) where there is no such header."""
    if if_match is None:
        raise _precondition_required(SEND_WHAT_WAS_SEEN)
    return _versions(if_match)


def named_versions(if_match: _PortfolioIfMatch = None) -> frozenset[int] | None:
    """The versions named by If-Match, null for any and where there is no such header."""
    return None if if_match is None else _versions(if_match)


def what_was_seen(if_match: _IfMatch = None, if_none_match: _IfNoneMatch = None) -> Seen:
    """What If-Match names, or nothing with `If-None-Match: *`; a Problem for neither (428) and for both (400)."""
    says_nothing = if_none_match is not None and if_none_match.strip() == "*"
    if if_match is None and not says_nothing:
        raise _precondition_required(SEND_WHAT_WAS_SEEN + SEND_THAT_THERE_IS_NONE)
    if if_match is None:
        return Seen(nothing=True)
    if says_nothing:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "preconditions_contradictory",
            "If-Match says that there is something, If-None-Match: * that there is nothing; send one of them.",
        )
    return Seen(nothing=False, versions=_versions(if_match))


Required = Annotated[frozenset[int] | None, Depends(required_versions)]
Named = Annotated[frozenset[int] | None, Depends(named_versions)]
SeenOrNothing = Annotated[Seen, Depends(what_was_seen)]
Known = Annotated[
    str | None,
    Header(alias="If-None-Match", description="The ETag of what you have: 304 while it is the same.", examples=['"7"']),
]


def _versions(if_match: str) -> frozenset[int] | None:
    """Those that the header names, null for any. Weak tags match nothing."""
    tags = [tag.strip() for tag in if_match.split(",")]
    if "*" in tags:
        return None
    return frozenset(int(found[1]) for found in map(_TAG.fullmatch, tags) if found)


def _precondition_required(detail: str) -> Problem:
    return Problem(HTTPStatus.PRECONDITION_REQUIRED, "precondition_required", detail)
