"""One secured Kafka for these tests, with the topics made by the operator and the rules of the declaration."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_stack.errors import ServerUnavailable
from local_stack.secured_kafka import SecuredKafkaServer
from local_stack.system import TOPICS_FILE
from local_stack.testing import is_required
from riskstream.messaging.access_rules import OPERATOR, AccessRule
from riskstream.messaging.topics import create_topics
from secured_kafka.cluster import ADA, PASSWORDS, RULES, Cluster

HERS = (
    AccessRule(ADA, "topic", "ada", ("Create", "Describe", "DescribeConfigs", "Read", "Write")),
    AccessRule(ADA, "group", "ada.reads", ("Read",)),
)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Skips where Kafka cannot be had, or fails if it is required."""
    try:
        with SecuredKafkaServer(PASSWORDS) as server:
            made = Cluster(server, tmp_path_factory.mktemp("clients"))
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, _prepare(made)).result()
            yield made
    except ServerUnavailable as missing:
        if is_required("kafka"):
            pytest.fail(missing.reason, pytrace=False)
        pytest.skip(missing.reason)


async def _prepare(cluster: Cluster) -> None:
    await cluster.allow([*RULES, *HERS])
    await cluster.allow(HERS, "User:CN={who}")
    report = await create_topics(cluster.by_password(OPERATOR), TOPICS_FILE, 1)
    assert not report.differences
