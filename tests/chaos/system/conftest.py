"""Servers of each module's own: topics and consumer groups must start empty, and outages must hit nobody else."""

from collections.abc import Iterator

import pytest

from own_system.servers import OwnServers, own_servers


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    with own_servers(with_files=True) as own:
        yield own
