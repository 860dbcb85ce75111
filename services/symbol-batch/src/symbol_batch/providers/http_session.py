"""An HTTP session for worker threads that cannot run away: bounded in time and size, paced from outside."""

import threading
import time
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from curl_cffi import CurlOpt
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import Timeout

LARGEST_BODY = 64 * 2**20
"""Bytes. A grouped day of a whole market, the largest true answer, has some 2 MB. One that never ends is cut here."""

Headers: TypeAlias = Mapping[str, str | None]


class RequestHook:
    """Is told of every request that really goes out, from the thread that sends it. This one lets every request go."""

    def before_request(self) -> None:
        """May block until the request may go out; its time is not counted against the deadline. NotSent forbids it."""

    def after_response(self, status: int | None, headers: Headers) -> None:
        """What came back; None and no headers where nothing did."""

    def closing(self) -> None:
        """Nothing more will be sent: whoever blocks in `before_request` is to return soon. Called from any thread."""


class NotSent(Exception):
    """A request was not sent because the provider is not to be asked now; the message says until when."""


class Closed(Exception):
    """A request was not sent because the process is shutting down."""

    def __init__(self, said: str = "not sent: shutting down") -> None:
        super().__init__(said)


def told(error: Exception) -> str:
    """An error as one sentence: without the address at which curl explains its numbers."""
    return f"{type(error).__name__}: {error}".partition(" See https://curl.se/")[0]


class Deadline:
    """Seconds that run while the fetch works, and stand while it waits for its turn. One thread works, others read."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = seconds
        self._running_since: float | None = None

    def start(self) -> None:
        self._running_since = time.monotonic()

    def stand(self) -> None:
        self._left, self._running_since = self.left, None

    @property
    def left(self) -> float:
        """Seconds; not positive when the time is up."""
        since = self._running_since
        return self._left if since is None else self._left - (time.monotonic() - since)


class BoundedSession(Session[Response]):
    """A session for many threads. Each says `begin` with its fetch's deadline, which no request of it outlasts.

    `base` replaces scheme and host of every address, where given.
    """

    def __init__(self, base: str | None, hook: RequestHook | None = None, **options: Any) -> None:
        super().__init__(curl_options={CurlOpt.MAXFILESIZE_LARGE: LARGEST_BODY}, **options)
        self._base = None if base is None else urlsplit(base)
        self._hook = hook or RequestHook()
        self._mine = threading.local()
        self._closing = False

    def begin(self, deadline: Deadline) -> None:
        """Start a fetch in this thread: everything it sends ends within the deadline."""
        self._mine.deadline = deadline
        deadline.start()

    def stop(self) -> None:
        """Let nothing more go out: requests raise Closed from now on."""
        self._closing = True
        self._hook.closing()

    def request(self, method: Any, url: str, *, timeout: Any = None, **kwargs: Any) -> Response:  # type: ignore[override]  # clients use keywords
        self._wait_for_turn()
        left = self._deadline().left
        if left <= 0:
            raise Timeout("the deadline of this fetch has passed")
        wanted = timeout if isinstance(timeout, int | float) else 30.0
        try:
            response = super().request(method, self._address(url), timeout=min(wanted, left), **kwargs)
        except BaseException:
            self._hook.after_response(None, {})
            raise
        self._hook.after_response(self._heard(url, response), response.headers)
        return response

    def _heard(self, url: str, response: Response) -> int | None:
        """The status that the hook is told; None for an answer that somebody else gave in the provider's place."""
        return response.status_code

    def _wait_for_turn(self) -> None:
        if self._closing:
            raise Closed
        deadline = self._deadline()
        deadline.stand()
        try:
            self._hook.before_request()
        finally:
            deadline.start()
        if self._closing:
            raise Closed

    def _deadline(self) -> Deadline:
        deadline: Deadline = self._mine.deadline
        return deadline

    def _address(self, url: str) -> str:
        if self._base is None:
            return url
        parts = urlsplit(url)
        return urlunsplit(parts._replace(scheme=self._base.scheme, netloc=self._base.netloc))
