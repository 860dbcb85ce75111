"""The running simulator: a market seen from its clock's present, with faults and a ledger."""

from __future__ import annotations

import hashlib
from datetime import date, datetime

import numpy as np

from market_simulator.as_of import History, history_as_of, scaled
from market_simulator.faults import Faults
from market_simulator.ledger import Ledger
from market_simulator.market import Market
from market_simulator.yahoo.fundamentals import Fundamentals, fundamentals
from riskstream.runtime.clock import Clock


class Simulator:
    """Everything the endpoints need. Nothing is cached: a view of a symbol is a slice and a few multiplications."""

    def __init__(self, market: Market, clock: Clock, seed: int = 0) -> None:
        self.market = market
        self.clock = clock
        self.faults = Faults(seed)
        self.ledger = Ledger()
        self.crumb = hashlib.blake2b(f"crumb {seed}".encode(), digest_size=6).hexdigest()

    def now(self) -> datetime:
        """The clock's present instant, UTC."""
        return self.clock.now()

    def today(self) -> date:
        """The clock's date in New York."""
        return self.clock.today()

    def last_session(self) -> int:
        """Index of the last published session; −1 if the market's history begins later."""
        return self.market.sessions.last_published(self.now())

    def history(self, symbol: str) -> History | None:
        """The symbol as it is known now; None for one that is not, or no longer, or by a fault."""
        series = self.market.series.get(symbol)
        if series is None or self.faults.hides("unknown", symbol):
            return None
        last = self.last_session()
        history = history_as_of(series, last - 1 if self.faults.hides("drop", symbol) else last)
        return None if history is None else self._with_wrong_prices(history)

    def fundamentals(self, history: History) -> Fundamentals:
        """The company figures that go with a history."""
        series = self.market.series[history.listing.symbol]
        return fundamentals(series, history, self.today())

    def _with_wrong_prices(self, history: History) -> History:
        for fault in self.faults.scalings(history.listing.symbol):
            struck = np.isin(
                self.market.sessions.dates[history.session], np.array(sorted(fault.sessions), "datetime64[D]")
            )
            history = scaled(history, np.where(struck, fault.factor, 1.0))
        return history
