"""Servers of each module's own: topics and consumer groups must start empty."""

from collections.abc import Iterator

import pytest

from local_stack.system import System
from own_system.person import Person
from own_system.servers import OwnServers, own_servers


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    with own_servers() as own:
        yield own


@pytest.fixture(scope="module")
def alice(system: System) -> Iterator[Person]:
    """Who holds portfolios of the module's own system."""
    with Person(system) as person:
        yield person
