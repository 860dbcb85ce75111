"""What several tests of the local stack look at: processes and folders that must not be left behind."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.errors import ServerUnavailable
from local_stack.kafka import KafkaServer
from local_stack.testing import is_required

ROOM = Path("/var/tmp")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="riskstream-test-", dir=ROOM))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def descendants() -> Callable[[int], set[int]]:
    """Ids of all processes below one, of every generation."""
    return lambda pid: {child.pid for child in psutil.Process(pid).children(recursive=True)}


@pytest.fixture
def kafka_or_skip() -> Iterator[KafkaServer]:
    """A Kafka of the test's own, started; skips where it cannot be had."""
    server = KafkaServer()
    try:
        server.start()
    except ServerUnavailable as missing:
        server.close()
        if is_required("kafka"):
            pytest.fail(missing.reason)
        pytest.skip(missing.reason)
    yield server
    server.close()
