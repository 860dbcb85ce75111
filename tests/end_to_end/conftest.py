"""Servers of their own for each story: topics and consumer groups must start empty."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local_stack.errors import ServerUnavailable
from local_stack.kafka import KafkaServer
from local_stack.postgres import PostgresServer
from local_stack.stack import Stack
from local_stack.testing import REQUIRED, is_required, servers_for_tests
from local_stack.valkey import ValkeyServer


@dataclass(frozen=True)
class OwnServers:
    postgres: PostgresServer
    valkey: ValkeyServer
    kafka: KafkaServer


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    own = OwnServers(*servers_for_tests())
    with Stack() as stack:
        try:
            stack.start(own.postgres, own.valkey, own.kafka)
        except ServerUnavailable as missing:
            if is_required("kafka"):
                pytest.fail(f"{REQUIRED} asks for it: {missing.reason}", pytrace=False)
            pytest.skip(missing.reason)
        yield own
