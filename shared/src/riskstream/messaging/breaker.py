"""Stops a partition before a bad deploy drains it into its dead letter topic."""

from collections import deque
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """How many dead letters are an accident: `consecutive` in a row, or more than `ratio` of the last `window`."""

    consecutive: int = 20
    ratio: float = 0.05
    window: int = 400


class Breaker:
    """Watches the outcomes of one partition's records. Duplicates are no outcome."""

    def __init__(self, limit: DeadLetterLimit) -> None:
        self._limit = limit
        self._last: deque[bool] = deque(maxlen=limit.window)
        self._dead_in_window = 0
        self._consecutive = 0

    def copy(self) -> Self:
        """A breaker that may be kept or thrown away with the transaction whose outcomes it counts."""
        twin = type(self)(self._limit)
        twin._last = self._last.copy()
        twin._dead_in_window = self._dead_in_window
        twin._consecutive = self._consecutive
        return twin

    def count(self, *, dead: bool) -> None:
        """Take one record's outcome."""
        if len(self._last) == self._limit.window:
            self._dead_in_window -= self._last[0]
        self._last.append(dead)
        self._dead_in_window += dead
        self._consecutive = self._consecutive + 1 if dead else 0

    @property
    def tripped(self) -> bool:
        """Whether the partition must stop. The share is of the whole window, so that a few at the start do not trip."""
        return (
            self._consecutive >= self._limit.consecutive
            or self._dead_in_window > self._limit.ratio * self._limit.window
        )
