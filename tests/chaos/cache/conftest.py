"""Servers of this story's own."""

from collections.abc import Iterator

import pytest

from chaos_story.fixtures import own_servers
from chaos_story.world import OwnServers


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    with own_servers() as own:
        yield own
