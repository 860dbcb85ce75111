"""Answers in Redis, shared by the replicas. It may be slow, away, emptied, restored or full of rubbish: never wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from analytics.cache.answer import Answer, Key, NotThisAnswerError, Question, from_stored, to_stored
from analytics.metrics import REDIS_FAILURES, REDIS_REFUSED
from analytics.redis_spans import redis_call

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RedisTiming:
    """Seconds, except `kept`."""

    call_timeout: float = 0.2
    """The most that a silent Redis costs one request."""
    rest_after_failure: float = 1.0
    """For so long after a failure Redis is not asked at all, so that only one request pays for it."""
    kept: timedelta = timedelta(days=2)


class RedisCache:
    """A Redis that fails is a Redis without answers: no error of it reaches a caller."""

    def __init__(self, url: str, timing: RedisTiming, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._timing = timing
        self._monotonic = monotonic
        self._rests_until = float("-inf")
        # No retries and no health checks of its own: a second attempt costs more than computing the answer.
        self._redis = Redis.from_url(
            url,
            socket_timeout=timing.call_timeout,
            socket_connect_timeout=timing.call_timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=3,
        )

    async def get(self, key: Key, question: Question) -> Answer | None:
        """The stored answer if it is whole and belongs to `key`; a value that is not is deleted."""
        value: bytes | str | None = await self._call("get", lambda: self._redis.get(str(key)))
        if value is None:
            return None
        try:
            return from_stored(value, key, question)
        except NotThisAnswerError as error:
            REDIS_REFUSED.inc()
            log.warning("a value in Redis was refused and is deleted", key=str(key), why=str(error)[:500])
            await self.drop([key])
            return None

    async def put(self, answer: Answer) -> None:
        await self._call("set", lambda: self._redis.set(str(answer.key), to_stored(answer), ex=self._timing.kept))

    async def drop(self, keys: Sequence[Key]) -> None:
        """Free the memory of answers that nobody will ask for again."""
        if keys:
            await self._call("unlink", lambda: self._redis.unlink(*map(str, keys)))

    async def ping(self) -> None:
        """Raises what keeps Redis from answering; for readiness, whatever rest a failure has earned it."""
        await self._redis.ping()

    async def close(self) -> None:
        await self._redis.aclose()

    async def _call(self, verb: str, call: Callable[[], Awaitable[T]]) -> T | None:
        if self._monotonic() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(self._timing.call_timeout):
                with redis_call(verb):
                    return await call()
        except (RedisError, OSError) as error:
            self._rests_until = self._monotonic() + self._timing.rest_after_failure
            REDIS_FAILURES.labels(verb).inc()
            log.warning("Redis does not answer; going on without it", verb=verb, error=repr(error))
            return None
