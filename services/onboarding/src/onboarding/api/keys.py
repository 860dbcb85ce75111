"""Keys of requests over HTTP: under which one is remembered, and what a key stands for."""

import hashlib
import json
import re
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Header

from onboarding.idempotency import CALLER_KEY_PREFIX, FILE_KEY_PREFIX, CreationKey
from riskstream.runtime.problems import Problem

_KEY = re.compile(r"[\x21-\x7e]{1,200}")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Sent again with the same content it does nothing new and answers 200. 1 to 200 printable "
        "characters; a UUID is a good choice.",
    ),
]


def caller_key(header: str | None, *content: bytes) -> CreationKey | None:
    """The key of the header `Idempotency-Key`, with a hash of the content; null where there is no header."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "idempotency_key_invalid",
            "Idempotency-Key has 1 to 200 printable ASCII characters without spaces; a UUID is a good choice.",
        )
    return CreationKey(f"{CALLER_KEY_PREFIX}{header}", _hash(*content))


def file_key(file: bytes, *content: bytes, into: UUID | None = None) -> CreationKey:
    """The key that a file is by itself: to create a portfolio, or to be added to one that there is."""
    place = "" if into is None else f"{into}:"
    return CreationKey(f"{FILE_KEY_PREFIX}{place}{_hash(file)}", _hash(file, *content))


def canonical(document: object) -> bytes:
    """The same bytes for the same JSON content, whatever the order of its members."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
