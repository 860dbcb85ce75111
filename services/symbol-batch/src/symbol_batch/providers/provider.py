"""What a provider of market data is asked and what it may answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal, NoReturn, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from symbol_batch.factors.arrays import Floats

Basis: TypeAlias = Literal["split_adjusted", "as_traded"]
"""split_adjusted: prices, volumes and dividends adjusted for every split up to the fetch, as Yahoo gives them.
as_traded: prices and volumes of their day, dividends as declared."""

DatedFigures: TypeAlias = tuple[tuple[date, float], ...]
"""(ex-date, ratio or amount), oldest first."""


LONGEST_DETAIL = 2_000


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
    """A good answer without what was wanted: no bar of the session, no figure of the company."""

    @property
    def is_refusal(self) -> bool:
        """Whether it says something about the provider only, so that the symbol is to be asked for again."""
        return self in {Outcome.RATE_LIMITED, Outcome.TRANSPORT}


class Offer(StrEnum):
    """What a provider can be asked for: each is a method of `Provider`."""

    SESSION = "session_bars"
    HISTORY = "history"
    ACTIONS = "actions"
    PROFILE = "profile"
    FUNDAMENTALS = "fundamentals"


@dataclass(frozen=True)
class ProviderBars:
    """Daily bars of one symbol as the provider gave them, in US dollars.

    All arrays are (N,), oldest first; NaN where the provider gave none; days are dates in the exchange's time zone.
    `ratios` and `dividends` are those from the first bar up to now, or up to the last bar where `basis` is as_traded:
    splits and distributions alike.
    """

    days: npt.NDArray[np.datetime64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    ratios: DatedFigures = ()
    dividends: DatedFigures = ()
    basis: Basis = "split_adjusted"


@dataclass(frozen=True)
class Actions:
    """Splits and distributions (`ratios`: shares after over before) and dividends per share, on a basis."""

    ratios: DatedFigures
    dividends: DatedFigures
    basis: Basis


@dataclass(frozen=True)
class Profile:
    """What a company or fund is. None where the provider does not say; figures are of the day they were fetched."""

    kind: str
    """EQUITY, ETF, ... in Yahoo's words, whoever says it."""
    name: str | None = None
    sector: str | None = None
    """In the provider's words; the ruling's mapping to GICS is not done here."""
    industry: str | None = None
    country: str | None = None
    currency: str | None = None
    shares_outstanding: float | None = None
    trailing_eps: float | None = None
    next_earnings: date | None = None


@dataclass(frozen=True)
class StatementLine:
    """One figure of one statement. `unit` is ratio for per-share figures and rates, which are no amounts of money."""

    statement: Literal["income", "balance_sheet", "cash_flow"]
    frequency: Literal["quarterly", "annual"]
    period_end: date
    item: str
    figure: float
    unit: Literal["amount", "ratio"] = "amount"
    currency: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of asking for one symbol. `detail` is a sentence, there whenever the outcome is not OK: on one line, of
    bounded length, without the characters that no database stores, whatever it quotes.

    `source` is the name of the provider that gave the answer, also when a chain was asked.
    """

    symbol: str
    outcome: Outcome
    source: str
    detail: str | None = None

    def __post_init__(self) -> None:
        if self.detail is not None:
            object.__setattr__(self, "detail", _printable(self.detail))


@dataclass(frozen=True, kw_only=True)
class BarsAnswer(Answer):
    """`bars` is there when the outcome is OK; with STALE it may hold the bars before the one that is missing."""

    bars: ProviderBars | None = None


@dataclass(frozen=True, kw_only=True)
class ActionsAnswer(Answer):
    """`actions` is there exactly when the outcome is OK; that nothing went ex is OK and empty."""

    actions: Actions | None = None


@dataclass(frozen=True, kw_only=True)
class ProfileAnswer(Answer):
    """`profile` is there exactly when the outcome is OK."""

    profile: Profile | None = None


@dataclass(frozen=True, kw_only=True)
class FundamentalsAnswer(Answer):
    """`lines` are there exactly when the outcome is OK; a fund, which has no statements, is STALE."""

    lines: tuple[StatementLine, ...] = ()


class Provider(Protocol):
    """Gives market data. Keeps its own bounds on requests in flight and on time.

    No method raises for what a provider or a symbol does: that is an outcome. Only what is in `offers` may be asked;
    anything else raises NotOffered.
    """

    name: str
    offers: frozenset[Offer]

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        """The bars of consecutive sessions, oldest first, with the actions of `ProviderBars`; one answer a symbol, in
        the order asked. An answer may reach further, up to now. Without a close of the last session it is STALE.
        """
        ...

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        """The bars from `start` up to now. Up to now always: split-adjusted closes are adjusted for every split until
        then, and only an answer that reaches as far names all of those. An answer without bars is STALE.
        """
        ...

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        """What went ex from `start` up to now."""
        ...

    async def profile(self, symbol: str) -> ProfileAnswer: ...

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        """The lines of all statements that the provider has, quarterly and annual."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Failure:
    """Why a question has no answer."""

    outcome: Outcome
    detail: str


class Unusable(Exception):
    """Raised by the reader of an answer that cannot be used, with the outcome that this is."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(outcome, detail)


class NotOffered(Exception):
    """A provider was asked for something that is not in its `offers`: a mistake in the calling code."""

    def __init__(self, provider: str, offer: Offer) -> None:
        super().__init__(f"provider {provider} does not offer {offer.value}; look at its `offers` before asking")


class LimitedProvider:
    """The base of providers that offer some of it: what they do not override raises NotOffered."""

    name: str
    offers: frozenset[Offer]

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        self._not_offered(Offer.SESSION)

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        self._not_offered(Offer.HISTORY)

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        self._not_offered(Offer.ACTIONS)

    async def profile(self, symbol: str) -> ProfileAnswer:
        self._not_offered(Offer.PROFILE)

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        self._not_offered(Offer.FUNDAMENTALS)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _not_offered(self, offer: Offer) -> NoReturn:
        raise NotOffered(self.name, offer)


def bars_answer(
    symbol: str, source: str, bars: ProviderBars, sessions: Sequence[date], remark: str | None = None
) -> BarsAnswer:
    """The answer to `session_bars` that these bars are: OK with a close of the last session, else STALE.

    `remark` is what else there is to say of it, such as what was left out.
    """
    last = np.datetime64(sessions[-1], "D")
    closed = bars.days[np.isfinite(bars.close)]
    if last in closed:
        return BarsAnswer(symbol=symbol, outcome=Outcome.OK, source=source, detail=remark, bars=bars)
    before = closed[closed < last]
    seen = f"its last bar is of {before[-1]}" if len(before) else f"it has none since {sessions[0]}"
    detail = "; ".join(filter(None, [f"no bar of {sessions[-1]}", seen, remark]))
    return BarsAnswer(symbol=symbol, outcome=Outcome.STALE, source=source, detail=detail, bars=bars)


def _printable(sentence: str) -> str:
    words = " ".join(sentence.split())
    return "".join(character for character in words if character.isprintable())[:LONGEST_DETAIL]
