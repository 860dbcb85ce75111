"""Servers that a story has for itself: topics, groups and databases start empty, and all of it may be broken."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chaos_story.world import OwnServers
from local_stack.errors import ServerUnavailable
from local_stack.stack import Stack
from local_stack.testing import REQUIRED, is_required, servers_for_tests


@contextmanager
def own_servers() -> Iterator[OwnServers]:
    """Running servers; skips where Kafka cannot be had, or fails if it is required."""
    own = OwnServers(*servers_for_tests())
    with Stack() as stack:
        try:
            stack.start(own.postgres, own.valkey, own.kafka)
        except ServerUnavailable as missing:
            if is_required("kafka"):
                pytest.fail(f"{REQUIRED} asks for it: {missing.reason}", pytrace=False)
            pytest.skip(missing.reason)
        yield own
