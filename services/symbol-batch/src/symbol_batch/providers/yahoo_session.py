"""The HTTP session that yfinance is given: it stops the client's repeats, and can say what was really answered."""

import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from curl_cffi.requests import Response
from curl_cffi.requests.exceptions import HTTPError
from yfinance.exceptions import YFRateLimitError

from symbol_batch.providers.http_session import BoundedSession, Deadline, RequestHook

DATA_PATHS = ("/finance/chart/", "/finance/quoteSummary/", "/finance/timeseries/", "/finance/quote")
CRUMB_PATH = "/test/getcrumb"


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer of one of the data services, which the cookie and the crumb are not."""

    status: int
    is_json: bool
    beginning: str
    """The first characters of the body, on one line."""
    body: bytes = field(repr=False, default=b"")

    @property
    def is_chart(self) -> bool:
        """Whether it is the chart service's object, be there anything in it or not."""
        return self.beginning.replace(" ", "").startswith('{"chart":{')


@dataclass
class Fetch:
    """One symbol's fetch: how long it may take, and what was answered to it."""

    deadline: Deadline
    seen: Seen | None = None
    """What a data service answered last; None where no answer came."""
    was_refused: bool = False
    """Whether anything answered 429, the crumb too: nothing more is sent then."""


class StatusError(Exception):
    """A data service answered with an error status: raised here, where the client would ask a second time."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(f"HTTP {seen.status}: {seen.beginning}")


class YahooSession(BoundedSession):
    """A session for many threads, each with a `Fetch`.

    The client answers every error status by throwing its cookie away, taking another by another way and asking again:
    up to five requests more of a provider that refuses, and other threads lose their crumb. Only 401 needs that. So
    429 ends the fetch and any other error status of a data service is raised at once.
    """

    def __init__(self, base: str | None, hook: RequestHook | None = None) -> None:
        # Without TLS the browser's HTTP/2 would be asked for by an upgrade, which plain servers complain about.
        super().__init__(base, hook, impersonate="chrome", http_version="v1" if base is not None else None)
        self._current = threading.local()

    def begin_fetch(self, fetch: Fetch) -> None:
        """Start a symbol's fetch in this thread."""
        self._current.fetch = fetch
        self.begin(fetch.deadline)

    def request(self, method: Any, url: str, *, timeout: Any = None, **kwargs: Any) -> Response:  # type: ignore[override]  # the client uses keywords
        fetch: Fetch = self._current.fetch
        if fetch.was_refused:
            raise YFRateLimitError
        response = super().request(method, url, timeout=timeout, **kwargs)
        path = urlsplit(url).path
        is_crumb = path.endswith(CRUMB_PATH)
        fetch.was_refused = _is_refusal(response, is_crumb=is_crumb)
        if _is_data(path):
            fetch.seen = _seen(response)
            if response.status_code >= HTTPStatus.BAD_REQUEST and response.status_code not in _LEFT_TO_THE_CLIENT:
                raise StatusError(fetch.seen)
        if fetch.was_refused:
            raise YFRateLimitError
        if is_crumb:
            _check_crumb(response)
        return response

    def _heard(self, url: str, response: Response) -> int | None:
        path = urlsplit(url).path
        if _is_refusal(response, is_crumb=path.endswith(CRUMB_PATH)):
            return HTTPStatus.TOO_MANY_REQUESTS
        return None if _is_data(path) and not _seen(response).is_json else response.status_code


_LEFT_TO_THE_CLIENT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}


def _is_data(path: str) -> bool:
    return any(service in path for service in DATA_PATHS)


def _is_refusal(response: Response, *, is_crumb: bool) -> bool:
    """429, or a refusal's words where a crumb belongs."""
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS or (is_crumb and "Too Many Requests" in response.text)


def _check_crumb(response: Response) -> None:
    """Raise for what is no crumb: the client keeps any body for one, an error page too, and goes on sending it."""
    if response.status_code != HTTPStatus.OK or not response.text.strip() or response.text.lstrip()[0] in "<{":
        raise HTTPError(f"HTTP {response.status_code} where a crumb was asked for")


def _seen(response: Response) -> Seen:
    beginning = " ".join(response.content[:200].decode("utf-8", "replace").split())
    return Seen(response.status_code, beginning.startswith(("{", "[")), beginning[:120], response.content)
