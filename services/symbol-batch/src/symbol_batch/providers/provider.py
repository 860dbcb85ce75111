"""What a price provider is asked and what it may answer."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Floats


class Outcome(StrEnum):
    """What asking for a symbol came to. "It has no price" and "we were refused" never look alike."""

    OK = "OK"
    NOT_FOUND = "NOT_FOUND"
    """The provider says that it does not know the symbol."""
    RATE_LIMITED = "RATE_LIMITED"
    """The provider refused to answer; nothing is known about the symbol."""
    TRANSPORT = "TRANSPORT"
    """No answer of the provider's data service arrived; nothing is known about the symbol."""
    BAD_DATA = "BAD_DATA"
    """An answer that cannot be right, or that we do not use (another currency)."""
    STALE = "STALE"
    """A good answer without a price for the wanted session."""

    @property
    def is_refusal(self) -> bool:
        """Whether it says something about the provider only, so that the symbol is to be asked for again."""
        return self in {Outcome.RATE_LIMITED, Outcome.TRANSPORT}


@dataclass(frozen=True)
class ProviderBars:
    """Daily bars of one symbol as the provider gave them: adjusted for every split up to now, not for dividends.

    All arrays are (N,), oldest first; NaN where the provider gave none; days are dates in the exchange's time zone.
    `ratios` and `dividends` are (ex-date, figure) from the first bar up to now, splits and distributions alike.
    """

    days: npt.NDArray[np.datetime64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    ratios: tuple[tuple[date, float], ...] = ()
    dividends: tuple[tuple[date, float], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of asking for one symbol. `bars` is there exactly when the outcome is OK."""

    symbol: str
    outcome: Outcome
    detail: str | None = None
    bars: ProviderBars | None = None


class Provider(Protocol):
    """Gives daily bars. Keeps its own bounds on requests in flight and on time; never raises for one symbol."""

    name: str

    async def daily_bars(self, symbol: str, start: date) -> Answer:
        """The bars from `start` up to now. Up to now always: closes are adjusted for every split until then, and
        only an answer that reaches as far names all of those. An answer without bars is STALE.
        """
        ...

    async def aclose(self) -> None: ...
