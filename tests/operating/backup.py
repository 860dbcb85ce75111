"""Backups by Postgres' own programs, as docs/runbooks/backup-and-restore.md has them."""

import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local_stack.postgres_programs import postgres_programs


def run(program: str, dsn: str, *arguments: str | Path) -> None:
    """One of Postgres' programs, connected to `dsn`; AssertionError with what it said where it fails."""
    url = urlsplit(dsn)
    connection = {
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
    }
    ended = subprocess.run(
        [postgres_programs() / program, *arguments],
        env=os.environ | connection | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{program}: {ended.stderr}"


def dump(dsn: str, file: Path) -> None:
    """The database as it is at one instant, while services work."""
    run("pg_dump", dsn, "--format=custom", f"--file={file}", f"--dbname={urlsplit(dsn).path.strip('/')}")


def restore(dsn: str, file: Path) -> None:
    """The database of that instant in the place of the one that is there. Nobody may be connected."""
    run("pg_restore", dsn, "--clean", "--create", "--if-exists", "--exit-on-error", "--dbname=postgres", file)


def copy_cluster(dsn: str, folder: Path) -> None:
    """All of the cluster's files into `folder`, with the write-ahead log that makes them whole."""
    run("pg_basebackup", dsn, f"--pgdata={folder}", "--wal-method=stream", "--checkpoint=fast", "--no-sync")


def recover_from_files(folder: Path) -> None:
    """Have the cluster in `folder` recover at its next start as after a disaster: to the end of its log."""
    (folder / "recovery.signal").touch()
    with (folder / "postgresql.auto.conf").open("a") as settings:
        # Nothing was archived beside the backup in this place; a real one copies segments from the archive.
        settings.write("restore_command = 'false'\n")
