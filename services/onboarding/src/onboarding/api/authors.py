"""Who asks, as the log of changes says it."""

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from onboarding.edits import Author
from riskstream.runtime.auth import current_owner
from riskstream.runtime.problems import Problem

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,200}")

Owner = Annotated[str, Depends(current_owner)]


def author_of(request: Request, owner: Owner) -> Author:
    """The owner, who is the token's subject too, with the id that the caller gave the request (`X-Request-ID`)."""
    request_id = request.headers.get("x-request-id")
    if request_id is not None and not _REQUEST_ID.fullmatch(request_id):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "request_id_invalid",
            "X-Request-ID has 1 to 200 printable ASCII characters without spaces; a UUID is a good choice.",
        )
    return Author(owner, owner, request_id)


CurrentAuthor = Annotated[Author, Depends(author_of)]
