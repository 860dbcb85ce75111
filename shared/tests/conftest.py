"""What tests of more than one room need."""

from collections.abc import Iterator

import pytest

from rehearsal.spans import Kept, kept_spans


@pytest.fixture
def spans() -> Iterator[Kept]:
    """Tracing is on, and what it tells is kept."""
    with kept_spans() as kept:
        yield kept
