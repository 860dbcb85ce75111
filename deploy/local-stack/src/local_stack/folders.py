"""Where the local stack keeps its files: all in folders of its own, and no other folder's mode is ever touched."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[4]

# /tmp may be small or in memory; a home may be unreadable for the user who runs Postgres.
_ROOM = Path("/var/tmp")  # noqa: S108 - folders in it are made by mkdtemp or checked for their owner
_MEMORY = Path("/dev/shm")  # noqa: S108 - likewise
_MEMORY_NEEDED = 4_000_000_000
"""Free bytes of it, and twice as many of the machine's, to put a server there."""


def public_cache() -> Path:
    """A cache folder that other users may read, for programs that must run as somebody else.

    Raises PermissionError if a stranger made a folder of that name.
    """
    folder = _ROOM / f"riskstream-{os.getuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    owned = folder.lstat()
    if folder.is_symlink() or owned.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else (uid {owned.st_uid}); have it removed")
    folder.chmod(0o755)
    return folder


def cache() -> Path:
    """The cache folder for what only we read: `$XDG_CACHE_HOME/riskstream`, or the public one."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not home:
        return public_cache()
    folder = Path(home) / "riskstream"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def temporary_folder(name: str, *, in_memory: bool = False) -> Path:
    """A new folder for one run of the server `name`, readable by us alone; in memory if that is wanted and there is."""
    room = _MEMORY if in_memory and _memory_to_spare() else _ROOM
    return Path(tempfile.mkdtemp(prefix=f"riskstream-{name}-", dir=room))


def _memory_to_spare() -> bool:
    try:
        free = shutil.disk_usage(_MEMORY).free
        machine = Path("/proc/meminfo").read_text()
    except OSError:
        return False
    available = next((line.split()[1] for line in machine.splitlines() if line.startswith("MemAvailable:")), "0")
    enough = free >= _MEMORY_NEEDED and int(available) * 1024 >= 2 * _MEMORY_NEEDED
    return enough and os.access(_MEMORY, os.W_OK | os.X_OK)


@contextmanager
def filled_once(folder: Path) -> Iterator[Path | None]:
    """Fill a cache folder once, whole or not at all, with any number of processes at it.

    Gives None if `folder` is there already, else an empty folder beside it that becomes `folder` when the block
    ends well. Other processes wait at the entrance meanwhile.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            yield None
            return
        with tempfile.TemporaryDirectory(prefix=folder.name + ".", dir=folder.parent) as unfinished:
            filling = Path(unfinished) / "content"
            filling.mkdir()
            yield filling
            filling.rename(folder)
