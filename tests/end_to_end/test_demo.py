"""`make demo`, as somebody who has just cloned the project sees it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

COMMAND = Path(sys.executable).parent / "local-stack"
TOLD = (
    "The night of Thursday, 12 March 2026",
    "from request to ready",
    "Events that flowed over Kafka",
    "What if: sell",
    "planted betas",
    "everything stopped",
)


@pytest.mark.slow
def test_the_demo_tells_its_story_and_leaves_nothing_running(tmp_path: Path) -> None:
    page, mark = tmp_path / "report.html", f"marked-{uuid4()}"
    most = 0
    with (tmp_path / "said").open("w+") as said:
        demo = subprocess.Popen(
            [COMMAND, "demo", "--page", str(page)],
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | {"RUN_OF_THE_DEMO": mark},
        )
        while demo.poll() is None:
            most = max(most, len(list(_marked(mark))))
            time.sleep(1)
        said.seek(0)
        text = said.read()
    assert demo.returncode == 0, text
    assert [words for words in TOLD if words not in text] == []
    assert "✗" not in text
    assert most > 6, "four services and their servers were never seen"
    assert list(_marked(mark)) == []
    written = page.read_text()
    assert len(re.findall("<svg", written)) >= 5
    # It opens offline: nothing in it is fetched from anywhere.
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", written)


def _marked(mark: str) -> Iterator[psutil.Process]:
    """The processes that the demo started, whoever their parent is by now."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("RUN_OF_THE_DEMO") == mark:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
