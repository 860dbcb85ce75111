"""What analytics tells `riskstream doctor` about itself: it owns no tables, and needs a Redis."""

from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import RedisError

from riskstream.command_line import settings_from_environment
from riskstream.doctor import Check, ExaminedService, Finding, NotChecked, Visit
from riskstream.runtime.configuration import RedisUrl
from riskstream.runtime.logs import conceal
from riskstream.runtime.settings import EnvironmentSettings

PATIENCE = 5.0
"""Seconds for one call."""

_EVICTS_OTHERS = frozenset({"noeviction"})


class RedisSettings(EnvironmentSettings):
    redis_url: RedisUrl | None = None


async def look_at_redis(_: Visit) -> AsyncIterator[Finding]:
    """It answers, keeps what it is told, and makes room when it is full."""
    url = settings_from_environment(RedisSettings).redis_url
    if url is None:
        raise NotChecked("set RISKSTREAM_REDIS_URL to Redis' address")
    redis = Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    try:
        server, memory, kept = await redis.info("server"), await redis.info("memory"), await redis.info("persistence")
    except (RedisError, OSError) as error:
        yield Finding("redis", "failed", conceal(f"no answer: {error}"), "see that it runs and RISKSTREAM_REDIS_URL")
        return
    finally:
        await redis.aclose()
    yield Finding("redis", "ok", f"{server.get('server_name', 'redis')} {server.get('redis_version')}")
    if memory.get("maxmemory", 0) and memory.get("maxmemory_policy") in _EVICTS_OTHERS:
        mend = "CONFIG SET maxmemory-policy allkeys-lru: everything in it can be computed again"
        yield Finding("memory", "warning", "bounded, and full of answers it refuses new ones", mend)
    if kept.get("aof_enabled") and kept.get("aof_last_write_status") != "ok":
        yield Finding("persistence", "warning", "the append-only file cannot be written", "see the disk of Redis")


EXAMINED = ExaminedService(
    name="analytics", role="analytics", package="analytics", checks=(Check("redis", look_at_redis),)
)
