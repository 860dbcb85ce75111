"""What is answered while the database is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from riskstream.messaging.errors import is_transient
from riskstream.runtime.problems import Problem

RETRY_AFTER = "5"


@contextmanager
def or_unavailable() -> Iterator[None]:
    """An error inside that will pass becomes the problem that says so; others stay what they are."""
    try:
        yield
    except Exception as error:
        if not is_transient(error):
            raise
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database_unavailable",
            "The database cannot be reached, and no answer is given that might be an old one. Try again.",
            headers={"Retry-After": RETRY_AFTER},
        ) from error
