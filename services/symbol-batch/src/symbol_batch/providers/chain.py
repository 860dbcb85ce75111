"""Providers in order of preference, as one provider."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TypeVar

from symbol_batch.providers.call_spans import asking
from symbol_batch.providers.provider import (
    ActionsAnswer,
    Answer,
    BarsAnswer,
    FundamentalsAnswer,
    NotOffered,
    Offer,
    Outcome,
    ProfileAnswer,
    Provider,
)
from symbol_batch.providers.turns import IS_URGENT

Reply = TypeVar("Reply", bound=Answer)


class Chain:
    """Asks the first member that offers it, and the next ones for what did not come OK.

    The answer is the first that is OK; else the first that says something about the symbol; else a refusal that names
    all of them. `members` are providers themselves: a second source is one of them whose name is not an answer's.
    """

    name = "chain"

    def __init__(self, members: Sequence[Provider]) -> None:
        if not members:
            raise ValueError("a chain needs a provider; name one, for example RISKSTREAM_PROVIDERS=yahoo")
        self.members = tuple(members)
        self.offers = frozenset[Offer]().union(*(member.offers for member in members))

    @property
    def urgent(self) -> Provider:
        """The same chain for questions that somebody waits for: they pass the line. Closed with the chain."""
        return _Urgent(self)

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        answers: dict[str, BarsAnswer] = {}
        left = list(symbols)
        for member in self._offering(Offer.SESSION):
            with asking(member.name, Offer.SESSION, len(left)) as tell:
                said = await member.session_bars(left, sessions)
                tell(said)
            for answer in said:
                answers[answer.symbol] = _better(answers.get(answer.symbol), answer)
            left = [symbol for symbol in left if answers[symbol].outcome is not Outcome.OK]
            if not left:
                break
        return [answers[symbol] for symbol in symbols]

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        return await self._first(Offer.HISTORY, lambda member: member.history(symbol, start))

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        return await self._first(Offer.ACTIONS, lambda member: member.actions(symbol, start))

    async def profile(self, symbol: str) -> ProfileAnswer:
        return await self._first(Offer.PROFILE, lambda member: member.profile(symbol))

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        return await self._first(Offer.FUNDAMENTALS, lambda member: member.fundamentals(symbol))

    async def aclose(self) -> None:
        for member in self.members:
            await member.aclose()

    def _offering(self, offer: Offer) -> list[Provider]:
        offering = [member for member in self.members if offer in member.offers]
        if not offering:
            raise NotOffered(" and ".join(member.name for member in self.members), offer)
        return offering

    async def _first(self, offer: Offer, ask: Callable[[Provider], Awaitable[Reply]]) -> Reply:
        best: Reply | None = None
        for member in self._offering(offer):
            with asking(member.name, offer, 1) as tell:
                answer = await ask(member)
                tell([answer])
            best = _better(best, answer)
            if best.outcome is Outcome.OK:
                break
        assert best is not None
        return best


class _Urgent:
    def __init__(self, chain: Chain) -> None:
        self.name = chain.name
        self.offers = chain.offers
        self._chain = chain

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        with _urgently():
            return await self._chain.session_bars(symbols, sessions)

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        with _urgently():
            return await self._chain.history(symbol, start)

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        with _urgently():
            return await self._chain.actions(symbol, start)

    async def profile(self, symbol: str) -> ProfileAnswer:
        with _urgently():
            return await self._chain.profile(symbol)

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        with _urgently():
            return await self._chain.fundamentals(symbol)

    async def aclose(self) -> None:
        """Nothing: the chain closes its members."""


@contextmanager
def _urgently() -> Iterator[None]:
    token = IS_URGENT.set(True)
    try:
        yield
    finally:
        IS_URGENT.reset(token)


def _better(before: Reply | None, answer: Reply) -> Reply:
    """Which of two providers' answers about a symbol to believe; `before` is the preferred one's."""
    if before is None or answer.outcome is Outcome.OK:
        return answer
    if not before.outcome.is_refusal:
        return before
    if not answer.outcome.is_refusal:
        return answer
    return replace(before, detail=f"{_named(before)}; {_named(answer)}")


def _named(answer: Answer) -> str:
    detail = answer.detail or answer.outcome
    return detail if answer.source in detail else f"{answer.source}: {detail}"
