"""How something is changed: by whom has seen it, and once however often it is sent."""

from typing import Literal, TypeAlias

from riskstream_client.connection import Id, path_part

Version: TypeAlias = int | Literal["*"]
"""The version that you have seen (`changed_version` of a lot, flow or price, `version` of a portfolio); `*` for any.

Where somebody was faster, ProblemReceived has the present one.
"""


def portfolio_path(portfolio: Id) -> str:
    return f"/portfolios/{path_part(portfolio)}"


def conditions(*, version: Version | None = None, key: str | None = None) -> dict[str, str]:
    """The headers for a version that was seen, and for a key under which the same content is done once only."""
    seen = {} if version is None else {"If-Match": "*" if version == "*" else f'"{version}"'}
    return seen | ({} if key is None else {"Idempotency-Key": key})
