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
    """A symbol of an open public position that no valuation counts yet, and how its request stands."""

    symbol: str
    state: str | None
    """`queued`, `running`, `waiting_for_provider`, `ready` (the current edition contains it, the valuation is still
    one without it), `failed`; null where the request has not arrived yet."""
    step: str | None = None
    attempt: int = 0
    last_outcome: str | None = None
    reason: str | None = None
    detail: str | None = None
    ahead: int | None = None
    """How many requests that were made before it have not ended; null for one that does not wait."""

    @property
    def failed(self) -> bool:
        return self.state == "failed"

    @property
    def waits(self) -> bool:
        """Nobody works on it: it is not its turn, or its provider has refused."""
        return self.state in (None, "queued", "waiting_for_provider")


def derive(
    unknown: Sequence[UnknownSymbol],
    version: int,
    valued_version: int | None,
    *,
    valuation_failed: bool = False,
) -> Status:
    """The status of a portfolio at `version`, whose last valuation is of `valued_version` (null: none yet).

    `error` when a symbol has failed or the version cannot be valued, whatever else is still on its way: somebody
    must look at it, and waiting will not mend it. The rest of the portfolio is usable all the same. Else `pending`
    while a symbol is unknown or the valuation is behind the version, else `ready`.
    """
    if valuation_failed or any(symbol.failed for symbol in unknown):
        return Status.ERROR
    if unknown or valued_version is None or valued_version < version:
        return Status.PENDING
    return Status.READY


def is_over(
    unknown: Sequence[UnknownSymbol], version: int, valued_version: int | None, *, valuation_failed: bool = False
) -> bool:
    """Whether nothing is on its way any more: each symbol is valued or has failed, and so is the version.

    With the status `error` another symbol may still be on its way.
    """
    valued = valued_version is not None and valued_version >= version
    return (valued or valuation_failed) and all(symbol.failed for symbol in unknown)


VALUATION_MS = 250
WORK_MS = 1_000
TURN_MS = 300
"""About what a request that is ahead takes, of three at a time."""
REFUSED_MS = 5_000
LONGEST_MS = 15_000


def poll_after_ms(
    unknown: Sequence[UnknownSymbol], version: int, valued_version: int | None, *, valuation_failed: bool = False
) -> int | None:
    """When asking again is worth while, by what will change first; null where nothing is on its way."""
    if is_over(unknown, version, valued_version, valuation_failed=valuation_failed):
        return None
    pending = [symbol for symbol in unknown if not symbol.failed and symbol.state != "ready"]
    return min((_changes_after_ms(symbol) for symbol in pending), default=VALUATION_MS)


def _changes_after_ms(symbol: UnknownSymbol) -> int:
    if not symbol.waits:
        return WORK_MS
    if symbol.state == "waiting_for_provider":
        return REFUSED_MS
    return min(WORK_MS + TURN_MS * (symbol.ahead or 0), LONGEST_MS)
