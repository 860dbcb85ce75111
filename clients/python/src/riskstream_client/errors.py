"""What a service refuses, as an exception."""

import re
from typing import Any, Self

import httpx

_TAG = re.compile(r'"(\d+)(\.[0-9a-f]+)?"')
"""A version, which may be followed by a fingerprint of the body."""


class ProblemReceived(Exception):
    """An error that a service answered with (RFC 9457). Programs test `code`; people read `detail`."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: list[dict[str, Any]],
        retry_after: float | None,
        version: int | None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        """Single findings, where there are several: each with where it is, a code and a message."""
        self.retry_after = retry_after
        """Seconds after which asking again is worth while; None where the service named none."""
        self.version = version
        """The present one of what was to be changed, where somebody was faster (412); else None."""

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """From an unsuccessful response, also one that did not come from the service but from a proxy before it."""
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            body = {}
        return cls(
            response.status_code,
            str(body.get("code", "no_problem_document")),
            str(body.get("detail", response.text[:500] or response.reason_phrase)),
            errors=list(body.get("errors") or []),
            retry_after=_seconds(response.headers.get("Retry-After")),
            version=_version(response.headers.get("ETag")),
        )


def _seconds(header: str | None) -> float | None:
    """Of a Retry-After in seconds, the only form that the services send."""
    return float(header) if header is not None and header.isdecimal() else None


def _version(tag: str | None) -> int | None:
    found = _TAG.fullmatch(tag or "")
    return int(found[1]) if found else None
