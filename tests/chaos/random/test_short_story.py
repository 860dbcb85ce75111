"""A short random story of the whole system; `make chaos` plays long ones."""

from pathlib import Path

import pytest

from chaos_story.story import play
from own_system.servers import OwnServers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 0
"""Of whose first faults one is a Kafka that is wiped."""
SECONDS = 45.0


def test_a_random_story_ends_well_whatever_broke(servers: OwnServers, tmp_path: Path) -> None:
    report = play(servers, tmp_path, SEED, SECONDS, print)
    print("\n".join(report.lines()))
    assert report.findings == []
    # A slow machine does less in the time, but a story in which nothing happened proves nothing.
    assert report.history.operations["Create"] >= 3
    assert any(edit.done_at for edit in report.history.edits)
    assert sum(report.history.faults.values()) >= 3
    assert report.history.faults["WipeKafka"] >= 1
    assert report.history.statuses()["200"] > 100
    assert report.rows_compared > 5
