"""Request bodies, bounded and exact: no more bytes than allowed, no number through a float."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import Request
from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from riskstream.runtime.problems import Problem

FILE_TYPES = frozenset(
    {
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
        "application/csv",
        "application/vnd.ms-excel",
        "application/xml",
        "text/xml",
    }
)
"""Media types under which browsers and tools send a file as the whole body."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MULTIPART_OVERHEAD = 64 * 1024
_MOST_FIELDS = 20


class NumberText(str):
    """A number of a JSON document, as its own digits."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file and the fields that came with it, from a form or from the query."""

    content: bytes
    fields: dict[str, str]


async def read_limited(request: Request, limit: int) -> bytes:
    """The body; a Problem (413) as soon as it is known to have more than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        _refuse_size(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            _refuse_size(limit)
    return bytes(body)


def read_json(body: bytes) -> Any:
    """A JSON document in which every number, NaN and Infinity included, is the NumberText that was sent.

    Objects must not name a member twice. A Problem (400) says where the document is broken.
    """
    try:
        text = body.decode("utf-8-sig")
        document = json.loads(
            text,
            parse_float=NumberText,
            parse_int=NumberText,
            parse_constant=NumberText,
            object_pairs_hook=_members_once,
        )
        if _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise _broken(f"The body is not UTF-8 (byte {error.start}).") from error
    except UnicodeEncodeError as error:
        raise _broken("The body has half of a surrogate pair, which is no character.") from error
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        raise _broken(message) from error
    except RecursionError as error:
        raise _broken("The body is nested too deeply.") from error
    return document


async def read_file(request: Request, limit: int) -> SentFile:
    """The file of an import, as a form with a part named `file` or as the body itself.

    Fields of the form come before those of the query. Problems: 413 over `limit` bytes, 415 for another media type,
    400 for a broken form or one without a file.
    """
    query = dict(request.query_params)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in FILE_TYPES:
        return SentFile(await read_limited(request, limit), query)
    if media_type == "multipart/form-data":
        body = await read_limited(request, limit + _MULTIPART_OVERHEAD)
        content, fields = await _read_form(request, body)
        if len(content) > limit:
            _refuse_size(limit)
        return SentFile(content, query | fields)
    raise Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send the file as multipart/form-data in a part named `file`, or as the body with Content-Type: text/csv.",
    )


async def _read_form(request: Request, body: bytes) -> tuple[bytes, dict[str, str]]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, whole(), max_files=1, max_fields=_MOST_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError, ValueError) as error:
        raise _broken(f"The form cannot be read: {error}.") from error
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise _broken("The form has no part named `file` with a file name.")
        content = await file.read()
        return content, {name: value for name, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _broken("An object of the body names a member twice; which one counts cannot be known.")
    return members


def _broken(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "body_unreadable", detail)


def _refuse_size(limit: int) -> NoReturn:
    raise Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_large",
        f"At most {limit:,} bytes are accepted; send the positions in several portfolios.",
    )
