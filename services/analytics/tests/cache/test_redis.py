"""A Redis that fails is left alone for a while, and its failures are counted, never raised."""

import time
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from analytics.cache.answer import Key, Question
from analytics.cache.redis import RedisCache, RedisTiming
from analytics.measures import MEASURES
from analytics.metrics import REDIS_FAILURES
from local_stack.ports import free_port
from local_stack.valkey import ValkeyServer

KEY = Key(UUID(int=1), 1, 1, "overview:0", "one")
QUESTION = Question(MEASURES["overview"], MEASURES["overview"].parameters())


def _failures() -> float:
    return REDIS_FAILURES.labels("get")._value.get()


class _Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_after_a_failure_redis_is_asked_again_only_when_it_has_rested() -> None:
    clock = _Time()
    cache = RedisCache(f"redis://127.0.0.1:{free_port()}/0", RedisTiming(rest_after_failure=5.0), clock)
    before = _failures()
    for _ in range(10):
        assert await cache.get(KEY, QUESTION) is None
    assert _failures() == before + 1
    clock.now += 5.1
    await cache.get(KEY, QUESTION)
    assert _failures() == before + 2
    await cache.close()


async def test_a_hanging_redis_costs_one_timeout_for_many_requests(valkey_server: ValkeyServer) -> None:
    timing = RedisTiming(call_timeout=0.2, rest_after_failure=60.0)
    cache = RedisCache(valkey_server.url, timing)
    valkey_server.start()
    valkey_server.pause()
    try:
        began = time.monotonic()
        for _ in range(100):
            assert await cache.get(KEY, QUESTION) is None
        took = time.monotonic() - began
    finally:
        valkey_server.resume()
    assert 0.1 < took < 10
    await cache.close()


async def test_an_answer_expires(world: Any, make_replica: Any) -> None:
    replica = await make_replica()
    await world.edition(1, date(2024, 12, 16))
    portfolio = await world.portfolio()
    await world.fold(portfolio, 1, date(2024, 12, 16), cash=1.0)
    await replica.ask(portfolio, "overview")
    redis = replica.redis._redis
    (key,) = await redis.keys("*")
    assert 0 < await redis.ttl(key) <= timedelta(minutes=5).total_seconds()
