"""Servers of each module's own: topics and consumer groups must start empty, and outages must hit nobody else."""

from collections.abc import Iterator

import pytest

from local_stack.errors import ServerUnavailable
from local_stack.stack import Servers
from local_stack.testing import REQUIRED, is_required


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    own = Servers(durable=False)
    try:
        own.start()
    except ServerUnavailable as missing:
        own.close()
        if is_required("kafka"):
            pytest.fail(f"{REQUIRED} asks for it: {missing.reason}", pytrace=False)
        pytest.skip(missing.reason)
    try:
        yield own
    finally:
        own.close()
