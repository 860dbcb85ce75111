"""Yahoo asked by processes of its own.

Yahoo's client computes longer over a ticker than its share of the waiting takes, and one interpreter computes one thing
at a time: ten threads of it wait for each other, and the event loop and its database for all of them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from symbol_batch.providers.http_session import Closed
from symbol_batch.providers.provider import (
    ActionsAnswer,
    Answer,
    BarsAnswer,
    FundamentalsAnswer,
    Offer,
    Outcome,
    ProfileAnswer,
)
from symbol_batch.providers.yahoo_conversation import ChildEnded, Line, YahooConversation
from symbol_batch.providers.yahoo_messages import SetUp

Kind = TypeVar("Kind", bound=Answer)


class YahooProcesses:
    """The `Provider` of all that Yahoo has: `YahooProvider` in up to `processes` child processes.

    Made, asked and closed on one event loop. A child is started by the first question that finds none as free, and ends
    with this process, however that ends. Where a child ends by itself its questions are TRANSPORT, and the next one
    starts another.
    """

    name = "yahoo"
    offers = frozenset(Offer)

    def __init__(self, line: Line, set_up: SetUp, *, processes: int) -> None:
        """`set_up.concurrency` is the number of questions in flight in all children together."""
        processes = min(processes, set_up.concurrency)
        shares = [len(range(place, set_up.concurrency, processes)) for place in range(processes)]
        self._line = line
        self._set_ups = [replace(set_up, concurrency=share) for share in shares]
        self._children: dict[int, YahooConversation] = {}
        self._is_closed = False

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        return await asyncio.gather(*(self._session_of(symbol, sessions) for symbol in symbols))

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        return await self._ask(BarsAnswer, symbol, Offer.HISTORY, symbol, start)

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        return await self._ask(ActionsAnswer, symbol, Offer.ACTIONS, symbol, start)

    async def profile(self, symbol: str) -> ProfileAnswer:
        return await self._ask(ProfileAnswer, symbol, Offer.PROFILE, symbol)

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        return await self._ask(FundamentalsAnswer, symbol, Offer.FUNDAMENTALS, symbol)

    async def aclose(self) -> None:
        """Ask nothing more, and wait a little for what is in flight."""
        self._is_closed = True
        await asyncio.gather(*(child.aclose() for child in self._children.values()))

    async def _session_of(self, symbol: str, sessions: Sequence[date]) -> BarsAnswer:
        return await self._ask(BarsAnswer, symbol, Offer.SESSION, [symbol], sessions)

    async def _ask(self, kind: type[Kind], symbol: str, offer: Offer, *arguments: Any) -> Kind:
        try:
            answer = await self._child().ask(offer, *arguments)
        except (ChildEnded, Closed) as error:
            return kind(symbol=symbol, outcome=Outcome.TRANSPORT, source=self.name, detail=str(error))
        assert isinstance(answer, kind)
        return answer

    def _child(self) -> YahooConversation:
        """The one that is freest. Closed where nothing is to be asked any more."""
        if self._is_closed:
            raise Closed
        place = max(range(len(self._set_ups)), key=self._free)
        if place not in self._children or self._children[place].has_ended:
            self._children[place] = YahooConversation(self._line, self._set_ups[place])
        return self._children[place]

    def _free(self, place: int) -> int:
        child = self._children.get(place)
        busy = 0 if child is None or child.has_ended else child.unanswered
        return self._set_ups[place].concurrency - busy
