"""What clients asked and were shown, and the two promises that no fault excuses."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Read:
    """One request and what came back. Folds of a portfolio are numbered upwards, in the order of their commits."""

    client: int
    portfolio: UUID
    head_before: int | None
    """The fold that was committed when the request was sent, as far as the client could find out."""
    shown: int | None
    """The fold that the answer shows; None where there was no answer."""


def stale(reads: Iterable[Read]) -> list[str]:
    """Answers older than the head at the time of asking."""
    return [
        f"stale: client {read.client} was shown fold {read.shown} of {read.portfolio} after {read.head_before}"
        for read in reads
        if read.shown is not None and read.head_before is not None and read.shown < read.head_before
    ]


def went_back(reads: Iterable[Read]) -> list[str]:
    """Answers older than one that the same client had been shown; reads in the order in which each client asked."""
    found = []
    seen: dict[tuple[int, UUID], int] = {}
    for read in reads:
        if read.shown is None:
            continue
        known = seen.get((read.client, read.portfolio), read.shown)
        if read.shown < known:
            found.append(f"back in time: client {read.client} was shown {read.shown} of {read.portfolio} after {known}")
        seen[read.client, read.portfolio] = max(known, read.shown)
    return found
