"""A portfolio's status, derived whenever somebody asks and never stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The three words there are."""

    READY = "ready"
    PENDING = "pending"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class UnknownSymbol:
    """A symbol of an open public position that the current edition does not contain, and how its request stands."""

    symbol: str
    state: str | None
    """`queued`, `running`, `waiting_for_provider`, `ready`, `failed`; null where the request has not arrived yet."""
    step: str | None = None
    attempt: int = 0
    last_outcome: str | None = None
    reason: str | None = None
    detail: str | None = None

    @property
    def failed(self) -> bool:
        return self.state == "failed"


def derive(unknown: Sequence[UnknownSymbol], version: int, valued_version: int | None) -> Status:
    """The status of a portfolio at `version`, whose last valuation is of `valued_version` (null: none yet).

    `error` when a symbol has failed, whatever else is still on its way: somebody must look at it, and waiting will
    not mend it. The rest of the portfolio is usable all the same. Else `pending` while a symbol is unknown or the
    valuation is behind the version, else `ready`.
    """
    if any(symbol.failed for symbol in unknown):
        return Status.ERROR
    if unknown or valued_version is None or valued_version < version:
        return Status.PENDING
    return Status.READY
