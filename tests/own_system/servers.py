"""Servers that a test has for itself: topics, groups and databases start empty, and all of it may be broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from local_stack.errors import ServerUnavailable
from local_stack.kafka import KafkaServer
from local_stack.postgres import PostgresServer
from local_stack.stack import Stack
from local_stack.testing import REQUIRED, embedded_servers, is_required, servers_for_tests
from local_stack.valkey import ValkeyServer


@dataclass(frozen=True)
class OwnServers:
    """The three that a system stands on."""

    postgres: PostgresServer
    valkey: ValkeyServer
    kafka: KafkaServer


@contextmanager
def own_servers(*, with_files: bool = False) -> Iterator[OwnServers]:
    """Running servers; skips where Kafka cannot be had, or fails if it is required.

    `with_files` is for who empties their folders: they are this machine's own then, also where others are containers.
    """
    made = embedded_servers() if with_files else servers_for_tests()
    with Stack() as stack:
        try:
            stack.start(*made)
        except ServerUnavailable as missing:
            if is_required("kafka"):
                pytest.fail(f"{REQUIRED} asks for it: {missing.reason}", pytrace=False)
            pytest.skip(missing.reason)
        yield OwnServers(*made)
