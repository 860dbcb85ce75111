"""The HTTP session that yfinance is given: bounded in time, redirectable, and able to say what was really answered."""

import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import HTTPError, Timeout
from yfinance.exceptions import YFRateLimitError

_DATA = ("/finance/chart/", "/finance/quoteSummary/", "/finance/timeseries/")
_CRUMB = "/test/getcrumb"


@dataclass(frozen=True, slots=True)
class Seen:
    """The last answer of a data service (chart, profile, statements) in this thread."""

    status: int
    is_json: bool
    beginning: str
    """The first characters of the body, on one line."""


class YahooSession(Session[Response]):
    """A session for many threads.

    Its `base` replaces scheme and host of every address, because the client's hosts are constants in several of its
    modules. Each thread sets its deadline with `begin`; no request of it outlasts that, whatever time-out the client
    asks for. The client turns refusals and outages into guesses ("possibly delisted"); `seen` tells what it was.
    """

    def __init__(self, base: str | None) -> None:
        # Without TLS the browser's HTTP/2 would be asked for by an upgrade, which plain servers complain about.
        super().__init__(impersonate="chrome", http_version="v1" if base is not None else None)
        self._base = None if base is None else urlsplit(base)
        self._mine = threading.local()

    def begin(self, seconds: float) -> None:
        """Start a symbol's fetch in this thread: everything it sends ends within `seconds`."""
        self._mine.deadline = time.monotonic() + seconds
        self._mine.seen = None
        self._mine.crumb_refused = False

    @property
    def seen(self) -> Seen | None:
        """What the data service answered last since `begin`; None where no answer came."""
        seen: Seen | None = getattr(self._mine, "seen", None)
        return seen

    @property
    def crumb_refused(self) -> bool:
        """Whether a crumb was asked for since `begin` and answered 429: a 401 after that says nothing of the symbol."""
        return bool(getattr(self._mine, "crumb_refused", False))

    def request(self, method: Any, url: str, *, timeout: Any = None, **kwargs: Any) -> Response:  # type: ignore[override]  # the client uses keywords
        left = getattr(self._mine, "deadline", float("inf")) - time.monotonic()
        if left <= 0:
            raise Timeout("the deadline of this symbol's fetch has passed")
        wanted = timeout if isinstance(timeout, int | float) else 30.0
        response = super().request(method, self._address(url), timeout=min(wanted, left), **kwargs)
        path = urlsplit(url).path
        if path.endswith(_CRUMB):
            self._check_crumb(response)
        elif any(service in path for service in _DATA):
            self._mine.seen = _seen(response)
        return response

    def _check_crumb(self, response: Response) -> None:
        """Raise for what is no crumb: the client keeps any body for one, a refusal's too, and goes on sending it."""
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or "Too Many Requests" in response.text:
            self._mine.crumb_refused = True
            raise YFRateLimitError
        if response.status_code != HTTPStatus.OK or not response.text.strip() or response.text.lstrip()[0] in "<{":
            raise HTTPError(f"HTTP {response.status_code} where a crumb was asked for")

    def _address(self, url: str) -> str:
        if self._base is None:
            return url
        parts = urlsplit(url)
        return urlunsplit(parts._replace(scheme=self._base.scheme, netloc=self._base.netloc))


def _seen(response: Response) -> Seen:
    beginning = " ".join(response.text[:200].split())
    return Seen(response.status_code, beginning.startswith(("{", "[")), beginning[:120])
