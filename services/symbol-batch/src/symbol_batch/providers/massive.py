"""Massive (formerly Polygon.io): the whole US market's day in one request, as traded; the bulk provider.

Written after the documentation and tested against its example answers; never compared with the live service.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from typing import Any, TypeVar

import numpy as np

from riskstream.runtime.clock import Clock
from symbol_batch.providers.http_session import RequestHook
from symbol_batch.providers.massive_client import KEY_VARIABLE, MassiveClient
from symbol_batch.providers.massive_days import (
    GroupedDay,
    MarketActions,
    daily_bars,
    grouped_day,
    market_actions,
    massive_ticker,
)
from symbol_batch.providers.provider import (
    Actions,
    ActionsAnswer,
    BarsAnswer,
    DatedFigures,
    Failure,
    LimitedProvider,
    Offer,
    Outcome,
    ProviderBars,
    Unusable,
    bars_answer,
)

URL = "https://api.massive.com"
PAGE = "5000"
FAILURE_KEPT_SECONDS = 15.0
"""For what could not be had, and for a day that has not come yet."""
KEPT = 64
"""Answers about the whole market kept at most, of half a megabyte each."""

Shared = TypeVar("Shared")


class MassiveProvider(LimitedProvider):
    """Grouped days, splits and dividends, shared between all who ask within `kept_seconds`.

    A session of any number of symbols takes one request for each session asked and two for the actions. It lists no
    spin-offs: a distribution that Yahoo gives as a ratio shows as a fall in price here. It does not say that it does
    not know a symbol: what did not trade is STALE, never NOT_FOUND.
    """

    name = "massive"
    offers = frozenset({Offer.SESSION, Offer.HISTORY, Offer.ACTIONS})

    def __init__(
        self,
        key: str,
        clock: Clock,
        *,
        base: str = URL,
        concurrency: int = 4,
        deadline: float = 120.0,
        hook: RequestHook | None = None,
        kept_seconds: float = 300.0,
    ) -> None:
        """`deadline` is in seconds for one question with all its pages; `kept_seconds` is how long an answer about the
        whole market serves every chunk of symbols that asks for it. ValueError without a key.
        """
        if not key:
            raise ValueError(
                f"provider massive needs an API key: set {KEY_VARIABLE}, or take massive out of RISKSTREAM_PROVIDERS"
            )
        self._client = MassiveClient(base=base, key=key, deadline=deadline, concurrency=concurrency, hook=hook)
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._kept: OrderedDict[object, tuple[float, asyncio.Task[Any]]] = OrderedDict()

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        try:
            days = await asyncio.gather(*(self._day(session) for session in sessions))
            actions = await self._actions_between(sessions[0], sessions[-1])
        except Unusable as unusable:
            return [self._failed(symbol, unusable.failure) for symbol in symbols]
        return self._answers(symbols, sessions, days, actions)

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        """As traded, by three requests, as far back as the key's plan allows."""
        ticker = massive_ticker(symbol)
        path = f"/v2/aggs/ticker/{ticker}/range/1/day/{start}/{self._clock.today()}"
        try:
            rows = await self._client.rows(path, {"adjusted": "false", "sort": "asc", "limit": "50000"})
            days, bars = daily_bars(rows)
            actions = await self._actions_of(ticker, start)
        except Unusable as unusable:
            return self._failed(symbol, unusable.failure)
        if not len(days):
            return self._failed(symbol, Failure(Outcome.STALE, f"no bar since {start}"))
        found, detail = _bars(days, bars, actions, ticker), actions.left_out.get(ticker)
        return BarsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, detail=detail, bars=found)

    async def actions(self, symbol: str, start: date) -> ActionsAnswer:
        ticker = massive_ticker(symbol)
        try:
            found = await self._actions_of(ticker, start)
        except Unusable as unusable:
            failure = unusable.failure
            return ActionsAnswer(symbol=symbol, outcome=failure.outcome, source=self.name, detail=failure.detail)
        actions = Actions(found.ratios.get(ticker, ()), found.dividends.get(ticker, ()), "as_traded")
        detail = found.left_out.get(ticker)
        return ActionsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, detail=detail, actions=actions)

    async def aclose(self) -> None:
        for _, task in self._kept.values():
            task.cancel()
        await self._client.aclose()

    def _answers(
        self, symbols: Sequence[str], sessions: Sequence[date], days: Sequence[GroupedDay], actions: MarketActions
    ) -> list[BarsAnswer]:
        tickers = np.array([massive_ticker(symbol) for symbol in symbols], dtype=np.str_)
        table = np.stack([day.of(tickers) for day in days])
        dates = np.array(sessions, dtype="datetime64[D]")
        answers = []
        for column, (symbol, ticker) in enumerate(zip(symbols, tickers.tolist(), strict=True)):
            twice = next((day for day, one in zip(sessions, days, strict=True) if ticker in one.doubled), None)
            if twice is not None:
                detail = f"the grouped day {twice} holds it twice, with different figures"
                answers.append(self._failed(symbol, Failure(Outcome.BAD_DATA, detail)))
                continue
            traded = np.isfinite(table[:, column, 3])
            bars = _bars(dates[traded], table[traded, column], actions, ticker)
            answers.append(bars_answer(symbol, self.name, bars, sessions, actions.left_out.get(ticker)))
        return answers

    def _failed(self, symbol: str, failure: Failure) -> BarsAnswer:
        return BarsAnswer(symbol=symbol, outcome=failure.outcome, source=self.name, detail=failure.detail)

    async def _day(self, session: date) -> GroupedDay:
        async def ask() -> GroupedDay:
            path = f"/v2/aggs/grouped/locale/us/market/stocks/{session}"
            rows = await self._client.rows(path, {"adjusted": "false"})
            return await asyncio.to_thread(grouped_day, rows, session)

        return await self._shared(session, ask)

    async def _actions_between(self, first: date, last: date) -> MarketActions:
        async def ask() -> MarketActions:
            return await self._ask_actions({}, str(first), str(last))

        return await self._shared((first, last), ask)

    async def _actions_of(self, ticker: str, start: date) -> MarketActions:
        return await self._ask_actions({"ticker": ticker}, str(start), str(self._clock.today()))

    async def _ask_actions(self, about: dict[str, str], first: str, last: str) -> MarketActions:
        splits, dividends = await asyncio.gather(
            *(
                self._client.rows(
                    f"/stocks/v1/{kind}",
                    {**about, f"{day}.gte": first, f"{day}.lte": last, "limit": PAGE, "sort": f"{day}.asc"},
                )
                for kind, day in (("splits", "execution_date"), ("dividends", "ex_dividend_date"))
            )
        )
        return await asyncio.to_thread(market_actions, splits, dividends)

    async def _shared(self, key: object, ask: Callable[[], Coroutine[Any, Any, Shared]]) -> Shared:
        """One request for all who ask at once or soon after."""
        kept = self._kept.get(key)
        if kept is None or kept[0] < time.monotonic():
            kept = time.monotonic() + self._kept_seconds, asyncio.create_task(ask())
            self._kept[key] = kept
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        try:
            # Shielded: others wait for the same answer.
            answer: Shared = await asyncio.shield(kept[1])
        except Unusable:
            self._keep_shortly(key, *kept)
            raise
        if isinstance(answer, GroupedDay) and not len(answer.tickers):
            self._keep_shortly(key, *kept)
        return answer

    def _keep_shortly(self, key: object, until: float, task: asyncio.Task[Any]) -> None:
        self._kept[key] = min(until, time.monotonic() + FAILURE_KEPT_SECONDS), task


def _bars(days: Any, bars: Any, actions: MarketActions, ticker: str) -> ProviderBars:
    first = days[0].astype(object) if len(days) else date.max

    def since_first(figures: DatedFigures) -> DatedFigures:
        return tuple((day, figure) for day, figure in figures if day >= first)

    return ProviderBars(
        days=days,
        open=bars[:, 0],
        high=bars[:, 1],
        low=bars[:, 2],
        close=bars[:, 3],
        volume=bars[:, 4],
        ratios=since_first(actions.ratios.get(ticker, ())),
        dividends=since_first(actions.dividends.get(ticker, ())),
        basis="as_traded",
    )
