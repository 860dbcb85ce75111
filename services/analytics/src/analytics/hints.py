"""What events do here: make the next answers fast. Lost, late, doubled or out of order, they change no answer."""

from collections.abc import Mapping

from analytics.answers import Answers
from analytics.live import LiveUpdates
from analytics.symbols import Symbols
from analytics.warming import Warming
from riskstream.events.envelope import Envelope
from riskstream.events.event import Event
from riskstream.events.portfolio import PortfolioRefreshed
from riskstream.events.symbol import SymbolBatchCompleted
from riskstream.messaging.listener import ListenerHandler


class Hints:
    """The listener's handlers."""

    def __init__(self, answers: Answers, symbols: Symbols, warming: Warming, live: LiveUpdates) -> None:
        self._answers = answers
        self._symbols = symbols
        self._warming = warming
        self._live = live

    def handlers(self) -> Mapping[type[Event], ListenerHandler]:
        return {PortfolioRefreshed: self.portfolio_refreshed, SymbolBatchCompleted: self.batch_completed}

    async def portfolio_refreshed(self, envelope: Envelope[PortfolioRefreshed]) -> None:
        """Look for who follows it, free the answers of earlier valuations, and ask the recent questions again."""
        event = envelope.event
        self._live.look(event.owner, event.portfolio)
        await self._answers.drop_older(event.portfolio, event.valuation)
        self._warming.request(event.owner, event.portfolio)

    async def batch_completed(self, envelope: Envelope[SymbolBatchCompleted]) -> None:
        """Read the new edition before the first portfolio is valued on it."""
        await self._symbols.preload(envelope.event.edition)
