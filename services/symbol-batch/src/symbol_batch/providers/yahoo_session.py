"""The HTTP session that yfinance is given: bounded in time, redirectable, and able to say what was really answered."""

import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import Timeout


@dataclass(frozen=True, slots=True)
class Seen:
    """The last answer of the chart service in this thread."""

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

    @property
    def seen(self) -> Seen | None:
        """What the chart service answered last since `begin`; None where no answer came."""
        seen: Seen | None = getattr(self._mine, "seen", None)
        return seen

    def request(self, method: Any, url: str, *, timeout: Any = None, **kwargs: Any) -> Response:  # type: ignore[override]  # the client uses keywords
        left = getattr(self._mine, "deadline", float("inf")) - time.monotonic()
        if left <= 0:
            raise Timeout("the deadline of this symbol's fetch has passed")
        wanted = timeout if isinstance(timeout, int | float) else 30.0
        response = super().request(method, self._address(url), timeout=min(wanted, left), **kwargs)
        if "/finance/chart/" in urlsplit(url).path:
            self._mine.seen = _seen(response)
        return response

    def _address(self, url: str) -> str:
        if self._base is None:
            return url
        parts = urlsplit(url)
        return urlunsplit(parts._replace(scheme=self._base.scheme, netloc=self._base.netloc))


def _seen(response: Response) -> Seen:
    beginning = " ".join(response.text[:200].split())
    return Seen(response.status_code, beginning.startswith(("{", "[")), beginning[:120])
