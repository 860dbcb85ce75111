"""Yahoo's daily bars through the yfinance client."""

import asyncio
import tempfile
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cache
from http import HTTPStatus
from json import JSONDecodeError

import numpy as np
import pandas as pd
import yfinance
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

from symbol_batch.providers.provider import BarsAnswer, LimitedProvider, Offer, Outcome, ProviderBars, bars_answer
from symbol_batch.providers.yahoo_session import Seen, YahooSession

CURRENCY = "USD"
REQUEST_TIMEOUT = 15.0


class NewYorkTicker(yfinance.Ticker):  # type: ignore[misc]  # yfinance has no types
    """A ticker whose time zone is known: only US listings are asked for.

    The client would spend a request of its own on finding out, and call a symbol delisted when that one fails.
    """

    def _get_ticker_tz(self, timeout: float) -> str:
        return "America/New_York"


class YahooProvider(LimitedProvider):
    """The real client, at most `concurrency` symbols in flight, each within `deadline` seconds.

    One in a process: the client keeps its session in a singleton.
    """

    name = "yahoo"
    offers = frozenset({Offer.SESSION, Offer.HISTORY})

    def __init__(self, *, base: str | None = None, concurrency: int = 10, deadline: float = 60.0) -> None:
        """`base` is where requests go instead of Yahoo's hosts, such as `http://127.0.0.1:9000`."""
        if not 1 <= concurrency <= 10:
            raise ValueError(f"provider concurrency is 1 to 10, not {concurrency}: Yahoo refuses more")
        _prepare_client()
        self._session = YahooSession(base)
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="yahoo")

    async def session_bars(self, symbols: Sequence[str], sessions: Sequence[date]) -> list[BarsAnswer]:
        """See `Provider`. Split-adjusted, so always up to now."""
        answers = await asyncio.gather(*(self.history(symbol, sessions[0]) for symbol in symbols))
        return [
            answer if answer.bars is None else bars_answer(answer.symbol, self.name, answer.bars, sessions)
            for answer in answers
        ]

    async def history(self, symbol: str, start: date) -> BarsAnswer:
        """See `Provider`. An answer in another currency than US dollars is BAD_DATA."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._fetch, symbol, start)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        self._session.close()

    def _fetch(self, symbol: str, start: date) -> BarsAnswer:
        self._session.begin(self._deadline)
        ticker = NewYorkTicker(symbol, session=self._session)
        try:
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
        except Exception as error:  # one symbol's trouble, whatever it is, is that symbol's outcome
            outcome, detail = _refused(error, self._session.seen)
            return self._answer(symbol, outcome, detail)
        currency = ticker.history_metadata.get("currency")
        if currency != CURRENCY:
            return self._answer(symbol, Outcome.BAD_DATA, f"priced in {currency}; only {CURRENCY} is used")
        if table.empty:
            return self._answer(symbol, Outcome.STALE, f"no bar since {start}")
        return BarsAnswer(symbol=symbol, outcome=Outcome.OK, source=self.name, bars=_bars(table))

    def _answer(self, symbol: str, outcome: Outcome, detail: str) -> BarsAnswer:
        return BarsAnswer(symbol=symbol, outcome=outcome, source=self.name, detail=detail)


@cache
def _prepare_client() -> "tempfile.TemporaryDirectory[str]":
    """Set the client up, once a process: its caches stay open to the end. The folder goes with the process."""
    # Processes that share the client's usual cache folder lock each other out of its database.
    folder = tempfile.TemporaryDirectory(prefix="riskstream-yahoo-")
    yfinance.set_tz_cache_location(folder.name)
    # Without this the client logs an error and returns an empty table, which looks like "no price".
    yfinance.config.debug.hide_exceptions = False
    # The client's use of pandas is its own affair, and a line per request in our log.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance\.")
    return folder


def _refused(error: Exception, seen: Seen | None) -> tuple[Outcome, str]:  # noqa: PLR0911  # a table of cases
    """What the client's error means, judged by what the chart service really answered.

    A page where JSON belongs is TRANSPORT, not BAD_DATA: a proxy, a consent form or a block page answered in the
    data service's place, so nothing has been learned about the symbol.
    """
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, YFRateLimitError) or (seen and seen.status == HTTPStatus.TOO_MANY_REQUESTS):
        return Outcome.RATE_LIMITED, "the provider answered 429 Too Many Requests"
    if seen is None:
        return Outcome.TRANSPORT, f"no answer ({said})"
    if not seen.is_json:
        return Outcome.TRANSPORT, f"HTTP {seen.status} with a page instead of JSON: {seen.beginning}"
    if seen.status == HTTPStatus.NOT_FOUND:
        return Outcome.NOT_FOUND, f"HTTP 404: {_reason(error)}"
    if seen.status == HTTPStatus.BAD_REQUEST and "Data doesn't exist" in seen.beginning:
        return Outcome.STALE, f"HTTP 400: {_reason(error)}"
    if seen.status >= HTTPStatus.BAD_REQUEST:
        return Outcome.TRANSPORT, f"HTTP {seen.status}: {seen.beginning}"
    if isinstance(error, YFPricesMissingError):
        return Outcome.STALE, "the provider knows the symbol and has no bar in the range"
    if isinstance(error, OSError | JSONDecodeError):
        return Outcome.TRANSPORT, f"the answer broke off ({said})"
    return Outcome.BAD_DATA, f"the answer cannot be read ({said})"


def _reason(error: Exception) -> str:
    return getattr(error, "yahoo_reason", None) or str(error)


def _bars(table: pd.DataFrame) -> ProviderBars:
    days = table.index.tz_localize(None).to_numpy().astype("datetime64[D]")  # type: ignore[attr-defined]
    columns = {name: table[name].to_numpy(dtype=np.float64) for name in ("Open", "High", "Low", "Close", "Volume")}
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


def _events(
    days: "np.ndarray[tuple[int], np.dtype[np.datetime64]]", column: "pd.Series[float]"
) -> tuple[tuple[date, float], ...]:
    figures = column.to_numpy(dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(figures) & (figures != 0))
    return tuple(zip(days[rows].tolist(), figures[rows].tolist(), strict=True))
