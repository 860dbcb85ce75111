"""The servers that tests run on: this machine's own, or containers with `RISKSTREAM_TEST_SERVERS=containers`."""

import os

from local_stack.errors import ServerUnavailable
from local_stack.kafka import KafkaServer
from local_stack.postgres import PostgresServer
from local_stack.valkey import ValkeyServer

__all__ = ["CHOICE", "REQUIRED", "ServerUnavailable", "embedded_servers", "is_required", "servers_for_tests"]

CHOICE = "RISKSTREAM_TEST_SERVERS"
REQUIRED = "RISKSTREAM_REQUIRE"


def servers_for_tests() -> tuple[PostgresServer, ValkeyServer, KafkaServer]:
    """Postgres (without fsync), Valkey and Kafka, not started yet: a test starts what it needs and closes it.

    Raises ValueError if `RISKSTREAM_TEST_SERVERS` is neither `embedded` nor `containers`.
    """
    choice = os.environ.get(CHOICE, "").strip() or "embedded"
    if choice == "embedded":
        return embedded_servers()
    if choice == "containers":
        # Only here: whoever has no Docker need not have its client either.
        from local_stack.containers import KafkaContainer, PostgresContainer, ValkeyContainer  # noqa: PLC0415

        return PostgresContainer(durable=False), ValkeyContainer(), KafkaContainer()
    raise ValueError(f"{CHOICE}={choice} is not known; write embedded or containers")


def embedded_servers() -> tuple[PostgresServer, ValkeyServer, KafkaServer]:
    """This machine's own. A test's database is a copy of some 600 files: on a disk that takes many times as long."""
    return PostgresServer(durable=False, in_memory=True), ValkeyServer(), KafkaServer()


def is_required(name: str) -> bool:
    """Whether the comma list `RISKSTREAM_REQUIRE` says that a missing `name` is a failure, not a skip."""
    return name in {word.strip() for word in os.environ.get(REQUIRED, "").split(",")}
