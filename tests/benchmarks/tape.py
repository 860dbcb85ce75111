"""A market's past on disk: what a provider would have answered about it, for processes that did not make it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from market_simulator.as_of import history_as_of
from market_simulator.market import Market
from symbol_batch.providers.provider import BarsAnswer, LimitedProvider, Offer, Outcome, ProviderBars

FIGURES = ("open", "high", "low", "close", "volume")
_ACTIONS = np.dtype([("symbol", "i4"), ("day", "datetime64[D]"), ("is_ratio", "?"), ("figure", "f8")])


@dataclass(frozen=True)
class Tape:
    """`bars` (5, S, T) are open, high, low, close, volume, split-adjusted, NaN where there is no bar."""

    symbols: tuple[str, ...]
    names: tuple[tuple[str, str, str], ...]
    """Name, kind and sector of each."""
    days: NDArray[np.datetime64]
    bars: NDArray[np.float64]
    actions: NDArray[np.void]

    @classmethod
    def of(cls, market: Market, through: date, sessions: int, count: int) -> "Tape":
        """The last `sessions` sessions up to `through` of the first `count` symbols that trade then and on the next."""
        last = market.sessions.first_from(through)
        traded = [series for series in market.series.values() if np.isin([last, last + 1], series.session).all()][
            :count
        ]
        bars = np.full((len(FIGURES), len(traded), sessions), np.nan)
        first = last - sessions + 1
        actions = []
        for place, series in enumerate(traded):
            history = history_as_of(series, last)
            assert history is not None, "it trades on that session"
            kept = history.session >= first
            for row, name in enumerate(FIGURES):
                bars[row, place, history.session[kept] - first] = getattr(history, name)[kept]
            begun = history.session[kept][0]
            actions += [(place, s.session, True, s.ratio) for s in history.splits if s.session >= begun]
            actions += [(place, d.session, False, d.amount) for d in history.dividends if d.session >= begun]
        ledger = np.empty(len(actions), dtype=_ACTIONS)
        for row, (place, session, is_ratio, figure) in enumerate(actions):
            ledger[row] = (place, market.sessions.dates[session], is_ratio, figure)
        listings = [series.listing for series in traded]
        return cls(
            tuple(listing.symbol for listing in listings),
            tuple((listing.name, listing.kind, listing.sector) for listing in listings),
            market.sessions.dates[first : last + 1],
            bars,
            ledger,
        )

    def write(self, file: Path) -> None:
        names = np.array(self.names)
        np.savez(file, symbols=self.symbols, names=names, days=self.days, bars=self.bars, actions=self.actions)

    @classmethod
    def read(cls, file: Path) -> "Tape":
        with np.load(file) as parts:
            return cls(
                tuple(parts["symbols"].tolist()),
                tuple(map(tuple, parts["names"].tolist())),
                parts["days"],
                parts["bars"],
                parts["actions"],
            )


class TapeProvider(LimitedProvider):
    """Answers about the past at once, in Yahoo's name: Yahoo's later answers are held against it as against its own."""

    name = "yahoo"
    offers = frozenset({Offer.HISTORY})

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._places = {symbol: place for place, symbol in enumerate(tape.symbols)}

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        place = self._places[symbol]
        return BarsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, bars=self._bars(place))

    def _bars(self, place: int) -> ProviderBars:
        tape = self._tape
        opened, high, low, close, volume = tape.bars[:, place]
        there = np.isfinite(close)
        own = tape.actions[np.searchsorted(tape.actions["symbol"], place) :]
        own = own[: np.searchsorted(own["symbol"], place, side="right")]
        return ProviderBars(
            tape.days[there],
            opened[there],
            high[there],
            low[there],
            close[there],
            volume[there],
            ratios=_dated(own[own["is_ratio"]]),
            dividends=_dated(own[~own["is_ratio"]]),
        )


def _dated(actions: NDArray[np.void]) -> tuple[tuple[date, float], ...]:
    found: Sequence[tuple[date, float]] = list(zip(actions["day"].tolist(), actions["figure"].tolist(), strict=True))
    return tuple(found)
