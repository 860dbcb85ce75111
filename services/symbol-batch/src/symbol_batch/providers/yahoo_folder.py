"""The folder that Yahoo's client keeps its caches in, one a process, also where processes are killed."""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "riskstream-yahoo-"
YOUNG_SECONDS = 600.0
"""A folder may be without its lock for the moment between being made and being locked; younger ones are left alone."""


def own_folder() -> "tempfile.TemporaryDirectory[str]":
    """A new folder, locked as long as this process lives. Those of killed processes are removed."""
    _remove_left_behind(Path(tempfile.gettempdir()))
    folder = tempfile.TemporaryDirectory(prefix=PREFIX)
    # Never closed: the system does, and so lets the lock go, however the process ends.
    fcntl.flock(os.open(folder.name, os.O_RDONLY), fcntl.LOCK_EX)
    return folder


def _remove_left_behind(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime > YOUNG_SECONDS:
                _remove_unlocked(folder)
        except OSError:
            continue  # another's, in use, or removed by another process just now


def _remove_unlocked(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
