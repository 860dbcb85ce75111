"""The yfinance client in a bounded pool of threads: each question within a deadline, each failure with its outcome."""

import tempfile
import warnings
from collections.abc import Callable
from functools import cache, partial
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any, TypeVar

import orjson
import yfinance
from curl_cffi.requests.exceptions import Timeout
from yfinance.data import YfData
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError
from yfinance.scrapers.history import PriceHistory

from symbol_batch.providers.http_session import Closed, Deadline, NotSent, RequestHook, told
from symbol_batch.providers.provider import Failure, Outcome, Unusable
from symbol_batch.providers.worker_pool import WorkerPool
from symbol_batch.providers.yahoo_folder import own_folder
from symbol_batch.providers.yahoo_session import Fetch, Seen, YahooSession

REQUEST_TIMEOUT = 15.0
"""Seconds for one request of the several that a fetch may need."""
MOST_IN_FLIGHT = 10

Read = TypeVar("Read")


class ChartData(YfData):  # type: ignore[misc]  # yfinance has no types
    """The client's transport for charts, which need neither cookie nor crumb.

    The client takes both before its first request, one thread at a time under a lock: with the cookie's host hanging,
    every other symbol waits behind it. A singleton of its own, by the client's metaclass.
    """

    def _get_cookie_and_crumb(self, timeout: float = 30) -> tuple[None, str]:
        return None, "basic"


class YahooTicker(yfinance.Ticker):  # type: ignore[misc]
    """A ticker whose time zone is known: only US listings are asked for.

    The client would spend a request of its own on finding out, and call a symbol delisted when that one fails.
    """

    _price_history: PriceHistory | None

    def __init__(self, symbol: str, session: YahooSession, fetch: Fetch) -> None:
        super().__init__(symbol, session=session)
        self._fetch = fetch

    @property
    def answered(self) -> Any:
        """The last answer of a data service as JSON, before the client interpreted it."""
        assert self._fetch.seen is not None, "asked for before anything was fetched"
        return orjson.loads(self._fetch.seen.body)

    def _get_ticker_tz(self, timeout: float) -> str:
        return "America/New_York"

    def _lazy_load_price_history(self) -> PriceHistory:
        if self._price_history is None:
            data = ChartData(session=self.session)
            self._price_history = PriceHistory(data, self.ticker, "America/New_York", self.session)
        return self._price_history


class YahooClient:
    """At most `concurrency` questions in flight, each within `deadline` seconds of work.

    One in a process: the client keeps its session in a singleton.
    """

    def __init__(self, *, base: str | None, concurrency: int, deadline: float, hook: RequestHook | None = None) -> None:
        if not 1 <= concurrency <= MOST_IN_FLIGHT:
            raise ValueError(
                f"provider concurrency is 1 to {MOST_IN_FLIGHT}, not {concurrency}: Yahoo takes more for an attack"
            )
        _prepare_client()
        self._session = YahooSession(base, hook)
        self._deadline = deadline
        self._pool = WorkerPool("yahoo", concurrency, self._session)

    async def ask(self, symbol: str, read: Callable[[YahooTicker], Read]) -> Read | Failure:
        """What `read` makes of the symbol's ticker in a worker thread, or why it could not.

        Whatever the client or the reader raises is that symbol's failure. The answer comes when the deadline has
        passed, even if the thread still waits for something.
        """
        fetch = Fetch(Deadline(self._deadline))
        too_late = Failure(Outcome.TRANSPORT, f"no answer within {self._deadline:g} s")
        return await self._pool.run(fetch.deadline, partial(self._fetch, symbol, fetch, read), too_late)

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _fetch(self, symbol: str, fetch: Fetch, read: Callable[[YahooTicker], Read]) -> Read | Failure:
        self._session.begin_fetch(fetch)
        try:
            answer = read(YahooTicker(symbol, self._session, fetch))
        except Unusable as unusable:
            return unusable.failure
        except Exception as error:  # one symbol's trouble, whatever it is, is that symbol's outcome
            return failure_of(error, fetch, self._deadline)
        if fetch.was_refused:
            return failure_of(YFRateLimitError(), fetch, self._deadline)
        return answer


@cache
def _prepare_client() -> "tempfile.TemporaryDirectory[str]":
    """Set the client up, once a process: its caches stay open to the end. The folder goes with the process."""
    # Processes that share the client's usual cache folder lock each other out of its database.
    folder = own_folder()
    yfinance.set_tz_cache_location(folder.name)
    # Without this the client logs an error and returns an empty table, which looks like "no price".
    yfinance.config.debug.hide_exceptions = False
    # Its own repeats sleep and are not paced.
    yfinance.config.network.retries = 0
    # The client's use of pandas is its own affair, and a line per request in our log.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance\.")
    return folder


def failure_of(error: Exception, fetch: Fetch, deadline: float) -> Failure:
    """What the client's error means, judged by what the data services really answered."""
    said = told(error)
    if isinstance(error, NotSent):
        return Failure(Outcome.RATE_LIMITED, str(error))
    if isinstance(error, Closed):
        return Failure(Outcome.TRANSPORT, str(error))
    if fetch.was_refused or isinstance(error, YFRateLimitError):
        return Failure(Outcome.RATE_LIMITED, "the provider answered 429 Too Many Requests")
    if isinstance(error, Timeout):
        return Failure(Outcome.TRANSPORT, f"no answer within {deadline:g} s, which are for all its requests ({said})")
    if fetch.seen is None:
        return Failure(Outcome.TRANSPORT, f"no answer ({said})")
    return _judged(error, said, fetch.seen)


def _judged(error: Exception, said: str, seen: Seen) -> Failure:  # noqa: PLR0911  # a table of cases
    """A page where JSON belongs is TRANSPORT, not BAD_DATA: a proxy, a consent form or a block page answered in the
    data service's place, so nothing has been learned about the symbol.
    """
    if not seen.is_json:
        body = seen.beginning or "an empty body"
        return Failure(Outcome.TRANSPORT, f"HTTP {seen.status} with a page instead of JSON: {body}")
    if seen.status == HTTPStatus.NOT_FOUND:
        return Failure(Outcome.NOT_FOUND, f"HTTP 404: {_reason(seen)}")
    if seen.status == HTTPStatus.BAD_REQUEST and "Data doesn't exist" in seen.beginning:
        return Failure(Outcome.STALE, f"HTTP 400: {_reason(seen)}")
    if seen.status >= HTTPStatus.BAD_REQUEST:
        return Failure(Outcome.TRANSPORT, f"HTTP {seen.status}: {_reason(seen)}")
    if isinstance(error, YFPricesMissingError):
        if seen.is_chart:
            return Failure(Outcome.STALE, "a good answer with no bar in the range")
        return Failure(Outcome.BAD_DATA, f"the answer cannot be read: {seen.beginning} is no chart")
    if isinstance(error, OSError | JSONDecodeError):
        return Failure(Outcome.TRANSPORT, f"the answer broke off ({said})")
    return Failure(Outcome.BAD_DATA, f"the answer cannot be read ({said})")


def _reason(seen: Seen) -> str:
    """The description in Yahoo's error body; the beginning of the body where it has none."""
    try:
        body = orjson.loads(seen.body)
    except orjson.JSONDecodeError:
        return seen.beginning
    for part in body.values() if isinstance(body, dict) else ():
        error = part.get("error") if isinstance(part, dict) else None
        if isinstance(error, dict) and error.get("description"):
            return str(error["description"])
    return seen.beginning
