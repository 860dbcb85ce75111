"""A bank of its own for each story, and the seed that every random choice of it comes from."""

import itertools
import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chaos.kernel.bank import Bank, engine_for
from chaos.kernel.supervisor import Supervisor

SEED_VARIABLE = "RISKSTREAM_CHAOS_SEED"
_numbers = itertools.count()


@pytest.fixture
def source() -> random.Random:
    """Random choices of a story; its seed is printed, and `RISKSTREAM_CHAOS_SEED` plays it again."""
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(1_000_000))
    print(f"{SEED_VARIABLE}={seed}")
    return random.Random(seed)


@pytest.fixture
async def bank(postgres_server: Any, kafka_server: Any) -> AsyncIterator[Bank]:
    bank = Bank(engine_for(postgres_server.dsn()), kafka_server.address, f"bank_{os.getpid()}_{next(_numbers)}")
    await bank.create()
    admin = AIOKafkaAdminClient(bootstrap_servers=bank.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, count, 1) for name, count in bank.topics.items()])
    finally:
        await admin.close()
    yield bank
    await bank.engine.dispose()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path, ["-m", "chaos.kernel.bank"])
    yield supervisor
    supervisor.close()
