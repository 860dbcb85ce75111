"""Tickets: what a browser shows in the place of a token where it can send no header, as its EventSource cannot.

A ticket is bought with a token, for one portfolio, and is good once and for a minute: it stands in an address, which
proxies write down. It is a random number without a meaning; what it is worth lies in Redis, where every replica finds
it, under a hash, so that who reads Redis has no ticket. There is no key to keep, to share or to lose. Without Redis
none is sold or taken: streams with a token go on.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qs
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from analytics.redis_spans import redis_call
from riskstream.runtime.auth import Caller, unauthorized
from riskstream.runtime.problems import Problem

PARAMETER = "ticket"
_BYTES = 32
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
"""Of as many bytes as URL-safe base64."""
_TAKEN_AT = re.compile(r"/api/v1/analytics/portfolio/([0-9a-fA-F-]{36})/events")
_MOST_FIELDS = 20

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Tickets:
    """Sells tickets and takes them. Raises Problem, 503 `tickets_unavailable`, while Redis does not answer."""

    def __init__(self, url: str, *, lives_seconds: float, call_timeout: float) -> None:
        self.lives_seconds = lives_seconds
        self._call_timeout = call_timeout
        # No second attempt of its own: a ticket that was taken at the first is not there at the second.
        self._redis = Redis.from_url(
            url,
            socket_timeout=call_timeout,
            socket_connect_timeout=call_timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=3,
        )

    async def sell(self, caller: Caller, portfolio: UUID) -> str:
        """A ticket to the portfolio's events for who speaks for its owner. It lives no longer than the token."""
        ticket = secrets.token_urlsafe(_BYTES)
        worth = orjson.dumps({"owner": caller.owner, "expires": caller.expires})
        lives = max(0.001, min(self.lives_seconds, caller.expires - time.time()))
        await self._call("set", self._redis.set(_key(ticket, portfolio), worth, px=round(lives * 1000)))
        return ticket

    async def caller(self, path: str, query: bytes) -> Caller | None:
        """Whom the ticket speaks for that stands in the address of a portfolio's events, and is spent with that.

        None where there is no ticket, or at another address. Raises Problem: 401 where it is not, or no longer, good,
        or is another portfolio's, which does not spend it.
        """
        portfolio = _portfolio(path)
        if portfolio is None:
            return None
        shown = _shown(query)
        if not shown:
            return None
        if len(shown) != 1 or not _SHAPE.fullmatch(shown[0]):
            raise _refused()
        worth = await self._call("getdel", self._redis.getdel(_key(shown[0], portfolio)))
        try:
            found = orjson.loads(worth or b"")
            return Caller(str(found["owner"]), frozenset({"read"}), float(found["expires"]))
        except (ValueError, KeyError, TypeError):
            raise _refused() from None

    async def close(self) -> None:
        await self._redis.aclose()

    async def _call(self, verb: str, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._call_timeout):
                with redis_call(verb):
                    return await call
        except (RedisError, OSError) as error:
            log.warning("Redis does not answer; no ticket is sold or taken", error=type(error).__name__)
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "tickets_unavailable",
                "Tickets are neither sold nor taken for now; a stream that is asked for with a token is. Try again.",
                headers={"Retry-After": "2"},
            ) from None


def _key(ticket: str, portfolio: UUID) -> str:
    """Of both, so that a ticket is found at its own portfolio only."""
    return f"ticket:{hashlib.sha256(f'{portfolio}:{ticket}'.encode()).hexdigest()}"


def _portfolio(path: str) -> UUID | None:
    asked = _TAKEN_AT.fullmatch(path)
    try:
        return UUID(asked[1]) if asked else None
    except ValueError:
        return None


def _shown(query: bytes) -> list[str]:
    try:
        fields = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []
    return fields.get(PARAMETER, [])


def _refused() -> Problem:
    return unauthorized(
        "The ticket was refused: it was used, has expired, or is not this portfolio's; "
        "POST /api/v1/analytics/tickets sells another one."
    )
