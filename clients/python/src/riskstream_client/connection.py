"""One way to ask a service: a bearer token on every request, bodies read as models, errors as exceptions."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from httpx_sse import EventSource, ServerSentEvent
from pydantic import BaseModel

from riskstream_client.errors import ProblemReceived

Token: TypeAlias = str | Callable[[], str]
"""A bearer token, or what gives one: it is asked before every request, so that it may renew what has expired."""

Answer = TypeVar("Answer", bound=BaseModel)

Id: TypeAlias = UUID | str

STREAM_SILENCE_SECONDS = 60.0
"""Servers say something every fifteen seconds: who has not heard them for a minute has lost them."""


class Connection:
    """Keeps its connections open until it is closed; a context manager. Safe to use from several threads."""

    def __init__(self, url: str, token: Token, *, timeout_seconds: float = 30.0) -> None:
        """`url` is the origin of the service, or of the proxy in front of it, without the paths of its API."""
        self._token = token
        # Proxies from the environment are for the outside world; whoever needs one gives it in the address.
        self._http = httpx.Client(base_url=url, timeout=timeout_seconds, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        query: Mapping[str, Any] | None = None,
        body: BaseModel | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """The answer as its model. Raises ProblemReceived, httpx.TransportError, or pydantic.ValidationError where the
        answer lacks what this client was made to expect.
        """
        sent = content if body is None else _json(body)
        typed = {"Content-Type": "application/json"} if body is not None else {}
        response = self._send(method, path, query=query, content=sent, headers=typed | dict(headers or {}))
        return answer.model_validate_json(response.content)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        response = self._http.request(
            method, path, params=_parameters(query), content=content, headers=self._headers(headers)
        )
        if not response.is_success:
            raise ProblemReceived.of(response)
        return response

    @contextmanager
    def _listen(self, path: str, *, told: str | None) -> Iterator[Iterator[ServerSentEvent]]:
        """The events of a stream, from after the one whose id is `told`; none where the stream has ended for good."""
        headers = {"Accept": "text/event-stream"} | ({} if told is None else {"Last-Event-ID": told})
        patience = httpx.Timeout(self._http.timeout.connect, read=STREAM_SILENCE_SECONDS)
        with self._http.stream("GET", path, headers=self._headers(headers), timeout=patience) as response:
            if not response.is_success:
                response.read()
                raise ProblemReceived.of(response)
            yield iter(()) if response.status_code == httpx.codes.NO_CONTENT else EventSource(response).iter_sse()

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        token = self._token if isinstance(self._token, str) else self._token()
        return {"Authorization": f"Bearer {token}", **(more or {})}


def _json(body: BaseModel | Mapping[str, Any]) -> bytes:
    if isinstance(body, BaseModel):
        return body.model_dump_json(exclude_unset=True).encode()
    return json.dumps(body, default=_text).encode()


def _parameters(query: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: _text(value) for name, value in (query or {}).items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def path_part(value: UUID | str | date) -> str:
    """A value as one part of a path: whatever is in it, it is no other path.

    Raises ValueError for what leads elsewhere even if it is quoted: with it `/lots/..` would be the portfolio.
    """
    text = str(value)
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} is no part of an address: give the id or symbol of what you mean")
    return quote(text, safe="")
