"""Spans of calls to Redis."""

from contextlib import AbstractContextManager

from riskstream.runtime import tracing


def redis_call(verb: str) -> AbstractContextManager[None]:
    """Around one command. Keys and values are not told."""
    return tracing.call(verb.upper(), {"db.system.name": "redis", "db.operation.name": verb.upper()})
