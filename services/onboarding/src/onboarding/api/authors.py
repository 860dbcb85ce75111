"""Who asks, as the log of changes says it."""

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header

from onboarding.edits import Author
from riskstream.runtime.auth import Caller, current_caller, current_owner
from riskstream.runtime.problems import Problem

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,200}")

Owner = Annotated[str, Depends(current_owner)]
RequestId = Annotated[
    str | None, Header(alias="X-Request-ID", description="Kept in the log of changes: 1 to 200 printable characters.")
]


def current_author(caller: Annotated[Caller, Depends(current_caller)], request_id: RequestId = None) -> Author:
    """The token's owner and subject, with the id that the caller gave the request."""
    if request_id is not None and not _REQUEST_ID.fullmatch(request_id):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "request_id_invalid",
            "X-Request-ID has 1 to 200 printable ASCII characters without spaces; a UUID is a good choice.",
        )
    return Author(caller.owner, caller.subject, request_id)


CurrentAuthor = Annotated[Author, Depends(current_author)]
