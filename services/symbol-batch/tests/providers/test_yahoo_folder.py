"""The folders of Yahoo's client, of processes that live and of killed ones."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from symbol_batch.providers.yahoo_folder import YOUNG_SECONDS, own_folder

OWNS = """
import time
from symbol_batch.providers.yahoo_folder import own_folder
folder = own_folder()
print(folder.name, flush=True)
time.sleep(60)
"""


def test_the_folder_of_a_killed_process_is_removed_by_the_next_and_that_of_a_living_one_is_not(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command, environment = [sys.executable, "-c", OWNS], {**os.environ, "TMPDIR": str(tmp_path)}
    owner = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        theirs = Path(owner.stdout.readline().strip())
    old = theirs.stat().st_mtime - 2 * YOUNG_SECONDS
    os.utime(theirs, (old, old))
    with own_folder():
        assert theirs.exists()
    owner.kill()
    owner.wait()
    with own_folder():
        assert not theirs.exists()
