"""The gate in front of an application: nothing is routed, read or validated before it is known who asks."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Protocol, TypeAlias

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from riskstream.runtime.auth import CALLER, Caller, Scope, TokenVerifier, issuer_away, unauthorized
from riskstream.runtime.openapi import describe_gate
from riskstream.runtime.problems import Problem, problem_response
from riskstream.runtime.process_metrics import HTTP_REFUSED
from riskstream.runtime.rate_limits import UNLIMITED, RateLimits

PUBLIC = frozenset(
    {"/health/live", "/health/ready", "/metrics", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}
)
"""Open to all: probes and scrapers have no token, and whoever wants one must be able to read how to use it.

None of them has data of an owner: parts of the process, counts without names, and what the code says of itself.
"""

Needs: TypeAlias = Callable[[str], Scope]
"""The scope that a request needs, by its method."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY_VIOLATION = 1008
HOW_TO_ASK = "Send `Authorization: Bearer <token>`, once."


class TakesTickets(Protocol):
    """Lets in, at addresses that a browser opens without a header of ours, who shows a ticket bought with a token."""

    async def caller(self, path: str, query: bytes) -> Caller | None:
        """Whom the ticket in the address speaks for; None where it has none, or where none is taken.

        A `Problem` says what is wrong with the ticket (401), or that none can be looked at (503).
        """


def own_data(method: str) -> Scope:
    """For applications that show owners their own data: `read` to look, `write` to change."""
    return "read" if method in _READING else "write"


def looking(_: str) -> Scope:
    """For applications that change nothing, whose POST is a question too long for an address."""
    return "read"


def operations(_: str) -> Scope:
    """For applications that show how the system runs."""
    return "operator"


def guard(app: FastAPI, tokens: TokenVerifier, needs: Needs, limits: RateLimits = UNLIMITED) -> None:
    """Let into `app`, beyond what is public, only callers that `tokens` knows, with the scope and within `limits`.

    The application finds them with `riskstream.runtime.auth.current_caller`.
    """
    app.state.tokens = tokens
    app.state.tickets = None
    app.add_middleware(Gate, needs=needs, limits=limits)
    describe_gate(app, needs, PUBLIC, lambda needed: _refusals(needed, limits))


def take_tickets(app: FastAPI, tickets: TakesTickets) -> None:
    """Let into the guarded `app`, where no token is sent with a GET, also who shows one of `tickets`."""
    app.state.tickets = tickets


class Gate:
    """ASGI middleware. Closed is the rule: an address that nobody thought of asks for a token too."""

    def __init__(self, app: ASGIApp, needs: Needs, limits: RateLimits) -> None:
        self._app = app
        self._needs = needs
        self._limits = limits

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] == "websocket":
            # There are none, and one that is added must not come in past the gate.
            return await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        if connection["type"] == "http" and connection["path"] not in PUBLIC:
            try:
                connection[CALLER] = await self._admit(connection)
            except Problem as problem:
                HTTP_REFUSED.labels(problem.code).inc()
                return await problem_response(problem, connection["path"])(connection, receive, send)
        return await self._app(connection, receive, send)

    async def _admit(self, connection: Connection) -> Caller:
        caller = await _by_ticket(connection) or await _by_token(connection)
        needed = self._needs(connection["method"])
        if needed not in caller.scopes:
            raise _scope_missing(needed)
        self._limits.count(caller.owner, needed)
        return caller


async def _by_token(connection: Connection) -> Caller:
    tokens: TokenVerifier = connection["app"].state.tokens
    token = _bearer_token(connection["headers"])
    return tokens.believed(token) or await tokens.caller(token)


async def _by_ticket(connection: Connection) -> Caller | None:
    tickets: TakesTickets | None = connection["app"].state.tickets
    if tickets is None or not connection["query_string"] or connection["method"] != "GET":
        return None
    # A token that is sent counts, good or bad: a ticket beside it is not looked at, and stays good.
    if any(name == b"authorization" for name, _ in connection["headers"]):
        return None
    return await tickets.caller(connection["path"], connection["query_string"])


def _bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    sent = [value for name, value in headers if name == b"authorization"]
    scheme, _, token = sent[0].decode("latin-1").partition(" ") if len(sent) == 1 else ("", "", "")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthorized(HOW_TO_ASK)
    return token


def _refusals(needed: Scope, limits: RateLimits) -> list[Problem]:
    """What may be answered instead of the application, for its documentation."""
    return [unauthorized(HOW_TO_ASK), _scope_missing(needed), limits.refusal(needed), issuer_away()]


def _scope_missing(needed: Scope) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "scope_missing",
        f"The token does not have the scope `{needed}`, which this request needs; ask the issuer for one that has.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
    )
