"""Pytest fixtures of the real servers: one of each per session, started when the first test asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from local_stack.errors import ServerUnavailable
from local_stack.kafka import KafkaServer
from local_stack.postgres import PostgresServer
from local_stack.server import Server
from local_stack.testing import REQUIRED, is_required, servers_for_tests
from local_stack.valkey import ValkeyServer

SomeServer = TypeVar("SomeServer", bound=Server)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """PostgreSQL for the whole session; make a database of your own in it."""
    postgres, _, _ = servers_for_tests()
    with _started(postgres):
        yield postgres


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """Valkey for the whole session; keep to keys of your own, or flush it before you begin."""
    _, valkey, _ = servers_for_tests()
    with _started(valkey):
        yield valkey


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaServer]:
    """Kafka for the whole session; make topics and groups of your own. Skips where Kafka cannot be had."""
    _, _, kafka = servers_for_tests()
    with _started(kafka):
        yield kafka


@contextmanager
def _started(server: SomeServer) -> Iterator[SomeServer]:
    try:
        server.start()
    except ServerUnavailable as missing:
        server.close()
        if is_required(server.name):
            pytest.fail(f"{REQUIRED} asks for {server.name}: {missing.reason}", pytrace=False)
        pytest.skip(missing.reason)
    except BaseException:
        server.close()
        raise
    try:
        yield server
    finally:
        server.close()
