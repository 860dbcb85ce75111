"""Requests made up from an OpenAPI document, and what an answer to any of them must be."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias
from urllib.parse import urlencode

import httpx
import requests
import schemathesis
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contract.plausible import Sent, plausible
from riskstream.runtime.openapi import ProblemDocument
from riskstream.runtime.problems import MEDIA_TYPE

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Known: TypeAlias = Mapping[str, Sequence[Any]]
"""By the name of a parameter or field, what stands in the database: made up, none of it would ever be met."""
CHECKS: list[Any] = [status_code_conformance, content_type_conformance, response_schema_conformance]
BODIES = [b"", b"{", b"NaN", b"\xff\xfe", b'{"trades": NaN}', b"[" * 5_000, b'{"a":' + b"9" * 5_000 + b"}", b"null"]
"""What no schema makes: not JSON, not UTF-8, deeper than anybody reads."""
TAGS = ["*", "W/", '"', 'W/"1"', '"1"', ",", '"1", W/"2"', "\u00e9", "W/" * 1_000]
TIMES = 4
"""Making a case up takes longer than sending it."""
STREAM = "text/event-stream"
FIRST_WORD = 10.0
"""Seconds within which a stream says something."""


@dataclass(frozen=True)
class Target:
    """An application that runs in the loop of `portal`, and how to speak to it as one who may."""

    app: FastAPI
    portal: BlockingPortal
    bearers: Sequence[str]
    known: Known
    bearer_of: Mapping[str, str]
    """By owner."""

    def send(self, request: requests.PreparedRequest) -> httpx.Response:
        return self.portal.call(self._send, request)

    async def _send(self, request: requests.PreparedRequest) -> httpx.Response:
        # A failure is to be answered; that it is also raised for the server's log is not looked at.
        transport = httpx.ASGITransport(_until_first_word(self.app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            headers = {name: _octets(value) for name, value in request.headers.items()}
            return await client.request(str(request.method), str(request.url), headers=headers, content=request.body)


def _until_first_word(app: Any) -> Any:
    """The application, from whose streams its caller goes away as soon as something was said."""

    async def run(scope: Any, receive: Any, send: Any) -> None:
        streaming = False
        gone = asyncio.Event()

        async def received() -> Any:
            if not streaming:
                return await receive()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def sent(message: Any) -> None:
            nonlocal streaming
            if message["type"] == "http.response.start":
                kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
                streaming = any(kind.startswith(STREAM.encode()) for kind in kinds)
            if not gone.is_set():
                await send(message)
            if streaming and message.get("body") and not gone.is_set():
                gone.set()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        serving = asyncio.create_task(app(scope, received, sent))
        try:
            await asyncio.wait_for(asyncio.shield(serving), FIRST_WORD)
        except TimeoutError:
            serving.cancel()
            raise

    return run


def _octets(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def operations(app: FastAPI, without: Callable[[str], bool]) -> dict[str, Operation]:
    """What the document of `app` has, by method and path."""
    found = (result.ok() for result in schemathesis.openapi.from_dict(app.openapi()).get_all_operations())
    return {f"{one.method.upper()} {one.path}": one for one in found if not without(one.path)}


def try_out(operation: Operation, target: Target, count: int) -> dict[int, int]:
    """Send at least `count` requests, always the same ones, many of them against the schema; their statuses, counted.

    Each case that is made up goes out several times: as several owners, about several of the things that are there.
    Every other request is one that makes sense, where it takes more than chance to make one.
    """
    statuses: Counter[int] = Counter()
    name = f"{operation.method.upper()} {operation.path}"
    chance = Random(operation.label)

    @settings(
        max_examples=math.ceil(count / TIMES),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(_cases(operation))
    def send(case: Case) -> None:
        for turn in range(TIMES):
            _meet(chance, case, target.known)
            request = _request(chance, case, target.bearers)
            sensible = plausible(name, chance) if turn % 2 else None
            if sensible is not None:
                request = _as_sent(operation, sensible, target.bearer_of)
            response = target.send(request)
            statuses[response.status_code] += 1
            assert_as_documented(case, response)

    # Where little can be made up, all of it is sent again, as others and about other things.
    while statuses.total() < count:
        before = statuses.total()
        send()
        assert statuses.total() > before, f"no request to {operation.label} can be made up"
    return dict(statuses)


def _cases(operation: Operation) -> st.SearchStrategy[Case]:
    right = operation.as_strategy(GenerationMode.POSITIVE)
    if not (list(operation.iter_parameters()) or list(operation.body)):
        return right
    return st.one_of(right, operation.as_strategy(GenerationMode.NEGATIVE))


def _meet(chance: Random, case: Case, known: Known) -> None:
    """Put something that is there in most places that name it; leave out of a body what may exclude the rest of it."""
    if isinstance(case.body, dict) and len(case.body) > 1 and chance.random() < 0.5:
        del case.body[chance.choice(list(case.body))]
    for held in (case.path_parameters, case.query, case.body):
        for owner, name in _named(held, known):
            if chance.random() < (0.95 if held is case.body else 0.75):
                owner[name] = chance.choice(known[name])


def _named(held: Any, names: Collection[str]) -> Iterator[tuple[Any, str]]:
    if isinstance(held, dict):
        for name, value in held.items():
            if name in names:
                yield held, name
            else:
                yield from _named(value, names)
    elif isinstance(held, list):
        for value in held:
            yield from _named(value, names)


def _request(chance: Random, case: Case, bearers: Sequence[str]) -> requests.PreparedRequest:
    request = requests.Request(**case.as_transport_kwargs(base_url="http://it")).prepare()
    if chance.random() < 0.5:
        request.headers[chance.choice(["If-None-Match", "If-Match"])] = chance.choice(TAGS)
    if case.method.upper() != "GET" and chance.random() < 0.1:
        request.body = chance.choice(BODIES)
        request.headers["Content-Length"] = str(len(request.body))
    request.headers["Authorization"] = chance.choice(bearers)
    return request


def _as_sent(operation: Operation, sent: Sent, bearer_of: Mapping[str, str]) -> requests.PreparedRequest:
    url = f"http://it{operation.path.format_map(sent.path)}" + (f"?{urlencode(sent.query)}" if sent.query else "")
    headers = {**sent.headers, "Authorization": bearer_of[sent.owner]}
    return requests.Request(operation.method.upper(), url, headers=headers, data=sent.body).prepare()


def assert_as_documented(case: Case, response: httpx.Response) -> None:
    """No 5xx; the status, the type and the shape that the document names; every error a problem."""
    said = f"{case.method} {response.request.url} {response.request.content[:300]!r}: {response.text[:500]}"
    assert response.status_code < 500, said
    if response.status_code >= 400:
        assert response.headers["content-type"] == MEDIA_TYPE, said
        assert ProblemDocument.model_validate_json(response.content).status == response.status_code, said
    if response.headers.get("content-type", "").startswith(STREAM):
        assert response.content, said
    if response.status_code != 304:
        case.validate_response(response, checks=CHECKS)
