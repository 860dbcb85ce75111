"""Servers of this story's own."""

from collections.abc import Iterator

import pytest

from own_system.servers import OwnServers, own_servers


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    with own_servers() as own:
        yield own
