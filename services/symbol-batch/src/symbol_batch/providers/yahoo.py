"""Yahoo through the yfinance client: daily bars, actions, profiles, statements."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskstream.runtime.clock import NEW_YORK
from symbol_batch.factors.arrays import Floats
from symbol_batch.providers.http_session import RequestHook
from symbol_batch.providers.provider import (
    Actions,
    ActionsAnswer,
    BarsAnswer,
    DatedFigures,
    Failure,
    FundamentalsAnswer,
    LimitedProvider,
    Offer,
    Outcome,
    ProfileAnswer,
    ProviderBars,
    Unusable,
    bars_answer,
)
from symbol_batch.providers.yahoo_client import REQUEST_TIMEOUT, YahooClient, YahooTicker
from symbol_batch.providers.yahoo_company import read_profile, read_statements

CURRENCY = "USD"


class YahooProvider(LimitedProvider):
    """All that Yahoo has, by the real client. Bars are split-adjusted, so every answer reaches up to now.

    An answer in another currency than US dollars, pence among them, is BAD_DATA.
    """

    name = "yahoo"
    offers = frozenset({Offer.SESSION, Offer.HISTORY, Offer.ACTIONS, Offer.PROFILE, Offer.FUNDAMENTALS})

    def __init__(
        self,
        *,
        base: str | None = None,
        concurrency: int = 10,
        deadline: float = 60.0,
        hook: RequestHook | None = None,
    ) -> None:
        """`base` is where requests go instead of Yahoo's hosts, such as `http://127.0.0.1:9000`."""
        self._client = YahooClient(base=base, concurrency=concurrency, deadline=deadline, hook=hook)

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        answers = await asyncio.gather(*(self.history(symbol, sessions[0]) for symbol in symbols))
        return [
            answer if answer.bars is None else bars_answer(answer.symbol, self.name, answer.bars, sessions)
            for answer in answers
        ]

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        found = await self._client.ask(symbol, partial(read_bars, start=start))
        if isinstance(found, Failure):
            return BarsAnswer(symbol=symbol, outcome=found.outcome, source=self.name, detail=found.detail)
        return BarsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, bars=found)

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        found = await self._client.ask(symbol, partial(read_bars, start=start))
        if isinstance(found, Failure):
            return ActionsAnswer(symbol=symbol, outcome=found.outcome, source=self.name, detail=found.detail)
        actions = Actions(found.ratios, found.dividends, found.basis)
        return ActionsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, actions=actions)

    async def profile(self, symbol: str) -> ProfileAnswer:
        """See `Provider`. One request; `detail` says what of the answer was left out."""
        found = await self._client.ask(symbol, read_profile)
        if isinstance(found, Failure):
            return ProfileAnswer(symbol=symbol, outcome=found.outcome, source=self.name, detail=found.detail)
        return ProfileAnswer(
            symbol=symbol, outcome=Outcome.OK, source=self.name, detail=found.detail, profile=found.profile
        )

    async def fundamentals(self, symbol: str) -> FundamentalsAnswer:
        """See `Provider`. One request; `detail` says what of the answer was left out."""
        found = await self._client.ask(symbol, read_statements)
        if isinstance(found, Failure):
            return FundamentalsAnswer(symbol=symbol, outcome=found.outcome, source=self.name, detail=found.detail)
        return FundamentalsAnswer(
            symbol=symbol, outcome=Outcome.OK, source=self.name, detail=found.detail, lines=found.lines
        )

    async def aclose(self) -> None:
        await self._client.aclose()


def read_bars(ticker: YahooTicker, start: date) -> ProviderBars:
    """The chart from `start` up to now. Unusable for another currency and for an empty chart; raises what the client
    raises.
    """
    # No end: the client caches answers about the past by address, bad ones too, for the life of the process.
    table = ticker.history(
        start=start.isoformat(),
        interval="1d",
        auto_adjust=False,
        back_adjust=False,
        actions=True,
        repair=False,
        timeout=REQUEST_TIMEOUT,
    )
    currency = ticker.history_metadata.get("currency")
    if currency != CURRENCY:
        raise Unusable(Outcome.BAD_DATA, f"priced in {currency}; only {CURRENCY} is used")
    if not table["Close"].notna().any():
        raise Unusable(Outcome.STALE, f"no bar since {start}")
    chart = ticker.answered["chart"]["result"][0]
    _check_splits(chart)
    return _bars(_with_doubled_days(table, chart))


def _check_splits(chart: Any) -> None:
    """Unusable where a split has no ratio: the client would list none, and every earlier price hangs on it."""
    for split in chart.get("events", {}).get("splits", {}).values():
        after, before = split["numerator"], split["denominator"]
        if not (after > 0 and before > 0):
            raise Unusable(Outcome.BAD_DATA, f"a split of {after} for {before} on {_day_of(split['date'])}")


def _with_doubled_days(table: pd.DataFrame, chart: Any) -> pd.DataFrame:
    """The table with those days twice that the answer has twice with different closes.

    The client keeps one of the two without a word. Two equal rows are what Yahoo gives while the market is open.
    """
    closes = zip(chart["timestamp"], chart["indicators"]["quote"][0]["close"], strict=True)
    different = {(_day_of(second), close) for second, close in closes}
    doubled = [day for day, count in Counter(day for day, _ in different).items() if count > 1]
    if not doubled:
        return table
    again = table[pd.Index(table.index.date).isin(doubled)]  # type: ignore[attr-defined]
    return pd.concat([table, again]).sort_index()


def _day_of(second: float) -> date:
    return datetime.fromtimestamp(second, UTC).astimezone(NEW_YORK).date()


def _bars(table: pd.DataFrame) -> ProviderBars:
    days = table.index.tz_localize(None).to_numpy().astype("datetime64[D]")  # type: ignore[attr-defined]
    columns: dict[str, Floats] = {
        name: table[name].to_numpy(dtype=np.float64) for name in ("Open", "High", "Low", "Close", "Volume")
    }
    return ProviderBars(
        days=days,
        open=columns["Open"],
        high=columns["High"],
        low=columns["Low"],
        close=columns["Close"],
        volume=columns["Volume"],
        ratios=_events(days, table["Stock Splits"]),
        dividends=_events(days, table["Dividends"]),
    )


def _events(days: npt.NDArray[np.datetime64], column: "pd.Series[float]") -> DatedFigures:
    figures = column.to_numpy(dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(figures) & (figures != 0))
    return tuple(zip(days[rows].tolist(), figures[rows].tolist(), strict=True))
